"""The page of scores in Chromium: sound at every size, empty, early, and with a year of answers."""

import os
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from sqlalchemy import Engine

from console.tables import User
from email_campaigns.delivery import engine as sending
from foundation import clock, context
from foundation.context import Context
from tests import browser as browsers
from tests.console import journeying
from tests.console.test_browser import CHECKED, enter
from tests.email_campaigns.mailings import world
from tests.email_campaigns.mailings.world import Desk
from tests.email_campaigns.results.answering import answer, journey, step

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("KARTOTEKA_LOOK", "")
SHOTS = Path(__file__).parents[2] / "docs" / "screenshots"
WORDS = (
    "Быстро и вежливо, спасибо", "", "Kargo üç gün gecikti, kimse haber vermedi.", "", "",
    "포장이 정말 꼼꼼했습니다", "Will order again", "The cup was chipped and nobody wrote back for a week,"
    " so I had to telephone twice. The second person was kind and sent another one at once.",
)  # fmt: skip


@pytest.fixture
def desk(engine: Engine, settings: Any, sealer: Any, tmp_path: Path) -> Iterator[Desk]:
    context.use(Context(settings, sealer))
    yield world.build(engine, sealer, tmp_path / "letters")
    sending.rest(engine)
    context.use(None)


def lived(desk: Desk) -> None:
    """A year in which the shop got better, asked by a journey; a few were asked another way."""
    chance, people = random.Random(4), 300
    journeying.crowd(desk, people)
    first, second = journey(desk, "How was it"), journey(desk, "After a repair")
    for person in range(people):
        back = timedelta(days=300 - person)
        score = chance.choices((10, 9, 8, 6, 2), (3 + person / 40, 3, 2, 2, 1))[0]
        answer(desk, person, score, step(first), WORDS[person % len(WORDS)], clock.now() - back)
    for person in range(6):
        answer(desk, person, 3 + person, step(second), WORDS[person], clock.now() - timedelta(hours=person))


@pytest.mark.parametrize("look", CHECKED)
def test_scores_are_sound(
    chromium: Chromium, address: str, engine: Engine, owner: User, desk: Desk, look: str
) -> None:
    page = enter(chromium, address, engine, owner, look)
    watching = browsers.watch(page, address)
    wrong: list[str] = []
    shown = {"nobody": "/scores", "year": "/scores?days=365", "early": "/scores?days=30&group=detractors"}
    for name, path in shown.items():
        if name == "year":
            lived(desk)
        answered = page.goto(address + path)
        assert answered is not None and answered.status == 200, name
        page.wait_for_timeout(200)
        wrong += [f"{name}: {one}" for one in browsers.serious(page)]
        if (wide := browsers.overflow(page)) > 0:
            wrong.append(f"{name}: {wide} px too wide")
        if os.environ.get("KARTOTEKA_SCREENSHOTS") and look == "desktop" and name == "year":
            page.screenshot(path=SHOTS / "scores.png")
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{look}-scores-{name}.png", full_page=True)
    assert not wrong + watching.wrong
    page.context.close()
