"""The pages of journeys in Chromium: sound at every size, the editor by keyboard and without scripts."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser as Chromium
from sqlalchemy import Engine
from starlette.applications import Starlette

from console.tables import User
from email_campaigns import triggers
from email_campaigns.delivery import engine as sending
from email_campaigns.journeys.backtest import store as backtests
from email_campaigns.journeys.tables import Journey
from foundation import context
from foundation.context import Context
from foundation.database import transaction
from tests import browser as browsers
from tests.console import journeying
from tests.console.test_browser import CHECKED, enter
from tests.email_campaigns.mailings import world

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("KARTOTEKA_LOOK", "")


@pytest.fixture
def address(app: Starlette) -> Iterator[str]:
    with browsers.serve(app) as opened:
        yield opened


@pytest.fixture
def known(
    engine: Engine, settings: Any, sealer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, UUID]]:
    """A draft, a journey with people in it, and somebody who is."""
    context.use(Context(settings, sealer))
    everything = journeying.known_triggers()
    monkeypatch.setattr(triggers, "everything", lambda: everything)
    desk = world.build(engine, sealer, tmp_path / "letters")
    draft, lively = journeying.journey(desk), journeying.lively(desk)
    run = desk.rows(
        "SELECT r.id, p.customer_id FROM journey_runs r JOIN profiles p ON p.id = r.profile_id"
        " WHERE r.state = 'going' AND cardinality(r.letters) > 0 ORDER BY r.entered_at LIMIT 1"
    )[0]
    with transaction(engine) as session:
        test = backtests.start(session, session.get_one(Journey, lively), 14, "olga@example.org").id
    desk.look()
    with transaction(engine) as session:
        waiting = backtests.start(session, session.get_one(Journey, lively), 30, "olga@example.org").id
    yield {
        "draft": draft, "lively": lively, "run": run.id, "card": run.customer_id, "test": test,
        "waiting": waiting,
    }  # fmt: skip
    sending.rest(engine)
    context.use(None)


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
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{look}-{name}.png", full_page=True)
    assert not wrong + watching.wrong
    page.context.close()
