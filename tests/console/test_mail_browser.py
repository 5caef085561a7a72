"""The pages of sending in Chromium: sound at every size, in light and dark."""

import pytest
from playwright.sync_api import Browser as Chromium
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from console.tables import User
from email_campaigns.delivery import senders
from tests import browser as browsers
from tests.console.test_browser import CHECKED, enter
from tests.console.test_mail import house, server
from tests.email_campaigns.delivery.world import House

__all__ = ["house", "server"]
pytestmark = pytest.mark.browser


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
    wrong = browsers.look_over(page, address, {
        "deliveries": "/deliveries?state=skipped", "delivery": f"/deliveries/{sent}",
        "unknown": f"/deliveries/{unknown}",
        "mail": "/settings/mail", "transport": f"/settings/mail/transports/{house.transport}",
        "transport-new": "/settings/mail/transports/new?kind=smtp",
        "provider": f"/settings/mail/transports/{far}",
        "domain": "/settings/mail/domains/shop.example",
    }, f"mail-%s-{look}", wait=400)  # fmt: skip
    page.context.close()
    assert wrong == []
