"""Reading Tryton: both sign-ins, sessions, errors in words, pages that lose nothing, listings."""

import copy
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import responses

from connectors import registry
from connectors.accounting.tryton.connector import OVERLAP, Tryton
from connectors.base import Overtaken, Raw
from foundation.errors import BadInput, Misconfigured, Permanent, Temporary
from tests.connectors.accounting.tryton_base import ADDRESS, BEGIN, Refused, TrytonBase, tagged

FIXTURES = Path(__file__).parents[2] / "fixtures" / "tryton"
BY_PASSWORD = {"user": "admin", "password": "word-1"}
REST = re.compile(rf"{ADDRESS}/acme/rest/model/.*")
DOORS = pytest.mark.parametrize("keys", [BY_PASSWORD, {"key": "key-1"}], ids=["password", "key"])


def things(stream: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FIXTURES / f"{stream}.json").read_text("utf-8"))
    return found


def parties(count: int) -> list[dict[str, Any]]:
    """Parties made and changed in the same instant, as an import makes them."""
    party = things("parties")[1]
    at = tagged(BEGIN - timedelta(days=1))
    rows = [
        {**copy.deepcopy(party), "id": n + 1, "create_date": at, "write_date": None} for n in range(count)
    ]
    for row in rows:
        for part in (*row["identifiers"], *row["contact_mechanisms"], *row["addresses"]):
            part["create_date"] = part["write_date"] = at
    return rows


@pytest.fixture
def base() -> Iterator[TrytonBase]:
    """A base that answers at ADDRESS."""
    made = TrytonBase(
        party__party=parties(25), product__product=things("products"),
        account__invoice=things("invoices"), account__move__line=things("payments"),
    )  # fmt: skip
    with plugged(made):
        yield made


def plugged(base: TrytonBase) -> responses.RequestsMock:
    mock = responses.RequestsMock(assert_all_requests_are_fired=False)
    for path in ("acme/rpc/", "acme/"):
        mock.add_callback(responses.POST, f"{ADDRESS}/{path}", base.rpc)
    for method in (responses.GET, responses.POST, responses.PUT):
        mock.add_callback(method, REST, base.rest)
    return mock


def connect(**typed: Any) -> Tryton:
    if "key" not in typed:
        typed = BY_PASSWORD | typed
    settings = registry.parse_settings(Tryton, {"address": ADDRESS, "database": "acme", **typed})
    return Tryton(settings, Tryton.make_http(settings, sleep=lambda _: None))


def pull(connector: Tryton, stream: str = "parties", cursor: str | None = None) -> tuple[list[Raw], str]:
    found: list[Raw] = []
    for page in connector.pull(stream, cursor):
        assert page.bad == ()
        found += page.records
        cursor = page.cursor or cursor
    return found, cursor or ""


def ids(raws: list[Raw]) -> list[str]:
    return [raw.external_id for raw in raws]


# signing in


@DOORS
def test_check_counts_what_is_there(base: TrytonBase, keys: dict[str, str]) -> None:
    assert connect(**keys).check() == (
        "Reached “Deneme”: 25 parties, 4 products, 6 invoices, 9 payments."
    )  # fmt: skip


def test_wrong_password_is_told_and_never_repeated(base: TrytonBase) -> None:
    """Each wrong one is answered slower than the one before."""
    with pytest.raises(Misconfigured, match="password") as caught:
        connect(password="wrong").check()
    assert caught.value.setting == "password" and base.sign_ins == 1


def test_wrong_key_is_told(base: TrytonBase) -> None:
    with pytest.raises(Misconfigured) as caught:
        connect(key="wrong").check()
    assert caught.value.setting == "key"


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [(429, Temporary, {"retry_after": 300}), (404, Misconfigured, {"setting": "database"})],
)
def test_refused_sign_ins_have_words(status: int, error: type[Exception], said: dict[str, Any]) -> None:
    with responses.RequestsMock() as mock:
        mock.post(f"{ADDRESS}/acme/rpc/", status=status, body="<html>")
        with pytest.raises(error) as caught:
            connect().check()
        assert len(mock.calls) == 1
    assert said.items() <= vars(caught.value).items()


def test_ended_session_is_renewed(base: TrytonBase) -> None:
    connector = connect(page_size=10)
    pages = connector.pull("parties", None)
    next(pages)
    base.session = "token-2"
    assert sum(len(page.records) for page in pages) == 15
    assert base.sign_ins == 2


def test_session_that_ends_at_once_is_told(base: TrytonBase) -> None:
    connector = connect()
    connector.check()
    rpc, base.session = base.rpc, "other"
    with responses.RequestsMock() as mock:
        mock.add_callback(
            responses.POST, f"{ADDRESS}/acme/rpc/",
            lambda request: rpc(request) if b"login" in request.body else (401, {}, ""),
        )  # fmt: skip
        with pytest.raises(Misconfigured):
            connector.check()
        assert len(mock.calls) == 3


def test_series_before_8_is_called_elsewhere(base: TrytonBase) -> None:
    base.old = True
    connector = connect()
    assert len(pull(connector)[0]) == 25 and len(pull(connector, "invoices")[0]) == 6


def test_user_without_company_is_told(base: TrytonBase) -> None:
    connector = connect()
    connector._client._context = {"company": None}
    with pytest.raises(Misconfigured, match="company"):
        connector.check()


def test_sign_in_is_needed() -> None:
    with pytest.raises(BadInput, match="key is needed"):
        registry.parse_settings(Tryton, {"address": ADDRESS, "database": "acme", "user": "admin"})
    with pytest.raises(BadInput, match="between"):
        connect(page_size=1001)


# errors


@pytest.mark.parametrize(
    ("error", "raised", "words"),
    [
        (["UserError", ["You are not allowed to read “Party”.", "", None]], Misconfigured, "not allowed"),
        (["UserWarning", ["future", "Date lies in the future.", ""]], BadInput, "lies in the future"),
        (["ConcurrencyException", "Records were modified"], Overtaken, "modified"),
        (["LoginException", ["sms", "Code?", "char"]], Misconfigured, "more than a password"),
        (["'company.company'", "Traceback"], Misconfigured, "lacks the module"),
        (["database is locked", "Traceback secret-path"], Temporary, "database is locked"),
    ],
)
def test_errors_have_words(base: TrytonBase, error: list[Any], raised: type[Exception], words: str) -> None:
    base.fail = Refused(*error)
    with pytest.raises(raised, match=words) as caught:
        pull(connect())
    assert "secret-path" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (["UserError", ["You are not allowed.", ""]], Misconfigured),
        (["UserWarning", ["x", "Sure?", ""]], BadInput),
        (["ConcurrencyException", "modified"], Overtaken),
        (["'party.party'", ""], Temporary),
    ],
)
def test_errors_of_the_other_door_have_words(
    base: TrytonBase, error: list[Any], raised: type[Exception]
) -> None:
    base.fail = Refused(*error)
    with pytest.raises(raised):
        pull(connect(key="key-1"))


@pytest.mark.parametrize(
    "body", ["[]", "{}", '{"id": 1}', '{"id":1,"result":{"a":1}}', '{"result":[1,2]}', "nul"]
)
@DOORS
def test_odd_answers_are_temporary(body: str, keys: dict[str, str]) -> None:
    connector = connect(**keys)
    connector._client._session["Authorization"] = "x"
    connector._client._context = {"company": 1}
    with responses.RequestsMock() as mock:
        mock.add(responses.POST, f"{ADDRESS}/acme/rpc/", body=body)
        mock.add(responses.GET, REST, body=body if body != "[]" else '{"a": 1}')
        mock.assert_all_requests_are_fired = False
        with pytest.raises((Temporary, Permanent)):
            connector._client.rows("party.party", [], ["id"])


# pages


@DOORS
@pytest.mark.parametrize("page_size", [1, 5, 7, 25, 1000])
def test_everything_is_read_once(base: TrytonBase, keys: dict[str, str], page_size: int) -> None:
    """All of it changed in one instant: no page border may part rows of it."""
    pages = list(connect(page_size=page_size, **keys).pull("parties", None))
    assert [r.external_id for p in pages for r in p.records] == [str(n + 1) for n in range(25)]
    assert pages[0].total == 25


@DOORS
def test_both_doors_read_the_same(base: TrytonBase, keys: dict[str, str]) -> None:
    for stream in ("parties", "products", "invoices", "payments"):
        assert pull(connect(**keys), stream)[0] == pull(connect(), stream)[0] != []


def test_only_changes_come_since_a_cursor(base: TrytonBase) -> None:
    connector = connect()
    _, cursor = pull(connector)
    assert ids(pull(connector, cursor=cursor)[0]) == []
    base.models["party.party"][7]["write_date"] = tagged(base.now)
    base.models["party.party"][99] = {**parties(1)[0], "id": 99, "create_date": tagged(base.now)}
    assert ids(pull(connector, cursor=cursor)[0]) == ["7", "99"]


@pytest.mark.parametrize("part", ["addresses", "identifiers", "contact_mechanisms"])
def test_changed_part_is_a_change(base: TrytonBase, part: str) -> None:
    connector = connect()
    [before], cursor = pull(connector)[0][2:3], pull(connector)[1]
    base.models["party.party"][3][part][0]["write_date"] = tagged(base.now)
    [after], _ = pull(connector, cursor=cursor)
    assert after.external_id == "3" and after.version_at == base.now
    assert before.version_at and before.version_at < base.now


def test_slow_transactions_are_not_missed(base: TrytonBase) -> None:
    """A row carries the time at which its transaction began."""
    connector = connect()
    _, cursor = pull(connector)
    base.models["party.party"][4]["write_date"] = tagged(base.now - OVERLAP + timedelta(seconds=1))
    base.models["party.party"][5]["write_date"] = tagged(base.now - OVERLAP - timedelta(seconds=1))
    assert ids(pull(connector, cursor=cursor)[0]) == ["4"]


def test_change_during_a_pull_comes_with_the_next(base: TrytonBase) -> None:
    connector = connect(page_size=10)
    pages = connector.pull("parties", None)
    next(pages)
    base.models["party.party"][2]["write_date"] = tagged(base.now)
    base.now += timedelta(hours=1)
    cursor = list(pages)[-1].cursor
    assert ids(pull(connector, cursor=cursor)[0]) == ["2"]


def test_broken_pull_goes_on_where_it_was(base: TrytonBase) -> None:
    page = next(connect(page_size=10).pull("parties", None))
    base.now += timedelta(hours=3)
    base.models["party.party"][1]["write_date"] = tagged(BEGIN + timedelta(minutes=1))
    rest, cursor = pull(connect(page_size=10), cursor=page.cursor)
    assert ids([*page.records, *rest]) == [str(n + 1) for n in range(25)]
    assert ids(pull(connect(), cursor=cursor)[0]) == ["1"]  # it changed after the first one began


def test_archived_parties_are_read(base: TrytonBase) -> None:
    base.models["party.party"][6]["active"] = 0
    raws = pull(connect())[0]
    [gone] = Tryton.normalise("parties", raws[5], None)
    assert type(gone).__name__ == "Gone" and len(raws) == 25


def test_bills_of_suppliers_are_not_read(base: TrytonBase) -> None:
    connector = connect()
    assert "37" not in ids(pull(connector, "invoices")[0])
    assert [raw.gone for raw in connector.fetch("invoices", ["37"])] == [True]


def test_row_without_a_time_stops_nothing(base: TrytonBase) -> None:
    row = base.models["product.product"][22]
    row.update(create_date=None, write_date="soon", template=None)
    pages = list(connect().pull("products", None))
    assert [raw.external_id for page in pages for raw in page.records] == ["21", "23", "24"]
    [bad] = [bad for page in pages for bad in page.bad]
    assert bad.at == "id 22"


def test_prices_are_in_the_currency_of_the_company(base: TrytonBase) -> None:
    base.models["company.company"][1]["currency"]["code"] = "KZT"
    assert '"company_currency":"KZT"' in pull(connect(), "products")[0][0].payload


# single objects, listings


@DOORS
def test_fetch_is_what_pull_read(base: TrytonBase, keys: dict[str, str]) -> None:
    connector = connect(page_size=10, **keys)
    raws, _ = pull(connector)
    assert list(connector.fetch("parties", ids(raws))) == raws


def test_deleted_ones_are_gone(base: TrytonBase) -> None:
    del base.models["party.party"][3]
    raws = list(connect().fetch("parties", ["2", "3", "no-number"]))
    assert [(raw.external_id, raw.gone) for raw in raws] == [("2", False), ("3", True), ("no-number", True)]


@pytest.mark.parametrize("stream", ["parties", "products", "invoices", "payments"])
def test_listing_and_pull_agree_on_versions(base: TrytonBase, stream: str) -> None:
    """Otherwise reconciliation would find a difference for ever."""
    connector = connect()
    listed = {entry.external_id: entry.version_at for entry in connector.listing(stream)}
    assert listed == {raw.external_id: raw.version_at for raw in pull(connector, stream)[0]}


def test_listing_can_begin_at_a_day(base: TrytonBase) -> None:
    base.models["party.party"][9]["create_date"] = tagged(BEGIN)
    connector = connect()
    assert [entry.external_id for entry in connector.listing("parties", BEGIN)] == ["9"]
    assert [entry.day_at for entry in connector.listing("parties", BEGIN)] == [BEGIN]


def test_long_listing_is_paged(base: TrytonBase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.accounting.tryton.connector.LISTED", 10)
    assert len({entry.external_id for entry in connect(page_size=5).listing("parties")}) == 25
