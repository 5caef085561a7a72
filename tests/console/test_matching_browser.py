"""The page of matching in Chromium: sound at every size; thresholds show what they would change."""

import os
import random

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser as Chromium
from sqlalchemy import Engine

from console.tables import User
from customers.matching.model import shipped
from foundation.database import transaction
from sync.dedupe import models
from tests import browser as browsers
from tests.console.test_browser import CHECKED, enter
from tests.console.test_matching import PAGE, counts

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("KARTOTEKA_LOOK", "")


@pytest.fixture
def version(engine: Engine) -> str:
    """A model trained on a shop's pairs, with decisions on both sides, and one that may not be used."""
    chance = random.Random(2)
    decided = [
        (round(chance.gauss(mean, 3), 2), 0.0, same) for mean, same in ((4, 1), (-1, 0)) for _ in range(90)
    ]
    figures = {
        "every": 2, "side": "own", "shipped": [], "reviewed": decided,
        "own": counts((-11, 30_000), (-2, 420), (1, 230), (4, 160), (7, 900), (12, 14_000)),
    }  # fmt: skip
    detail = {"records": 48_211, "pairs": 91_420, "decisions": 180}
    why = "it would join 91,204 pairs by itself, the shipped model 52,020"
    with transaction(engine) as session:
        models.keep(session, shipped(), "trained", "anna@example.org", detail, figures, why)
        made = models.keep(
            session, replace(shipped(), review=-3), "trained", "anna@example.org", detail, figures
        )
        return made.version


@pytest.mark.parametrize("look", CHECKED)
def test_matching_is_sound(
    chromium: Chromium, address: str, engine: Engine, owner: User, version: str, look: str
) -> None:
    page = enter(chromium, address, engine, owner, look)
    watching = browsers.watch(page, address)
    for path in (
        f"?version={version}",
        f"?version={version}&automatic=8.5&kind=company",
        "?version=shipped&best=9",
    ):
        page.goto(address + PAGE + path)
        assert browsers.overflow(page) <= 0
        assert browsers.serious(page) == []
        assert watching.wrong == []
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/matching-{look}-{len(path)}.png", full_page=True)


def test_thresholds_show_what_they_do(
    chromium: Chromium, address: str, engine: Engine, owner: User, version: str
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    page.goto(f"{address}{PAGE}?version={version}")
    assert page.get_by_role("button", name="Save as a new version").count() == 0
    page.get_by_label("Join without asking, from").fill("8.5")
    page.get_by_label("Join without asking, from").press("Enter")
    row = page.locator("#preview tr", has_text="are joined without asking")
    row.get_by_text("28,000").wait_for()
    assert row.locator("td").all_inner_texts() == ["are joined without asking", "29,800", "28,000"]
    page.get_by_role("button", name="Save as a new version").click()
    page.get_by_text("Kept as own-3.").wait_for()
