"""Invoices, payments and statements of a card, in the console and in the API."""

from decimal import Decimal
from io import BytesIO
from uuid import uuid4

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import Engine, text

from foundation.clock import now
from foundation.database import transaction
from foundation.records import Invoice, Order
from tests.console import billed, company
from tests.console.conftest import Browser
from tests.console.test_queries import counted

COSTS = {
    "/customers/{card}?tab=money": 8,
    "/customers/{card}/settlements": 5,
    "/customers/{card}/settlements.xlsx": 5,
    "/invoices/{bill}": 5,
}


def find(engine: Engine, query: str) -> object:
    with engine.connect() as db:
        return db.execute(text(query)).scalar_one()


@pytest.mark.parametrize("path", COSTS)
def test_page_costs_its_queries(browser: Browser, engine: Engine, path: str) -> None:
    card = billed.anna(engine)
    bill = find(engine, "SELECT id FROM invoices WHERE number = 'СФ-102'")
    browser.see("/settings")
    with counted(engine) as sent:
        assert browser.get(path.format(card=card, bill=bill)).status_code == 200
    assert len(sent) == COSTS[path], sent


def test_card_says_what_is_owed_and_since_when(browser: Browser, engine: Engine) -> None:
    card = billed.anna(engine)
    page = browser.see(f"/customers/{card}")
    assert "Owes" in page and "₸104,200.50" in page and "€220.25" in page and "overdue" in page
    page = browser.see(f"/customers/{card}?kind=money")
    assert "Invoice <a href=" in page and "Payment received" in page and "Order <a" not in page
    other = find(engine, "SELECT id FROM customers WHERE live AND name LIKE 'Elif%'")
    page = browser.see(f"/customers/{other}")
    assert "Owes" not in page and ">Money</a>" in page


def test_tab_shows_each_side(browser: Browser, engine: Engine) -> None:
    page = browser.see(f"/customers/{billed.anna(engine)}?tab=money")
    row = page.split("СФ-102")[1].split("</tr>")[0]
    assert "overdue" in row and "B-10401" in row and "completed" in row and "₸68,400.50" in row
    assert "paid: " in page.split("СФ-101")[0] or "₸35,800" in page.split("СФ-101")[1].split("</tr>")[0]
    assert "gone at the source" in page.split("СФ-107")[1].split("</tr>")[0]
    assert "no invoice named" in page


def test_orders_and_invoices_name_each_other(browser: Browser, engine: Engine) -> None:
    billed.anna(engine)
    order = find(engine, "SELECT id FROM orders WHERE number = 'B-10401'")
    bill = find(engine, "SELECT id FROM invoices WHERE number = 'СФ-102'")
    assert f"/invoices/{bill}" in browser.see(f"/orders/{order}")
    page = browser.see(f"/invoices/{bill}")
    assert f"/orders/{order}" in page and "Samovar 3 l" in page and "₸60,000" in page
    assert browser.get(f"/invoices/{uuid4()}").status_code == 404


def test_an_order_that_a_ledger_sent_back_says_where_it_counts(browser: Browser, engine: Engine) -> None:
    billed.anna(engine)
    order = find(engine, "SELECT id FROM orders WHERE number = 'B-10401'")
    card = find(engine, f"SELECT customer_id FROM orders WHERE id = '{order}'")
    ledger = find(engine, "SELECT id FROM sources WHERE name = '1C ledger'")
    back = Order(external_id=str(order), number="НФ-000077", state="shipped", currency="KZT",
                 total=Decimal("68400.50"), customer_id="c-77", placed_at=now())  # fmt: skip
    with transaction(engine) as session:
        company.apply(session, ledger, [back])
    copy = find(engine, "SELECT id FROM orders WHERE number = 'НФ-000077'")
    page = browser.see(f"/orders/{order}")
    assert f'href="/orders/{copy}"' in page and "It counts once, here." in page
    page = browser.see(f"/orders/{copy}")
    assert f'href="/orders/{order}"' in page and "It counts there, where it was placed." in page
    assert "НФ-000077" not in browser.see(f"/customers/{card}?tab=orders")


def test_an_order_of_somebody_else_is_never_joined(browser: Browser, engine: Engine) -> None:
    billed.anna(engine)
    number = find(engine, "SELECT number FROM orders o JOIN customers c ON c.id = o.customer_id"
                          " WHERE c.name LIKE 'Elif%' LIMIT 1")  # fmt: skip
    ledger = find(engine, "SELECT id FROM sources WHERE name = '1C ledger'")
    bill = Invoice(external_id="x", number="X-1", customer_id="c-77", currency="TRY", total=Decimal(1),
                   order_number=str(number), issued_at=now())  # fmt: skip
    with transaction(engine) as session:
        company.apply(session, ledger, [bill])
    page = browser.see(f"/invoices/{find(engine, 'SELECT id FROM invoices WHERE external_id = $$x$$')}")
    assert str(number) in page and "no shop has it for this customer" in page


def test_statement_of_a_period(browser: Browser, engine: Engine) -> None:
    card = billed.anna(engine)
    page = browser.see(f"/customers/{card}/settlements?since=2020-01-01")
    assert "₸103,100.50" in page and "СФ-101" in page and "СФ-105" not in page and "СФ-106" not in page
    page = browser.see(f"/customers/{card}/settlements?since=1990-01-01&until=1990-12-31")
    assert "Nothing in this period" in page


@pytest.mark.parametrize("query", ["since=2026-05-01&until=2026-04-01", "since=rubbish", "until=9999-12-31"])
def test_days_that_make_no_period_are_said_so(browser: Browser, engine: Engine, query: str) -> None:
    card = billed.anna(engine)
    assert 'class="error"' in browser.see(f"/customers/{card}/settlements?{query}", 422)
    assert browser.get(f"/customers/{card}/settlements.xlsx?{query}").status_code == 422


def test_statement_as_files(browser: Browser, engine: Engine) -> None:
    card = billed.anna(engine)
    asked = "since=2020-01-01&until=2100-01-01&language=ru"
    answer = browser.get(f"/customers/{card}/settlements.xlsx?{asked}")
    assert 'filename="statement-2020-01-01-2100-01-01.xlsx"' in answer.headers["content-disposition"]
    found = CalamineWorkbook.from_filelike(BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert found[0][0] == "Акт сверки взаимных расчётов"
    assert found[-1][-1] == 103100.5
    answer = browser.get(f"/customers/{card}/settlements.pdf?{asked}")
    assert answer.headers["content-type"] == "application/pdf" and answer.content.startswith(b"%PDF-")


def test_statement_of_a_merged_card_is_that_of_the_living(browser: Browser, engine: Engine) -> None:
    card = billed.anna(engine)
    with engine.begin() as db:
        dead = uuid4()
        db.execute(
            text("INSERT INTO customers SELECT (jsonb_populate_record(c, jsonb_build_object("
                 "'id', CAST(:dead AS uuid), 'live', false, 'merged_into', c.id))).* FROM customers c"
                 " WHERE c.id = :card"),
            {"dead": dead, "card": card},
        )  # fmt: skip
    answer = browser.get(f"/customers/{dead}/settlements", follow_redirects=False)
    assert answer.headers["location"] == f"/customers/{card}/settlements"
    assert browser.get(f"/customers/{uuid4()}/settlements").status_code == 404


def test_company_stands_in_letters_and_statements(browser: Browser, engine: Engine) -> None:
    card = billed.anna(engine)
    assert "Nobody has said who you are" in browser.see(f"/customers/{card}/settlements")
    said = {"company": "ТОО «Самовар»", "tax_number": "050642955749", "postal_address": "Алматы, <b>55</b>"}
    browser.submit("/settings/mail/company", **said)
    page = browser.see("/settings/mail")
    assert 'value="ТОО «Самовар»"' in page and "Алматы, &lt;b&gt;55&lt;/b&gt;" in page
    assert 'value="ТОО «Самовар»"' in browser.see("/letters/new")
    page = browser.see(f"/customers/{card}/settlements")
    assert "050642955749" in page and "Nobody has said who you are" not in page
    content = browser.get(f"/customers/{card}/settlements.xlsx?language=en").content
    rows = CalamineWorkbook.from_filelike(BytesIO(content)).get_sheet_by_index(0).to_python()
    told = [row[:2] for row in rows[1:9]]
    start = next(place for place, (label, _) in enumerate(told) if label == "Our company")
    assert [value for _, value in told[start : start + 3]] == [*said.values()]


def test_what_two_ledgers_have_counts_once_and_says_so(browser: Browser, engine: Engine) -> None:
    card = billed.anna(engine)
    copy, order = billed.books(engine)
    bill = find(engine, f"SELECT id FROM invoices WHERE number = 'СФ-103' AND id <> '{copy}'")
    page = browser.see(f"/customers/{card}?tab=money")
    assert page.count("СФ-103") == 2 and "₸104,200.50" in page
    assert "The same as in 1C ledger: it counts there, not here." in page
    assert "Other &lt;books&gt; has it too: it counts here." in page
    page = browser.see(f"/invoices/{copy}")
    assert "it counts there, not here" in page and f'href="/invoices/{bill}"' in page
    page = browser.see(f"/customers/{card}/settlements?since=2020-01-01")
    assert page.count("СФ-103") == 1 and page.count("Shipment РТУ-") == 2 and f"/orders/{order}" in page
    assert "₸121,100.50" in page  # what was owed, and two shipments of 9,000
    page = browser.see(f"/orders/{order}")
    assert "РТУ-1" in page and "Tea bowl × 2" in page
