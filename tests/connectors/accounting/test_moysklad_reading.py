"""Walking MoySklad's lists: nothing is lost, whatever happens meanwhile."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.accounting.moysklad.connector import Moysklad, MoyskladSettings
from connectors.base import Page, Raw
from foundation import clock
from foundation.errors import Misconfigured, Temporary
from tests.connectors.accounting.moysklad_account import (
    RUB,
    Account,
    connect,
    identity,
    moment,
    reference,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)  # three hours after the rows' noon, which is Moscow's


@pytest.fixture
def account() -> Iterator[Account]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked, clock.hold(NOW):
        made = Account()
        made.open(mocked)
        yield made


def records(pages: list[Page]) -> list[Raw]:
    return [raw for page in pages for raw in page.records]


def numbers(pages: list[Page]) -> list[int]:
    return [int(raw.external_id[-12:], 16) - 1000 for raw in records(pages)]


def bill(account: Account, number: int, **fields: Any) -> Any:
    lines = [{"quantity": 1, "price": 100, "assortment": reference("product", identity(7))}]
    account.add("invoiceout", number, sum=100, agent=reference("counterparty", identity(1)),
                rate={"currency": reference("currency", RUB)},
                positions={"meta": {"size": len(lines)}, "all": lines}, **fields)  # fmt: skip
    return account.rows["invoiceout"][-1]


def paid(account: Account, number: int, invoice: int, **fields: Any) -> Any:
    link = {**reference("invoiceout", identity(invoice)), "linkedSum": 100}
    return account.add("paymentin", number, operations=[link], **fields)


def test_the_first_pull_reads_everything(account: Account) -> None:
    for number in range(1, 251):
        account.add("counterparty", number, archived=number == 7)
    pages = list(connect().pull("counterparties", None))
    assert numbers(pages) == list(range(1, 251))
    assert [raw.external_id for raw in records(pages) if raw.gone] == [identity(7)]
    assert pages[0].total == 250 and json.loads(str(pages[-1].cursor)) == {
        "counterparty": "2026-03-01T09:04:10Z"
    }


def test_a_later_pull_overlaps(account: Account) -> None:
    for number in range(1, 1001):
        account.add("counterparty", number)
    cursor = list(connect().pull("counterparties", None))[-1].cursor
    assert numbers(list(connect().pull("counterparties", cursor))) == list(range(700, 1001))


def test_an_empty_account_has_no_pages_to_fear(account: Account) -> None:
    for stream in ("counterparties", "nomenclature", "invoices", "payments"):
        assert records(list(connect().pull(stream, None))) == []


def test_a_crowded_instant_loses_nothing(account: Account) -> None:
    for number in range(1, 351):
        account.add("counterparty", number, moment(5))
    account.add("counterparty", 400, moment(6))
    assert sorted(numbers(list(connect().pull("counterparties", None)))) == [*range(1, 351), 400]


def test_pages_begin_at_the_last_time_seen(account: Account) -> None:
    for number in range(1, 251):
        account.add("counterparty", number)
    list(connect().pull("counterparties", None))
    lists = [params for _, path, params, _ in account.calls if path == "entity/counterparty"]
    assert not [params for params in lists if "offset" in params]
    assert [p["filter"].split(";")[0] for p in lists[1:]] == [f"updated>={moment(n)}" for n in (100, 199)]


def test_a_list_without_order_is_given_up(account: Account) -> None:
    rows = [account.add("counterparty", number, moment()) for number in range(150)]

    def shuffle(request: Any) -> None:
        for number, row in enumerate(rows):
            row["id"] = f"{len(account.calls):04}-{number}"

    account.before = shuffle
    with pytest.raises(Temporary, match="keeps changing"):
        list(connect().pull("counterparties", None))


def test_rows_edited_between_pages_are_kept(account: Account) -> None:
    for number in range(1, 351):
        account.add("counterparty", number, moment(5) if number < 240 else "")

    def edit(request: Any) -> None:
        if len(account.calls) in (2, 3):  # those move to the end, and all behind them up
            for row in account.rows["counterparty"][len(account.calls) * 20 :][:20]:
                row["updated"] = moment(1000 + len(account.calls))

    account.before = edit
    assert set(numbers(list(connect().pull("counterparties", None)))) == set(range(1, 351))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=330), st.data())
def test_whatever_the_ties_and_edits(seconds: list[int], data: st.DataObject) -> None:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked, clock.hold(NOW):
        account = Account()
        account.open(mocked)
        rows = [account.add("counterparty", n, moment(at)) for n, at in enumerate(seconds)]
        edits = iter(data.draw(st.lists(st.sampled_from(range(len(rows))), max_size=8)))

        def edit(request: Any) -> None:
            if (chosen := next(edits, None)) is not None:
                rows[chosen]["updated"] = moment(100 + len(account.calls))

        account.before = edit
        assert set(numbers(list(connect().pull("counterparties", None)))) == set(range(len(rows)))


def test_a_time_in_the_future_does_not_carry_the_cursor(account: Account) -> None:
    account.add("counterparty", 1, moment(timedelta(days=400).total_seconds()))
    cursor = list(connect().pull("counterparties", None))[-1].cursor
    assert json.loads(str(cursor)) == {"counterparty": "2026-03-01T12:00:00Z"}


def test_a_cursor_of_another_version_reads_everything(account: Account) -> None:
    account.add("counterparty", 1)
    assert numbers(list(connect().pull("counterparties", "2026-01-01"))) == [1]


def test_rows_that_are_none_are_named(account: Account) -> None:
    account.add("counterparty", 1)
    account.rows["counterparty"][0]["id"] = ""
    [page] = connect().pull("counterparties", None)
    assert page.records == () and "an id was expected" in page.bad[0].reason


def test_every_kind_of_item_has_its_place_in_the_cursor(account: Account) -> None:
    for number, entity in enumerate(("product", "variant", "service", "bundle"), 1):
        account.add(entity, number, name=entity)
    account.stock = {identity(1): (moment(), 5.0)}
    pages = list(connect().pull("nomenclature", None))
    assert numbers(pages) == [1, 2, 3, 4]
    assert set(json.loads(str(pages[-1].cursor))) == {"product", "variant", "service", "bundle", "stock"}
    left = {number: json.loads(raw.payload).get("quantity") for number, raw in enumerate(records(pages), 1)}
    assert left == {1: 5.0, 2: 0, 3: None, 4: None}


def test_items_whose_stock_has_changed_are_read_again(account: Account) -> None:
    for number in (1, 2):
        account.add("product", number, moment(-9000))
    account.add("product", 3)
    cursor = list(connect().pull("nomenclature", None))[-1].cursor
    account.stock = {identity(1): (moment(3 * 3600 + 60), 4.0), identity(2): (moment(), 9.0)}
    assert set(numbers(list(connect().pull("nomenclature", cursor)))) == {1, 3}


def test_after_a_long_pause_stock_is_looked_for_a_day_back(account: Account) -> None:
    account.add("product", 1, moment(-9000))
    cursor = list(connect().pull("nomenclature", None))[-1].cursor
    clock.advance(timedelta(days=3))
    account.stock = {identity(1): (moment(3 * 86_400), 4.0)}
    assert 1 in numbers(list(connect().pull("nomenclature", cursor)))


def test_stock_need_not_be_read(account: Account) -> None:
    account.add("product", 1)
    list(connect(stock="none").pull("nomenclature", None))
    assert not [path for _, path, _, _ in account.calls if path.startswith("report")]


def test_references_are_spelled_out(account: Account) -> None:
    bill(account, 1)
    [raw] = records(list(connect().pull("invoices", None)))
    [found] = Moysklad.normalise("invoices", raw, MoyskladSettings(token="t"))
    assert found.currency == "RUB"  # type: ignore[union-attr]
    assert [path for _, path, _, _ in account.calls].count("entity/currency") == 1


def test_all_lines_of_a_long_invoice_are_read(account: Account) -> None:
    invoice = bill(account, 1)
    lines = [
        {"quantity": n, "assortment": {"id": str(n), "name": "x", "description": "long"}} for n in range(230)
    ]
    invoice["positions"] = {"meta": {"size": 230}, "all": lines}
    [raw] = records(list(connect().pull("invoices", None)))
    rows = json.loads(raw.payload)["positions"]["rows"]
    assert [row["quantity"] for row in rows] == list(range(230))
    assert rows[0]["assortment"] == {"id": "0", "name": "x"}


def test_an_invoice_is_read_again_when_it_is_paid(account: Account) -> None:
    for number in (1, 2, 3):
        bill(account, number, updated=moment(-9000 + 1000 * number))
    cursor = list(connect().pull("invoices", None))[-1].cursor
    assert numbers(list(connect().pull("invoices", cursor))) == [3]
    for number in (2, 3):  # a payment moves no change time of its invoice
        paid(account, number, number, updated=moment(3 * 3600 + 5))
    assert numbers(list(connect().pull("invoices", cursor))) == [3, 2]


def test_an_invoice_paid_while_a_first_pull_rests_is_read(account: Account) -> None:
    for number in range(1, 41):
        bill(account, number, updated=moment(-90_000 + 1000 * number))
    first = next(iter(connect().pull("invoices", None)))
    clock.advance(timedelta(hours=3))
    paid(account, 2, 2, updated=moment(3 * 3600 + 7200))
    clock.advance(timedelta(hours=3))
    assert numbers(list(connect().pull("invoices", first.cursor)))[-1] == 2


def test_documents_in_the_bin_are_gone(account: Account) -> None:
    for number in (1, 2):
        bill(account, number)
    cursor = list(connect().pull("invoices", None))[-1].cursor
    account.rows["invoiceout"][0] |= {"isDeleted": True, "deleted": moment(60)}
    found = records(list(connect().pull("invoices", cursor)))
    assert {(raw.external_id, raw.gone) for raw in found} == {(identity(1), True), (identity(2), False)}


def test_single_objects_are_read_again(account: Account) -> None:
    for number in range(1, 61):
        account.add("product" if number % 2 else "service", number, archived=number == 3)
    wanted = [identity(number) for number in (*range(1, 61), 99)]
    found = {raw.external_id: raw.gone for raw in connect(stock="none").fetch("nomenclature", wanted)}
    assert sorted(found) == sorted(wanted)
    assert [one for one, gone in found.items() if gone] == [identity(3), identity(99)]


def test_the_listing_is_of_what_lives(account: Account) -> None:
    for number in range(1, 1100):
        account.add("counterparty", number, created=moment(number), archived=number == 5)
    found = list(connect().listing("counterparties"))
    assert len({entry.external_id for entry in found}) == 1098
    assert found[0].day_at == found[0].version_at == datetime(2026, 3, 1, 9, 0, 1, tzinfo=UTC)
    late = list(connect().listing("counterparties", datetime(2026, 3, 1, 9, 10, tzinfo=UTC)))
    assert len(late) == 500


def test_check_counts_what_is_there(account: Account) -> None:
    account.add("counterparty", 1)
    assert connect().check() == (
        "Reached MoySklad: 1 counterparties, 0 nomenclature, 0 invoices, 0 payments."
    )


def test_check_says_what_to_do(account: Account) -> None:
    said = {"errors": [{"error": "Неправильный пароль", "code": 1056}]}
    account.before = lambda request: (401, {}, json.dumps(said))
    with pytest.raises(Misconfigured, match="“Неправильный пароль” Check the setting “token”") as refused:
        connect().check()
    assert refused.value.setting == "token"
    account.before = lambda request: (403, {}, "{}") if "report/stock" in str(request.url) else None
    with pytest.raises(Misconfigured, match="not read “report"):
        connect().check()
    assert connect(stock="none").check()
    account.before = lambda request: (403, {}, "{}") if "invoiceout" in str(request.url) else None
    with pytest.raises(Misconfigured, match=r"not read “invoiceout”.*Role") as refused:
        connect(token="", login="a@b", password="p").check()
    assert refused.value.setting == "password"


def test_a_limit_is_waited_for_in_milliseconds(account: Account) -> None:
    account.before = lambda request: (
        (429, {"X-Lognex-Retry-After": "1200"}, "{}") if len(account.calls) == 1 else None
    )
    waited: list[float] = []
    chosen = MoyskladSettings(token="t")
    http = Moysklad.make_http(chosen, per_second=None, sleep=waited.append)
    assert Moysklad(chosen, http).check() and waited == [1.2]


def test_what_is_no_list_moves_no_cursor(account: Account) -> None:
    account.before = lambda request: (200, {}, '{"rows": 1}')
    with pytest.raises(Temporary):
        next(connect().pull("counterparties", None))
