"""The steps that set a field and call an address, in Chromium: by keyboard, and sound at every size."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect
from sqlalchemy import Engine
from starlette.applications import Starlette

from console.tables import User
from email_campaigns import triggers
from email_campaigns.delivery import engine as sending
from foundation import context
from foundation.context import Context
from kartoteka import posting
from tests import browser as browsers
from tests.console import journeying
from tests.console.test_browser import CHECKED, enter
from tests.email_campaigns.mailings import world
from tests.email_campaigns.mailings.world import Desk
from tests.liar import answer, liar

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("KARTOTEKA_LOOK", "")


@pytest.fixture
def address(app: Starlette) -> Iterator[str]:
    posting.join()
    with browsers.serve(app) as opened:
        yield opened


@pytest.fixture
def desk(
    engine: Engine, settings: Any, sealer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    context.use(Context(settings, sealer))
    everything = journeying.known_triggers()
    monkeypatch.setattr(triggers, "everything", lambda: everything)
    yield world.build(engine, sealer, tmp_path / "letters")
    sending.rest(engine)
    context.use(None)


def test_both_steps_are_made_by_keyboard(
    chromium: Chromium, address: str, engine: Engine, owner: User, desk: Desk
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    watching = browsers.watch(page, address)
    here = f"{address}/journeys/{journeying.journey(desk, steps=[{'type': 'exit'}])}"
    page.goto(f"{here}/edit")
    for kind, field in (("Call an outside address", "s0_url"), ("Set a field of the card", "s0_value")):
        page.get_by_text("Step here").first.focus()
        page.keyboard.press("Enter")
        page.locator("details[open] button", has_text=kind).focus()
        page.keyboard.press("Enter")
        expect(page.locator(f"[name={field}]")).to_be_attached()  # the menu has the step's name, too
    page.locator("[name=s0_value]").focus()
    page.keyboard.type("called")
    with liar() as crm:
        crm.on("/crm", answer({"message": "No such list"}, 404))
        page.locator("[name=s1_url]").fill(f"{crm.url}/crm")
        page.get_by_role("button", name="Try it with an example").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#draft")).to_contain_text("No such list")
    expect(page.locator("[name=s0_value]")).to_have_value("called")
    page.get_by_role("button", name="Save").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(here)
    drawn = page.get_by_role("region", name="The journey, drawn")
    expect(drawn).to_contain_text("Tag with “called”")
    expect(drawn).to_contain_text("Tell 127.0.0.1:")
    assert watching.wrong == []
    page.context.close()


@pytest.mark.parametrize("look", CHECKED)
def test_pages_with_them_are_sound(
    chromium: Chromium, address: str, engine: Engine, owner: User, desk: Desk, look: str
) -> None:
    steps = [
        {"type": "set", "field": "city", "value": "Алматы"},
        {"type": "webhook", "url": "https://crm.shop.example/hooks/carts", "failed": "leave"},
    ]
    here = f"/journeys/{journeying.journey(desk, steps=steps)}"
    page = enter(chromium, address, engine, owner, look)
    wrong: list[str] = []
    for name, path in {"drawn": here, "edit": f"{here}/edit"}.items():
        page.goto(address + path)
        for one in page.locator("details.quiet > summary").all():
            one.click()
        page.wait_for_timeout(200)
        wrong += [f"{name}: {one}" for one in browsers.serious(page)]
        if (wide := browsers.overflow(page)) > 0:
            wrong.append(f"{name}: {wide} px too wide")
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{look}-steps-{name}.png", full_page=True)
    assert not wrong
    page.context.close()
