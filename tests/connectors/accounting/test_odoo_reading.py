"""Reading an Odoo database: nothing is lost, whatever happens meanwhile."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.accounting.odoo.connector import Odoo, OdooSettings
from connectors.base import Page, Raw
from foundation import clock
from foundation.errors import Misconfigured, Permanent, Temporary
from tests.connectors.accounting.odoo_database import NOON, Database, connect, moment

LATER = 7200  # a change after the first pull, in seconds after the rows' noon


@pytest.fixture
def database() -> Iterator[Database]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        made = Database()
        made.open(mocked)
        with clock.hold(NOON + timedelta(seconds=3600)):
            yield made


def records(pages: list[Page]) -> list[Raw]:
    return [raw for page in pages for raw in page.records]


def numbers(pages: list[Page]) -> list[int]:
    return [int(raw.external_id) for raw in records(pages)]


def pull(stream: str, cursor: str | None = None, **settings_: Any) -> list[Page]:
    return list(connect(**settings_).pull(stream, cursor))


def test_the_first_pull_reads_everything(database: Database) -> None:
    for number in range(1, 251):
        database.add("res.partner", number, active=number != 7)
    pages = pull("counterparties")
    assert numbers(pages) == list(range(1, 251))
    assert [raw.external_id for raw in records(pages) if raw.gone] == ["7"]
    marks = json.loads(str(pages[-1].cursor))
    assert marks == {"rows": "2026-03-01T12:04:10Z", "children": "2026-03-01T13:00:00Z"}
    assert pages[0].total == 249  # what is archived isn't counted


def test_a_later_pull_overlaps_by_ten_minutes(database: Database) -> None:
    for number in range(1, 1001):
        database.add("res.partner", number)
    cursor = pull("counterparties")[-1].cursor
    assert numbers(pull("counterparties", cursor)) == list(range(400, 1001))


def test_an_empty_database_has_no_pages_to_fear(database: Database) -> None:
    assert [records(pull(stream.name)) for stream in Odoo.streams] == [[], [], [], []]


def test_a_crowded_second_loses_nothing(database: Database) -> None:
    for number in range(1, 351):
        database.add("res.partner", number, moment(5 + (351 - number) / 1000))
    database.add("res.partner", 400, moment(6))
    assert sorted(numbers(pull("counterparties"))) == [*range(1, 351), 400]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 4000), min_size=1, max_size=330), st.data())
def test_whatever_the_ties_and_edits(times: list[int], data: st.DataObject) -> None:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        database = Database()
        database.open(mocked)
        rows = [database.add("res.partner", n, moment(at / 1000)) for n, at in enumerate(times, 1)]
        edits = iter(data.draw(st.lists(st.sampled_from(range(len(rows))), max_size=8)))

        def edit(request: Any) -> None:
            if (chosen := next(edits, None)) is not None:
                rows[chosen]["write_date"] = moment(100 + len(database.calls))

        database.before = edit
        assert set(numbers(pull("counterparties"))) == set(range(1, len(rows) + 1))


def test_a_time_in_the_future_does_not_carry_the_cursor(database: Database) -> None:
    database.add("res.partner", 1, moment(timedelta(days=400).total_seconds()))
    marks = json.loads(str(pull("counterparties")[-1].cursor))
    assert marks["rows"] == "2026-03-01T13:00:00Z"


def test_own_companies_users_and_parts_of_others_are_none(database: Database) -> None:
    database.add("res.partner", 1)
    database.add("res.partner", 2, parent_id=1)
    database.add("res.partner", 3, ref_company_ids=[1])
    database.add("res.partner", 4, partner_share=False)
    assert numbers(pull("counterparties")) == [1]


def test_a_company_comes_with_its_people_and_tags(database: Database) -> None:
    database.add("res.partner.category", 3, name="Wholesale")
    database.add("res.partner", 1, category_id=[3, 99], country_id=57)
    database.add("res.partner", 2, parent_id=1, name="Anna")
    [raw] = records(pull("counterparties"))
    payload = json.loads(raw.payload)
    assert (payload["tags"], payload["country_code"]) == (["Wholesale"], "DE")
    assert [one["name"] for one in payload["people"]] == ["Anna"]


def test_a_company_is_read_again_when_its_people_change(database: Database) -> None:
    for number in (1, 2):
        database.add("res.partner", number, moment(-90_000))
    database.add("res.partner", 3, moment())
    child = database.add("res.partner", 4, moment(-90_000), parent_id=2)
    cursor = pull("counterparties")[-1].cursor
    assert numbers(pull("counterparties", cursor)) == [3]
    child["write_date"] = moment(LATER)
    database.add("res.partner", 5, moment(LATER), parent_id=3)  # whom this pull has read already
    assert numbers(pull("counterparties", cursor)) == [3, 2]


def test_what_changes_while_a_first_pull_rests_is_read(database: Database) -> None:
    for number in range(1, 151):
        database.add("res.partner", number, moment(-90_000 + 1000 * number))
    first = next(iter(connect().pull("counterparties", None)))
    clock.advance(timedelta(hours=3))
    database.add("res.partner", 999, moment(LATER), parent_id=2)
    clock.advance(timedelta(hours=3))
    assert numbers(pull("counterparties", first.cursor))[-1] == 2


def test_an_item_is_read_again_when_its_template_or_stock_changes(database: Database) -> None:
    for number in (1, 2, 3, 4):
        database.add("product.product", number, moment(-90_000 * (number < 4)), product_tmpl_id=number + 100)
        database.add("product.template", number + 100, moment(-90_000))
    quant = database.add("stock.quant", 1, moment(-90_000), product_id=2)
    cursor = pull("nomenclature")[-1].cursor
    assert set(json.loads(str(cursor))) == {"rows", "template", "stock.quant"}
    assert numbers(pull("nomenclature", cursor)) == [4]
    database.rows["product.template"][103]["write_date"] = quant["write_date"] = moment(LATER)
    assert numbers(pull("nomenclature", cursor)) == [4, 3, 2]
    assert numbers(pull("nomenclature", cursor, stock="none")) == [4, 3]


def bill(database: Database, number: int, **fields: Any) -> Any:
    made = database.add(
        "account.move", number, moment(-90_000), partner_id=1, commercial_partner_id=1, **fields
    )
    line = database.add("account.move.line", number, moment(-90_000), move_id=number, price_total=1.0)
    return made, line


def test_an_invoice_is_read_again_when_it_is_paid(database: Database) -> None:
    (_, first), (_, second), _ = (bill(database, number) for number in (1, 2, 3))
    bill(database, 4, move_type="in_invoice")[1]["write_date"] = moment(LATER)
    cursor = pull("invoices")[-1].cursor
    assert [json.loads(raw.payload)["lines"][0]["id"] for raw in records(pull("invoices"))] == [1, 2, 3]
    assert numbers(pull("invoices", cursor)) == [1, 2, 3]  # all of one second
    database.rows["account.move"][3]["write_date"] = moment(-80_000)
    cursor = pull("invoices")[-1].cursor
    assert numbers(pull("invoices", cursor)) == [3]
    first["write_date"] = moment(LATER)
    second["matched_credit_ids"] = [database.add("account.partial.reconcile", 1, moment(LATER))["id"]]
    assert numbers(pull("invoices", cursor)) == [3, 1, 2]


def test_a_payment_is_read_again_when_it_settles_an_invoice(database: Database) -> None:
    for number in (1, 2, 3):
        database.add("account.payment", number, moment(-90_000 + 10_000 * number))
        database.add("account.move.line", number, moment(-90_000), payment_id=number)
    cursor = pull("payments")[-1].cursor
    match = database.add("account.partial.reconcile", 1, moment(LATER))
    database.rows["account.move.line"][1]["matched_debit_ids"] = [match["id"]]
    assert numbers(pull("payments", cursor)) == [3, 1]


def test_all_lines_of_a_page_of_invoices_are_read(database: Database) -> None:
    for number in (1, 2):
        database.add("account.move", number)
    for number in range(1, 1201):
        kind = "line_note" if number % 10 == 0 else "product"
        database.add("account.move.line", number, move_id=1 + number % 2, display_type=kind)
    found = [json.loads(raw.payload)["lines"] for raw in records(pull("invoices"))]
    assert [len(lines) for lines in found] == [480, 600]


def test_unknown_fields_are_not_asked_for(database: Database) -> None:
    database.add("res.partner", 1)
    pull("counterparties")
    asked = [said["fields"] for model, method, said in database.calls if method == "search_read"]
    assert asked and not any("mobile" in fields for fields in asked)


def test_single_objects_are_read_again(database: Database) -> None:
    for number in range(1, 301):
        database.add("product.product", number, active=number != 3)
    wanted = [str(number) for number in (*range(1, 301), 999)] + ["x"]
    found = {raw.external_id: raw.gone for raw in connect().fetch("nomenclature", wanted)}
    assert set(found) == set(wanted)
    assert [one for one, gone in found.items() if gone] == ["3", "999", "x"]


def test_the_listing_is_of_what_lives(database: Database) -> None:
    for number in range(1, 1100):
        database.add("res.partner", number, active=number != 5)
    found = list(connect().listing("counterparties"))
    assert len(found) == len({entry.external_id for entry in found}) == 1098
    assert found[0].day_at == found[0].version_at == datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC)
    assert len(list(connect().listing("counterparties", NOON + timedelta(seconds=600)))) == 500


def test_one_company_may_be_chosen(database: Database) -> None:
    contexts: list[Any] = []

    def look(request: Any) -> None:
        contexts.append(json.loads(request.body)["context"])

    database.before = look
    pull("counterparties", company=2)
    assert contexts and all(context["allowed_company_ids"] == [2] for context in contexts)


def test_check_counts_what_is_there(database: Database) -> None:
    database.add("res.partner", 1)
    assert connect().check() == (
        "Reached odoo.example: 1 counterparties, 0 nomenclature, 0 invoices, 0 payments."
    )


@pytest.mark.parametrize(("answer", "words", "name"), [
    ((401, '"Invalid apikey"'), "“Invalid apikey” Check the setting “api_key”", "api_key"),
    ((403, '{"name": "AccessError", "message": "No"}'), "not read “res.partner”. “No” Give", "api_key"),
    ((404, "<html>"), "Odoo 19 or newer is needed", "address"),
    ((404, '"the model does not exist"'), "has no “res.partner”.*Install", "address"),
])  # fmt: skip
def test_check_says_what_to_do(database: Database, answer: tuple[int, str], words: str, name: str) -> None:
    database.before = lambda request: (answer[0], {}, answer[1])
    with pytest.raises(Misconfigured, match=words) as refused:
        connect().check()
    assert refused.value.setting == name


def test_what_is_no_answer_moves_no_cursor(database: Database) -> None:
    database.before = lambda request: (200, {}, "3") if "search_read" in str(request.url) else None
    with pytest.raises(Temporary):
        pull("counterparties")
    database.before = lambda request: (422, {}, '"bad domain"')
    with pytest.raises(Permanent, match="bad domain"):
        pull("counterparties")


def test_sign_in_is_in_the_headers() -> None:
    chosen = OdooSettings(address="company.odoo.com/odoo/settings", api_key=" k-1 ", database="prod")
    http = Odoo.make_http(chosen)
    assert http.base_url == "https://company.odoo.com/json/2/"
    assert http.headers["Authorization"] == "bearer k-1" and http.headers["X-Odoo-Database"] == "prod"
    with pytest.raises(Misconfigured):
        Odoo.make_http(OdooSettings(address=" ", api_key="k"))
