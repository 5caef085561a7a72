"""What stands around every page: what waits, that sending is stopped, and what is running now."""

from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import Engine

from email_campaigns import secret
from email_campaigns.tables import Mailing
from foundation.context import Context
from foundation.database import transaction
from foundation.sealing import Sealer
from foundation.settings import Settings
from tests.console import company
from tests.console.conftest import Browser
from tests.console.test_hostile import PAYLOADS, shape


@pytest.fixture
def here(engine: Engine, settings: Settings, sealer: Sealer, tmp_path: Path, clock: ModuleType) -> Context:
    made = Context(settings, sealer)
    with transaction(engine) as session:
        secret.switch(session, made)
    return made


def test_a_mailing_that_asks_is_counted_in_the_rail(browser: Browser, here: Context, engine: Engine) -> None:
    with transaction(engine) as session:
        session.add_all([Mailing(name="Late", state="asking"), Mailing(name="Done", state="done")])
    room = browser.see("/").split('href="/mailings"')[1].split("</a>")[0]
    assert '<span class="count due">1</span>' in room
    with transaction(engine) as session:
        session.query(Mailing).update({"state": "done"})
    assert "count" not in browser.see("/").split('href="/mailings"')[1].split("</a>")[0]


def test_every_page_says_that_sending_is_stopped(browser: Browser, here: Context, engine: Engine) -> None:
    assert "All sending is stopped" not in browser.see("/")
    for reason in ("a wrong price", ""):
        with transaction(engine) as session:
            secret.stop(session, reason, "olga@example.org")
        for path in ("/", "/mailings", "/journeys", "/customers"):
            page = browser.see(path)
            assert f"All sending is stopped. {reason}".strip() in page and 'href="/settings/mail"' in page
    with transaction(engine) as session:
        secret.go(session, "olga@example.org")
    assert "All sending is stopped" not in browser.see("/mailings")


def test_the_reason_stays_text(browser: Browser, here: Context, engine: Engine) -> None:
    plain = None
    for payload in ("plain", *PAYLOADS):
        with transaction(engine) as session:
            secret.stop(session, payload, "olga@example.org")
        found = shape(browser.see("/mailings"))
        plain = plain or found.tags
        assert not found.bad and found.tags == plain, payload


def test_what_is_running_is_named_in_words(browser: Browser, engine: Engine) -> None:
    company.found(engine)
    menu = browser.see("/").split('class="menu running"')[1].split("</details>")[0]
    assert "Pull" in menu and "pull" not in menu.replace("/runs/", "")
