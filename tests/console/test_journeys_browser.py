"""The pages of journeys in Chromium: sound at every size, the editor by keyboard and without scripts."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect
from sqlalchemy import Engine

from console.tables import User
from email_campaigns import triggers
from email_campaigns.delivery import engine as sending
from email_campaigns.journeys.backtest import store as backtests
from email_campaigns.journeys.tables import Journey, JourneyTest
from foundation import context
from foundation.context import Context
from foundation.database import transaction
from tests import browser as browsers
from tests.console import journeying
from tests.console.test_browser import CHECKED, enter
from tests.email_campaigns.mailings import world
from tests.email_campaigns.mailings.world import Desk

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("KARTOTEKA_LOOK", "")
SHOTS = Path(__file__).parents[2] / "docs" / "screenshots"
SHOWN = {"lively": "drawn", "backtest": "backtest"}


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


def tried(desk: Desk, journey: UUID, days: int) -> UUID:
    """A back-test that waits for a worker."""
    with transaction(desk.engine) as session:
        return backtests.start(session, session.get_one(Journey, journey), days, "olga@example.org").id


@pytest.fixture
def known(desk: Desk) -> dict[str, UUID]:
    """A draft, a journey with people in it, somebody who is, and back-tests."""
    draft, lively = journeying.journey(desk), journeying.lively(desk, 18)
    run = desk.rows(
        "SELECT r.id, p.customer_id FROM journey_runs r JOIN profiles p ON p.id = r.profile_id"
        " WHERE r.state = 'going' AND cardinality(r.letters) > 0 ORDER BY r.entered_at LIMIT 1"
    )[0]
    test = tried(desk, lively, 14)
    desk.look()
    return {
        "draft": draft, "lively": lively, "run": run.id, "card": run.customer_id, "test": test,
        "waiting": tried(desk, lively, 30),
    }  # fmt: skip


@pytest.mark.parametrize("look", CHECKED)
def test_pages_of_journeys_are_sound(
    chromium: Chromium, address: str, engine: Engine, owner: User, known: dict[str, UUID], look: str
) -> None:
    page = enter(chromium, address, engine, owner, look)
    watching = browsers.watch(page, address)
    wrong: list[str] = []
    draft, lively = f"/journeys/{known['draft']}", f"/journeys/{known['lively']}"
    for name, path in {
        "list": "/journeys", "new": "/journeys/new", "begin": "/journeys/new?trigger=abandoned_cart",
        "draft": draft, "edit": f"{draft}/edit", "switch": f"{draft}/switch?to=on",
        "versions": f"{draft}/versions", "nobody": f"{draft}/people", "nothing": f"{draft}/results",
        "lively": lively, "people": f"{lively}/people", "results": f"{lively}/results",
        "run": f"{lively}/runs/{known['run']}", "why": f"{draft}/people/{known['card']}",
        "backtests": f"{lively}/backtests", "backtest": f"{lively}/backtests/{known['test']}",
        "waiting": f"{lively}/backtests/{known['waiting']}",
        "off": f"{lively}/switch?to=off", "tasks": "/tasks", "done": "/tasks?show=done",
        "card": f"/customers/{known['card']}?tab=journeys",
    }.items():  # fmt: skip
        answer = page.goto(address + path)
        assert answer is not None and answer.status == 200, name
        page.wait_for_timeout(200)
        wrong += [f"{name}: {one}" for one in browsers.serious(page)]
        if (wide := browsers.overflow(page)) > 0:
            wrong.append(f"{name}: {wide} px too wide")
        if os.environ.get("KARTOTEKA_SCREENSHOTS") and look == "desktop" and name in SHOWN:
            page.screenshot(path=SHOTS / f"journey-{SHOWN[name]}.png", full_page=name == "lively")
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{look}-{name}.png", full_page=True)
    assert not wrong + watching.wrong
    page.context.close()


def test_steps_are_added_and_moved_by_keyboard(
    chromium: Chromium, address: str, engine: Engine, owner: User, desk: Desk
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    watching = browsers.watch(page, address)
    journeying.crowd(desk, 12)
    here = f"{address}/journeys/{journeying.journey(desk)}"
    page.goto(f"{here}/edit")
    page.get_by_text("Step here").first.focus()
    page.keyboard.press("Enter")
    for _ in range(5):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the fifth kind: a condition
    field = page.locator("[name=s0_condition]")
    expect(field).to_be_focused()
    page.keyboard.type('name contains "Анна"')
    expect(page.locator(".field:has([name=s0_condition]) [data-counted]")).to_have_text(
        "holds for 2 customers now"
    )
    page.keyboard.type(" and nonsense(")
    expect(page.locator(".field:has([name=s0_condition]) .error")).to_contain_text("line 1")
    field.fill('name contains "Анна"')
    page.get_by_role("button", name="Move Condition down").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[name=s1_condition]")).to_have_value('name contains "Анна"')
    expect(page.locator(":focus")).to_have_attribute("value", "down:1")
    page.get_by_role("button", name="into “yes”").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[name='s1.yes.0_condition']")).to_have_count(1)
    page.get_by_role("button", name="Save").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(here)
    expect(page.get_by_role("main")).to_contain_text("version 2")
    expect(page.get_by_role("region", name="The journey, drawn")).to_contain_text('name contains "Анна"')
    assert watching.wrong == []
    page.context.close()


def test_editor_works_without_scripts(
    chromium: Chromium, address: str, engine: Engine, owner: User, desk: Desk
) -> None:
    signed = enter(chromium, address, engine, owner, "desktop")
    plain = chromium.new_context(java_script_enabled=False, storage_state=signed.context.storage_state())
    page = plain.new_page()
    page.goto(f"{address}/journeys/{journeying.journey(desk)}/edit")
    page.get_by_text("Step at the end").last.click()
    page.locator("details[open] button", has_text="Task for a person").click()
    page.locator("[name=s4_text]").fill("Send a parcel")
    page.get_by_role("button", name="Check and count").click()
    expect(page.get_by_role("main")).to_contain_text("Not saved yet.")
    expect(page.locator("#journey")).to_contain_text("customers now")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("main")).to_contain_text("Send a parcel")
    plain.close()
    signed.context.close()


def test_back_test_is_followed_live(
    chromium: Chromium, address: str, engine: Engine, owner: User, desk: Desk
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    made = journeying.journey(desk)
    waiting = tried(desk, made, 30)
    page.goto(f"{address}/journeys/{made}/backtests/{waiting}")
    expect(page.locator("[data-field=words]")).to_have_text("Waits for a worker.")
    with transaction(engine) as session:
        test = session.get_one(JourneyTest, waiting)
        test.state, test.reached = "running", test.since + (test.until - test.since) / 2
    expect(page.locator("[data-field=words]")).to_contain_text("The clock stands at")
    assert page.locator("progress").get_attribute("value") == "50"
    with transaction(engine) as session:
        test = session.get_one(JourneyTest, waiting)
        test.state, test.reason = "failed", "The segment is gone."
    expect(page.get_by_role("main")).to_contain_text("The segment is gone.")
    page.context.close()
