"""The pages of letters in Chromium: sound at every size, a live preview, an editor without scripts."""

import os
import re
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from console.tables import User
from email_campaigns.letters import store
from foundation.database import transaction
from tests import browser as browsers
from tests.console.company import found
from tests.console.lettered import id_of, made
from tests.console.test_browser import CHECKED, FOCUSED, enter

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("KARTOTEKA_LOOK", "")
COLUMNS = {
    "type": "columns",
    "columns": [[{"type": "heading", "text": "Left", "level": 3}], [{"type": "text", "text": "Right"}]],
}


@pytest.fixture
def company(engine: Engine) -> dict[str, UUID]:
    return found(engine)


@pytest.fixture
def paths(engine: Engine, company: dict[str, UUID]) -> dict[str, str]:
    """Letters with most kinds of blocks."""
    known = {key: made(engine, key, "ru") for key in ("order_confirmation", "win_back", "abandoned_cart")}
    with transaction(engine) as session:
        row = store.newest(session, id_of(known["win_back"]))
        assert row is not None
        texts = {tag: store.written(kept) for tag, kept in row.texts.items()}
        texts["en"]["blocks"][3:3] = [COLUMNS, {"type": "products", "skus": ["SAM-3"]}, {"type": "divider"}]
        store.new_version(
            session, store.find(session, id_of(known["win_back"])), "en", texts, "olga@example.org"
        )
    return known


@pytest.mark.parametrize("look", CHECKED)
def test_pages_of_letters_are_sound(
    chromium: Chromium, address: str, engine: Engine, owner: User, paths: dict[str, str], look: str
) -> None:
    page = enter(chromium, address, engine, owner, look)
    watching = browsers.watch(page, address)
    wrong: list[str] = []
    here = paths["win_back"]
    for name, path in {
        "list": "/letters", "new": "/letters/new", "editor": here, "order": paths["order_confirmation"],
        "text": f"{here}/text", "checks": f"{here}/checks", "versions": f"{here}/versions",
        "preview": f"{here}/preview?look=dark", "refused": f"{here}/preview?as=x",
    }.items():  # fmt: skip
        answer = page.goto(address + path)
        assert answer is not None and answer.status == 200, name
        page.wait_for_timeout(300)
        if (wider := browsers.overflow(page)) > 0:
            wrong.append(f"{name}: {wider} pixels too wide")
        if name not in (
            "preview",
            "refused",
        ):  # a letter is judged by mail programs; the frame runs no scripts
            wrong += [f"{name}: {one}" for one in browsers.serious(page)]
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{name}-{look}.png", full_page=True)
            if name in ("editor", "order"):
                page.locator(".aside").screenshot(path=Path(PICTURES) / f"{name}-aside-{look}.png")
    wrong += watching.wrong
    page.context.close()
    assert wrong == []


def test_preview_follows_what_is_typed(
    chromium: Chromium, address: str, engine: Engine, owner: User, paths: dict[str, str]
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    page.goto(address + paths["abandoned_cart"])
    shown = page.frame_locator("iframe[name=preview]")
    expect(shown.get_by_role("heading", name="Your cart is waiting")).to_be_visible()
    page.locator("[name=b0_text]").fill("Typed just now")
    expect(shown.get_by_role("heading", name="Typed just now")).to_be_visible()
    page.locator(".letter-preview .switch").get_by_text("Dark", exact=True).click()
    expect(shown.locator("body")).to_have_css("background-color", "rgb(22, 24, 23)")
    page.locator(".letter-preview .switch").get_by_text("Phone", exact=True).click()
    expect(page.locator(".letter-preview .screen")).to_have_css("inline-size", "325px")
    page.locator(".letter-preview .switch").get_by_text("Text", exact=True).click()
    expect(shown.locator("body")).to_contain_text("Subject: You left something")
    assert page.evaluate("history.length") <= 6
    page.locator("#f-as").select_option(index=1)
    expect(shown.locator("body")).to_contain_text("would get no letter")
    page.context.close()


def test_blocks_move_without_leaving_the_page(
    chromium: Chromium, address: str, engine: Engine, owner: User, paths: dict[str, str]
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    watching = browsers.watch(page, address)
    page.goto(address + paths["abandoned_cart"])
    page.locator("[name=subject]").fill("Kept")
    page.get_by_role("button", name="Move Heading down").click()
    expect(page.locator("[name=b1_type]")).to_have_value("heading")
    expect(page.locator("[value='down:1']")).to_be_focused()
    page.get_by_role("button", name="+ Button", exact=True).first.click()
    expect(page.locator("[name=b3_type]")).to_have_value("button")
    page.get_by_role("button", name="Remove Cart").click()
    expect(page.locator("[name=b2_type]")).to_have_value("button")
    expect(page.locator("[name=subject]")).to_have_value("Kept")
    page.locator("[name=b2_label]").fill("Go")
    page.locator("[name=b2_url]").fill("https://shop.kz/")
    page.locator("[name=b0_text]").focus()
    page.get_by_text("Variables", exact=True).click()
    page.get_by_role("button", name="customer.city").click()
    expect(page.locator("[name=b0_text]")).to_have_value(re.compile(r"\{\{ customer\.city \}\}"))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Saved as version 2")
    expect(page.locator("[name=b2_url]")).to_have_value("https://shop.kz/")
    page.context.close()
    assert watching.wrong == []


def test_editor_works_without_scripts(
    chromium: Chromium, address: str, engine: Engine, owner: User, paths: dict[str, str]
) -> None:
    entered = enter(chromium, address, engine, owner, "desktop")
    context = chromium.new_context(java_script_enabled=False, storage_state=entered.context.storage_state())
    page = context.new_page()
    page.goto(address + paths["abandoned_cart"])
    page.locator("[name=b0_text]").fill("Without scripts")
    page.get_by_role("button", name="Show in the preview").click()
    expect(
        page.frame_locator("iframe[name=preview]").get_by_role("heading", name="Without scripts")
    ).to_be_visible()
    page.get_by_role("button", name="Move Heading down").click()
    expect(page.locator("[name=b1_text]")).to_have_value("Without scripts")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Saved as version 2")
    context.close()
    entered.context.close()


def test_tab_key_reaches_the_editor(
    chromium: Chromium, address: str, engine: Engine, owner: User, paths: dict[str, str]
) -> None:
    page: Page = enter(chromium, address, engine, owner, "desktop")
    page.goto(address + paths["win_back"])
    seen = []
    for _number in range(120):
        page.keyboard.press("Tab")
        seen.append(str(page.evaluate(FOCUSED)))
    assert not [one for one in seen if "ring" in one and "iframe" not in one]
    assert len(set(seen)) > 60
    page.context.close()
