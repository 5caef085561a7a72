"""The page of suppressed addresses: asked, filled and lifted, never read out."""

import pytest

from email_campaigns import suppression
from foundation import context
from foundation.context import Context
from foundation.database import transaction
from tests.console.test_queries import counted


@pytest.fixture(autouse=True)
def _context(settings, sealer):
    context.use(Context(settings, sealer))
    yield
    context.use(None)


def blocked(engine, *addresses) -> dict:
    with transaction(engine) as session:
        return {one: block.reason for one, block in suppression.blocked(session, addresses).items()}


def test_put_looked_up_and_lifted(browser, engine):
    assert "Nobody is suppressed" in browser.see("/suppressions")
    browser.submit("/suppressions", address="Anna@Shop.example", scope="", why="Asked <b>by phone</b>")
    assert blocked(engine, "anna@shop.example") == {"anna@shop.example": "manual"}
    page = browser.see("/suppressions?address=anna%40shop.example")
    assert "put here by one of us" in page and "every letter" in page and "olga@example.org" in page
    assert "Asked &lt;b&gt;by phone" in page
    browser.submit("/suppressions/lift", 422, address="anna@shop.example", why="")
    browser.submit("/suppressions/lift", address="ANNA@shop.example", why="She wrote")
    assert blocked(engine, "anna@shop.example") == {}
    page = browser.see("/suppressions?address=anna%40shop.example")
    assert "over" in page and "olga@example.org ended it: She wrote" in page and "Take it off" not in page


def test_nothing_tells_who_is_on_it(browser, engine):
    with transaction(engine) as session:
        suppression.add(session, "anna@shop.example", "bounce", detail="550 <anna@shop.example> unknown\0")
    page = browser.see("/suppressions")
    assert "anna" not in page and "no such mailbox" in page
    with transaction(engine) as session:
        (row,) = suppression.history(session, "anna@shop.example")
    assert row.detail == "550 <…> unknown"
    assert "isn't on the list" in browser.see("/suppressions?address=bob%40shop.example")


@pytest.mark.parametrize("address", ["x", "<script>alert(1)</script>", "%00", "a@b", "@", "x" * 500])
def test_what_is_no_address_is_said(browser, address):
    page = browser.get("/suppressions", params={"address": address})
    assert page.status_code == 200 and "<script>alert" not in page.text
    browser.see("/suppressions")
    page = browser.submit("/suppressions", 422, address=address, why="")
    assert "Say why" in page.text


def test_list_is_taken_in(browser, engine):
    browser.see("/suppressions")
    listed = (
        "email;name\n"
        + "".join(f"p{number}@y.example;Nr {number}\n" for number in range(300))
        + "P1@y.example"
    )
    for _ in range(2):
        browser.submit(
            "/suppressions/list", files={"list": ("l.csv", listed.encode())}, list_why="old service"
        )
    assert len(blocked(engine, *(f"p{number}@y.example" for number in range(300)))) == 300
    assert "from a list" in browser.see("/suppressions")
    with transaction(engine) as session:
        assert suppression.counts(session) == {"imported": 300}
    browser.submit("/suppressions/list", 422, files={"list": ("l.csv", b"\xff\0nothing")}, list_why="")


def test_queries_are_pinned(browser, engine):
    browser.submit("/suppressions", address="anna@shop.example", scope="", why="asked")
    with counted(engine) as queries:
        browser.see("/suppressions?address=anna%40shop.example")
    assert len(queries) <= 6, queries
