"""The pages of sending in Chromium: sound at every size, in light and dark."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from starlette.applications import Starlette

from console.tables import User
from email_campaigns.delivery import senders
from tests import browser as browsers
from tests.console.test_browser import CHECKED, enter
from tests.console.test_mail import house, server
from tests.email_campaigns.delivery.world import House

__all__ = ["house", "server"]
pytestmark = pytest.mark.browser
PICTURES = os.environ.get("KARTOTEKA_LOOK", "")


@pytest.fixture
def address(app: Starlette) -> Iterator[str]:
    with browsers.serve(app) as opened:
        yield opened


@pytest.mark.parametrize("look", CHECKED)
def test_pages_of_sending_are_sound(
    chromium: Chromium, address: str, engine: Engine, owner: User, house: House, look: str
) -> None:
    why = "Twenty letters in a row were refused by policy; the last time: 554 5.7.1 this looks like spam"
    house.do("UPDATE transports SET state = 'paused', reason = :why, per_hour = 3600", why=why)
    unknown = house.rows("SELECT id FROM deliveries WHERE state = 'unknown'")[0].id
    sent = house.rows("SELECT id FROM deliveries WHERE state = 'accepted'")[0].id
    with Session(engine) as session, session.begin():
        values = {"region": "eu-central-1", "access_key": "AKIDEXAMPLE", "secret_key": "hush-hush"}
        far = senders.add_transport(session, house.sealer, "Far", "ses", values).id
    page = enter(chromium, address, engine, owner, look)
    watching = browsers.watch(page, address)
    wrong: list[str] = []
    for name, path in {
        "deliveries": "/deliveries?state=skipped", "delivery": f"/deliveries/{sent}",
        "unknown": f"/deliveries/{unknown}",
        "mail": "/settings/mail", "transport": f"/settings/mail/transports/{house.transport}",
        "transport-new": "/settings/mail/transports/new?kind=smtp",
        "provider": f"/settings/mail/transports/{far}",
        "domain": "/settings/mail/domains/shop.example",
    }.items():  # fmt: skip
        answer = page.goto(address + path)
        assert answer is not None and answer.status == 200, name
        page.wait_for_timeout(400)
        if (wider := browsers.overflow(page)) > 0:
            wrong.append(f"{name}: {wider} pixels too wide")
        wrong += [f"{name}: {one}" for one in browsers.serious(page)]
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"mail-{name}-{look}.png", full_page=True)
    wrong += watching.wrong
    page.context.close()
    assert wrong == []
