"""From a form on a page to the welcome letter: sign up, confirm by the button, be welcome. All real."""

import re
from datetime import timedelta
from email import policy
from email.parser import BytesParser

import pytest
from starlette.testclient import TestClient

from email_campaigns.journeys import jobs, store
from email_campaigns.letters import starters
from email_campaigns.letters import store as letters
from email_campaigns.tables import Letter
from foundation.database import transaction
from kartoteka import app as application
from tests.email_campaigns.delivery.conftest import box, house, sealed_context, send, server  # noqa: F401
from tests.web_capture.conftest import Pages, rows  # noqa: F401
from tests.web_capture.forms.made import CONSENT, published, said
from tests.web_capture.forms.made import send as submit
from web_capture import sites


@pytest.fixture
def pages(clock, engine, house, sealed_context, sealer):  # noqa: F811
    """The site shop.example, in the application whose letters leave through a mail server."""
    with (
        TestClient(application.make(sealed_context, engine), base_url="http://localhost") as client,
        transaction(engine) as session,
    ):
        site, keys = sites.add(session, sealer, "shop.example", currency="KZT")
        session.commit()
        yield Pages(client, keys.write_key, keys.secret_key, str(site.id), site.key)


def journey(house, key: str) -> None:  # noqa: F811
    """A journey of one starter letter, on."""
    starter = starters.of(key)
    with transaction(house.engine) as session:
        letter = Letter(name=key, purpose=starter.purpose, topic="", created_by="", archived_at=None)
        session.add(letter)
        session.flush()
        letters.new_version(session, letter, "en", {"en": starter.written("en", "Bazaar", "1 Main street")})
        step = {"type": "letter", "letter_id": str(letter.id), "sender_id": str(house.sender)}
        row = store.create(session, key, "olga@example.org")
        store.save(session, row, {"trigger": {"kind": key}, "steps": [step]}, "olga@example.org")
        store.switch(session, row, "on")


def test_sign_up_confirm_be_welcome(house, pages, box, send, rows, clock):  # noqa: F811
    for key in ("double_opt_in", "welcome"):
        journey(house, key)
    form = published(house.engine, pages.id, double_opt_in=True)
    clock.advance(timedelta(seconds=1))

    def work() -> list[str]:
        rows("SELECT 1")
        for _round in range(3):
            while jobs.follow(house.engine):
                pass
            send()
        return [str(BytesParser(policy=policy.default).parsebytes(one.data)["Subject"]) for one in box.taken]

    for number in (1, 2):
        assert submit(pages.client, said(form, pages.write_key, f"message-000{number}")).json()["ok"]
    assert work() == ["Please confirm your address"]
    path = re.search(rb"https://crm.shop.example(/m/d/[\w=\r\n-]+)", box.taken[0].data)[1]
    path = re.sub(r"=\r?\n", "", path.decode()).split("\r")[0]
    clock.advance(timedelta(minutes=5))
    page = pages.client.get(path)
    assert CONSENT in page.text and work() == ["Please confirm your address"]
    assert "confirmed" in pages.client.post(path, data={"sure": "yes"}).text
    clock.advance(timedelta(minutes=1))
    assert work() == ["Please confirm your address", "Welcome"]
    (row,) = house.rows("SELECT text, form FROM consents")
    assert tuple(row) == (CONSENT, "Spring, version 1, confirmed by a letter")
    for _day in range(3):
        clock.advance(timedelta(hours=20))
        submit(pages.client, said(form, pages.write_key, f"message-1{_day}"))
        assert len(work()) == 2, "nothing comes twice, and nobody is asked again"
