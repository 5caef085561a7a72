"""How many queries each page costs: a number that doesn't grow with what it shows."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session

from customers.facts import Order
from foundation.database import transaction
from foundation.tables import Problem
from sync.tables import Run
from tests.console import company
from tests.console.conftest import Browser

COSTS = {
    "/": 7,
    "/customers": 5,
    "/customers?q=yudina": 5,
    "/customers/{card}": 7,
    "/customers/{card}?tab=orders": 6,
    "/customers/{card}?tab=profiles": 6,
    "/customers/{card}?tab=links": 5,
    "/orders/{order}": 4,
    "/duplicates": 5,
    "/duplicates/matching": 6,
    "/connections": 3,
    "/connections/{shop}": 6,
    "/runs/{run}": 3,
    "/problems": 3,
    "/problems/{problem}": 3,
    "/operations": 2,
    "/settings": 2,
    "/settings/tokens": 2,
    "/settings/policy": 3,
    "/imports/new": 2,
}


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements sent inside the block."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("path", COSTS)
def test_page_costs_its_queries(browser: Browser, engine: Engine, path: str) -> None:
    ids = company.found(engine)
    card = next(key for name, key in ids.items() if "Юдина" in name)
    with Session(engine) as session:
        places: dict[str, UUID | None] = {
            "card": card,
            "shop": ids["shop"],
            "order": session.scalar(select(Order.id).where(Order.customer_id == card).limit(1)),
            "run": session.scalar(select(Run.id).where(Run.state == "running")),
            "problem": session.scalar(select(Problem.id).limit(1)),
        }
    browser.see("/settings")
    with counted(engine) as sent:
        browser.see(path.format(**places))
    assert len(sent) <= COSTS[path], sent
    assert len(sent) >= COSTS[path] - 1, f"costs less than written here: {len(sent)}"


def test_card_of_a_thousand_events_costs_the_same(browser: Browser, engine: Engine) -> None:
    with transaction(engine) as session:
        shop = company.source(session, "Shop", "woocommerce", "shop")
        anna = company.person("a", "Anna Petrova", "anna@example.org", "+77015550199", "KZ", "Almaty")
        orders = [company.order(anna, f"N-{n}", "KZT", n / 10) for n in range(500)]
        company.apply(session, shop, [anna, *orders])
        card = session.scalar(select(Order.customer_id).limit(1))
    with counted(engine) as sent:
        page = browser.see(f"/customers/{card}")
    assert len(sent) <= 8
    assert page.count('class="event"') == 50
    older = page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert browser.see(older).count('class="event"') == 50
    orders_page = browser.see(f"/customers/{card}?tab=orders")
    older = orders_page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert "N-60" in browser.see(older)


def test_customers_page_by_keyset(browser: Browser, engine: Engine) -> None:
    with transaction(engine) as session:
        shop = company.source(session, "Shop", "woocommerce", "shop")
        people = [
            company.person(
                f"p{n}", f"Person Number{n}", f"p{n}@example.org", f"+7701555{n:04}", "KZ", "Almaty"
            )
            for n in range(120)
        ]
        company.apply(session, shop, people)
    for sort in ("newest", "last_seen", "spent", "orders"):
        path, seen = f"/customers?sort={sort}", []
        for _ in range(3):
            page = browser.see(path)
            seen += [part.split('"')[0] for part in page.split('class="whole" href="/customers/')[1:]]
            older = page.split('rel="next"')[0] if 'rel="next"' in page else ""
            path = older.rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&") if older else ""
        assert len(seen) == len(set(seen)) == 120 and not path
    page = browser.see("/customers?city=Almaty&bought=no")
    assert "1–50 of 120" in page and "City: Almaty" in page
    assert "Nobody fits" in browser.see("/customers?city=Nowhere")
    assert browser.get("/customers/export.csv?city=Almaty").text.count("\n") == 121
