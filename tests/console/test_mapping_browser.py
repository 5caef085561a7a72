"""The mapping editor in Chromium: sound at every size, and its preview follows what is typed."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from sqlalchemy import Engine

from console.tables import User
from foundation.sealing import Sealer
from tests import browser as browsers
from tests.console.test_browser import CHECKED, enter
from tests.console.test_mapping import ledger

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("KARTOTEKA_LOOK", "")


@pytest.mark.parametrize("look", CHECKED)
def test_the_editor_is_sound(
    chromium: Chromium, address: str, engine: Engine, owner: User, sealer: Sealer, look: str
) -> None:
    here = f"{address}/connections/{ledger(engine, sealer)}/mapping"
    page = enter(chromium, address, engine, owner, look)
    watching, wrong = browsers.watch(page, address), []
    places = {"connection": here.removesuffix("/mapping")}
    places |= {stream: f"{here}?stream={stream}" for stream in ("counterparties", "invoices")}
    for stream, place in places.items():
        page.goto(place)
        if (wider := browsers.overflow(page)) > 0:
            wrong.append(f"{stream}: {wider} pixels too wide")
        wrong += [f"{stream}: {one}" for one in browsers.serious(page)]
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"mapping-{stream}-{look}.png", full_page=True)
    page.fill('[name="fields.number"]', "Комментарий, DataVersion")
    page.locator("#found td", has_text="DataVersion").wait_for()
    page.fill('[name="fields.number"]', "Номер'")
    page.locator("#found .notice.warn").wait_for()
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"mapping-wrong-{look}.png", full_page=True)
    wrong += watching.wrong
    page.context.close()
    assert wrong == []
