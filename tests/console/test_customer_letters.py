"""What we meant for a person, found from the card: letters that left, letters that didn't, and to whom."""

from collections.abc import Iterator
from types import ModuleType

import pytest
from sqlalchemy import Engine

from console.letter_told import told
from email_campaigns.delivery import engine as sending
from foundation import context
from foundation.context import Context
from foundation.sealing import Sealer
from foundation.settings import Settings
from tests.console.conftest import Browser
from tests.console.test_hostile import PAYLOADS, shape
from tests.console.test_queries import counted
from tests.email_campaigns.delivery.mailserver import mail_server
from tests.email_campaigns.delivery.world import House, build, person


@pytest.fixture
def house(engine: Engine, settings: Settings, sealer: Sealer, clock: ModuleType) -> Iterator[House]:
    """A mailing to three: one got it, one said no, one has no address."""
    context.use(Context(settings, sealer))
    with mail_server() as (_box, port):
        made = build(engine, sealer, port)
        made.people(person(0), person(1, consents=()), person(2, emails=(), phones=("+77015550199",)))
        made.plan()
        while sending.send(engine):
            pass
        yield made
        sending.rest(engine)
    context.use(None)


def card(house: House, number: int) -> str:
    """The address of somebody's card."""
    found = house.rows("SELECT id FROM customers WHERE name = :name", name=f"Person Nr{number}")
    return f"/customers/{found[0].id}"


def test_the_card_says_which_letter_left_and_which_did_not(browser: Browser, house: House) -> None:
    got = browser.see(f"{card(house, 0)}?tab=letters")
    row = house.rows("SELECT id, subject FROM deliveries WHERE address = 'person0@mail0.example'")[0]
    assert f"/deliveries/{row.id}" in got and row.subject in got and ">accepted<" in got
    assert got.count("data-entry") == 1 and "No conversation yet" in got
    assert "There is no consent to marketing e-mail." in browser.see(f"{card(house, 1)}?tab=letters")
    assert "The card has no e-mail address." in browser.see(f"{card(house, 2)}?tab=letters")
    line = browser.see(f"{card(house, 0)}?kind=letter")
    assert "Got the letter" in line and f'href="/deliveries/{row.id}"' in line


def test_the_card_of_whom_nothing_was_meant_for_says_so(browser: Browser, house: House) -> None:
    house.people(person(9))
    page = browser.see(f"{card(house, 9)}?tab=letters")
    assert "No letters yet" in page and "From us" not in page
    browser.see(f"{card(house, 9)}?tab=letters&sent=x", 404)


def test_many_letters_are_leafed_through(browser: Browser, house: House, engine: Engine) -> None:
    here = f"{card(house, 0)}?tab=letters"
    with counted(engine) as few:
        browser.see(here)
    for number in range(25):
        house.plan(step=f"receipt:a:1:{number}:1", purpose="transactional")
    house.plan(step="answer:x:1", purpose="transactional")
    with counted(engine) as many:
        page = browser.see(here)
    assert page.count("data-entry") == 20 and len(many) == len(few)
    older = page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert browser.see(older).count("data-entry") == 6, "an answer stands in its conversation"


def test_the_ledger_names_whoever_has_no_address(browser: Browser, house: House) -> None:
    page = browser.see("/deliveries")
    assert "nobody" not in page and all(f"Person Nr{number}" in page for number in range(3))
    row = house.rows("SELECT id FROM deliveries WHERE reason = 'no_address'")[0]
    page = browser.see(f"/deliveries/{row.id}")
    assert "Person Nr2" in page and "nobody" not in page


def test_a_variants_version_shows_no_number_below_zero(browser: Browser, house: House) -> None:
    row = house.rows("SELECT id FROM deliveries WHERE state = 'accepted'")[0]
    assert "version 1, English" in browser.see(f"/deliveries/{row.id}")
    house.do("UPDATE letter_versions SET number = -1")
    page = browser.see(f"/deliveries/{row.id}")
    assert "version -1" not in page and "with the subject of its variant" in page


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("letter.opened", {"machine": False}, "Opened Tea"),
        ("letter.opened", {"machine": True}, "A machine opened Tea"),
        ("letter.clicked", {"machine": True}, "A machine followed a link in Tea"),
        ("letter.unsubscribed", {"machine": True}, "Unsubscribed from Tea"),
    ],
)
def test_a_machine_is_no_person(kind: str, data: dict[str, object], words: str) -> None:
    assert told(kind, {"subject": "Tea", **data}).text.striptags() == words


def test_strangers_values_stay_text(browser: Browser, house: House) -> None:
    here = f"{card(house, 0)}?tab=letters"
    before = shape(browser.see(here)).tags
    for payload in PAYLOADS:
        house.do("UPDATE deliveries SET subject = :said", said=payload)
        house.do("UPDATE customers SET name = :said", said=payload)
        for path in (here, "/deliveries"):
            found = shape(browser.see(path))
            assert not found.bad, (path, payload)
        assert shape(browser.see(here)).tags == before, payload
