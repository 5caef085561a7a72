"""The review queue in Chromium: by keyboard alone, by buttons without scripts, and previews by themselves."""

import json
from collections.abc import Iterator
from uuid import UUID

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session
from starlette.applications import Starlette

from console.tables import User
from customers.tables import Duplicate
from foundation.database import transaction
from tests import browser as browsers
from tests.console import company
from tests.console.test_browser import enter

pytestmark = pytest.mark.browser

BARS = [
    {"feature": "E-mail", "said": "equal", "weight": 8.2},
    {"feature": "Name", "said": "odd", "weight": -3},
]


@pytest.fixture
def waiting(engine: Engine) -> list[UUID]:
    company.found(engine)
    with transaction(engine) as session:
        session.execute(
            text("UPDATE duplicates SET evidence = evidence || CAST(:more AS jsonb)"),
            {"more": json.dumps({"score": 0.93, "waterfall": BARS})},
        )
        return list(session.scalars(select(Duplicate.id).order_by(Duplicate.id)))


@pytest.fixture
def address(app: Starlette, waiting: list[UUID]) -> Iterator[str]:
    with browsers.serve(app) as opened:
        yield opened


def states(engine: Engine) -> list[str]:
    with Session(engine) as session:
        return list(session.scalars(select(Duplicate.state).order_by(Duplicate.id)))


def at(page: Page, pair: UUID) -> None:
    expect(page.locator(f"#pair-{pair}")).to_be_visible()
    page.wait_for_load_state()  # the keys live in a script of the page that came


def test_all_by_keyboard(
    chromium: Chromium, address: str, engine: Engine, owner: User, waiting: list[UUID]
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    page.goto(address + "/duplicates")
    one, other = waiting
    for key, shown in (("j", other), ("k", one), ("ArrowRight", other), ("ArrowUp", one)):
        page.keyboard.press(key)
        at(page, shown)
    page.keyboard.press("n")
    expect(page.get_by_role("status")).to_contain_text("Kept apart")
    at(page, other)
    assert states(engine) == ["different", "waiting"]
    page.keyboard.press("u")
    expect(page.get_by_role("status")).to_contain_text("Undone")
    at(page, one)
    assert states(engine) == ["waiting", "waiting"]
    page.keyboard.press("y")
    expect(page.get_by_role("status")).to_contain_text("one now")
    at(page, other)
    page.keyboard.press("y")
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    assert states(engine) == ["joined", "joined"]
    page.context.close()


def test_a_key_held_down_decides_once(
    chromium: Chromium, address: str, engine: Engine, owner: User, waiting: list[UUID]
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    page.goto(address + "/duplicates")
    for _ in range(8):  # without an up between them these are repeats
        page.keyboard.down("y")
    expect(page.get_by_role("status")).to_contain_text("one now")
    at(page, waiting[1])
    page.keyboard.down("y")
    page.wait_for_timeout(200)
    assert states(engine) == ["joined", "waiting"]
    page.context.close()


def test_buttons_without_scripts(
    chromium: Chromium, address: str, engine: Engine, owner: User, waiting: list[UUID]
) -> None:
    page = enter(chromium, address, engine, owner, "desktop", scripts=False)
    page.goto(address + "/duplicates")
    page.get_by_role("link", name="Skip j").click()
    at(page, waiting[1])
    page.get_by_role("button", name="Not the same").click()
    expect(page.get_by_role("status")).to_contain_text("Kept apart")
    page.get_by_role("button", name="Undo").click()
    at(page, waiting[1])
    page.get_by_role("link", name="Decide many at once").click()
    page.get_by_label("Answer").select_option("different")
    page.get_by_role("button", name="Plan").click()
    page.get_by_role("button", name="Keep 2 pairs apart").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    assert states(engine) == ["deciding", "deciding"]
    page.goto(address + "/settings/policy")
    page.get_by_label("City, place 1").select_option("shop")
    page.get_by_role("button", name="Show what would change").click()
    page.get_by_role("button", name="Save 1 field").click()
    expect(page.get_by_role("status")).to_contain_text("Decided")
    page.context.close()


def test_the_preview_comes_by_itself(
    chromium: Chromium, address: str, engine: Engine, owner: User, waiting: list[UUID]
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    page.goto(address + "/settings/policy")
    page.get_by_label("City, place 1").focus()
    page.get_by_label("City, place 1").select_option("shop")
    preview = page.locator("#preview")
    expect(preview.get_by_role("button", name="Save 1 field")).to_be_visible()
    expect(preview).to_contain_text("Алматы")
    expect(page.get_by_label("City, place 1")).to_be_focused()
    assert "order.city=shop" in page.url
    page.get_by_label("City, place 1").select_option("")
    expect(preview).to_contain_text("Choose another order")
    page.context.close()


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_pages_are_sound(
    chromium: Chromium, address: str, engine: Engine, owner: User, waiting: list[UUID], size: str
) -> None:
    page = enter(chromium, address, engine, owner, size)
    watching = browsers.watch(page, address)
    for path in (
        "/duplicates", "/duplicates/many", "/duplicates/many?answer=joined",
        "/settings/policy?order.city=shop&order.name=file",
    ):  # fmt: skip
        page.goto(address + path)
        assert browsers.overflow(page) <= 0, path
        assert browsers.serious(page) == [], path
    assert watching.wrong == []
    page.context.close()
