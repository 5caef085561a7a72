"""The page of suppressed addresses in Chromium."""

import os
from pathlib import Path

import pytest

from email_campaigns import suppression
from foundation import context
from foundation.context import Context
from foundation.database import transaction
from tests import browser as browsers
from tests.console.test_browser import CHECKED, enter

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("KARTOTEKA_LOOK", "")


@pytest.fixture
def address(app, settings, sealer, engine):
    context.use(Context(settings, sealer))
    with transaction(engine) as session:
        suppression.add(
            session, "anna@shop.example", "bounce", detail="550 5.1.1 user unknown " + "long " * 30
        )
        suppression.add(session, "anna@shop.example", "unsubscribed", scope="marketing")
        suppression.add(session, "bob@shop.example", "complaint")
    with browsers.serve(app) as opened:
        yield opened
    context.use(None)


@pytest.mark.parametrize("look", CHECKED)
def test_page_is_sound(chromium, address, engine, owner, look):
    page = enter(chromium, address, engine, owner, look)
    watching, wrong = browsers.watch(page, address), []
    for name, path in {
        "empty": "/suppressions",
        "found": "/suppressions?address=anna%40shop.example",
    }.items():
        page.goto(address + path)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        wrong += [f"{name} is {wide} px too wide"] if wide > 0 else []
        wrong += [f"{name}: {one}" for one in browsers.serious(page)]
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"suppressions-{name}-{look}.png", full_page=True)
    assert (watching.wrong, wrong) == ([], [])
    page.context.close()
