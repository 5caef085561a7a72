"""The pages of mailings: from a name to letters, what is refused, what they cost."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from console.format import Reader
from console.pages import mailings as page
from email_campaigns.delivery import engine as sending
from email_campaigns.mailings import acts
from email_campaigns.tables import Mailing
from foundation import context
from foundation.context import Context
from foundation.database import transaction
from tests.console.conftest import Browser
from tests.console.test_queries import counted
from tests.email_campaigns.mailings import world
from tests.email_campaigns.mailings.world import Desk


@pytest.fixture
def desk(engine: Engine, settings, sealer, tmp_path):
    context.use(Context(settings, sealer))
    made = world.build(engine, sealer, tmp_path / "letters")
    yield made
    sending.rest(engine)
    context.use(None)


def answer_all(browser: Browser, desk: Desk, **when: object) -> str:
    """Through the wizard; the mailing's address."""
    browser.see("/mailings/new")
    here = browser.submit("/mailings/new", name="Spring sale").headers["location"].removesuffix("/audience")
    browser.see(f"{here}/audience")
    browser.submit(f"{here}/audience", name="Spring sale", **{f"s_{desk.segment}": "include"})
    browser.submit(f"{here}/letter", sender=desk.sender, letter=desk.letter)
    answer = browser.submit(f"{here}/when", **({"kind": "now", "late_hours": "6"} | when))
    assert answer.headers["location"] == f"{here}/check"
    return here


def plan_of(text: str) -> str:
    return text.split('name="plan" value="')[1].split('"')[0]


def test_wizard_leads_to_letters(browser: Browser, desk: Desk, clock) -> None:
    desk.people(
        *(world.person(n) for n in range(3)), world.person(3, consents=()), world.person(4, emails=())
    )
    here = answer_all(browser, desk)
    text = browser.see(f"{here}/check")
    assert "Send 3 letters now" in text
    assert "There is no consent to marketing e-mail." in text and "The card has no e-mail address." in text
    assert "News for Person" in text
    browser.submit(f"{here}/start", plan=plan_of(text))
    desk.send()
    text = browser.see(here)
    assert "There is no consent" in text
    assert ">3</b>" in text.split('data-field="accepted"')[0] + text.split('data-field="accepted"')[1][:20]
    assert "Spring sale" in browser.see("/mailings")
    assert "Mailing “Spring sale”" in browser.see("/operations")


@pytest.mark.parametrize("place", ["", "/results"])
def test_each_reason_leads_to_its_people(browser: Browser, desk: Desk, clock, place: str) -> None:
    desk.people(world.person(0), world.person(3, consents=()), world.person(4, emails=()))
    here = answer_all(browser, desk)
    browser.submit(f"{here}/start", plan=plan_of(browser.see(f"{here}/check")))
    desk.send()
    desk.do("UPDATE deliveries SET state = 'unknown', reason = '' WHERE state = 'accepted'")
    page = browser.see(here + place)
    found = {}
    for path in re.findall(r'href="(/deliveries\?[^"]+(?:reason|state)=[^"]+)"', page):
        rows = browser.see(path.replace("&amp;", "&"))
        assert rows.count("data-entry") == 1, path
        found[path] = next(n for n in (0, 3, 4) if f"Person Nr{n}" in rows)
    assert sorted(found.values()) == [0, 3, 4], found


def test_moved_audience_is_shown_before_it_goes(browser: Browser, desk: Desk, clock) -> None:
    desk.crowd(2)
    here = answer_all(browser, desk)
    seen = plan_of(browser.see(f"{here}/check"))
    desk.crowd(1, first=2)
    text = browser.submit(f"{here}/start", status=200, plan=seen).text
    assert "changed from 2 to 3" in text
    browser.submit(f"{here}/start", plan=plan_of(text))
    desk.send()
    assert sum(row.state == "accepted" for row in desk.rows()) == 3


@pytest.mark.parametrize(
    ("step", "typed", "said"),
    [
        ("audience", {"name": "Spring"}, "at least one segment"),
        ("letter", {"sender": "x", "letter": "x"}, "Choose"),
        ("letter", {"letter": ""}, "Choose a letter"),
        ("when", {"kind": "at", "wall": "soon", "zone": "UTC"}, "Give a day and a time"),
        ("when", {"kind": "at", "wall": "2026-03-05T10:00", "zone": "Mars"}, "Name a time zone"),
        ("when", {"kind": "now", "holdout": "80"}, "Hold out from 0 to 50"),
        ("when", {"kind": "now", "per_hour": "fast"}, "A number from 1"),
        ("when", {"kind": "now", "late_hours": "0"}, "A number from 1"),
    ],
)
def test_wrong_answers_are_said_and_nothing_is_lost(browser: Browser, desk: Desk, step, typed, said) -> None:
    here = f"/mailings/{desk.mailing()}"
    browser.see(f"{here}/{step}")
    text = browser.submit(f"{here}/{step}", status=422, **typed).text
    assert said in text
    for value in typed.values():
        if value and value != "x":
            assert str(value) in text


def test_variants_with_a_winner_are_kept(browser: Browser, desk: Desk) -> None:
    here = f"/mailings/{desk.mailing()}"
    browser.see(f"{here}/letter")
    typed = {
        "sender": desk.sender, "letter": desk.letter, "v0_share": "10", "v1_share": "10",
        "v1_subject_en": "Another {{ customer.name }}", "winner_by": "clicks", "winner_hours": "4",
    }  # fmt: skip
    text = browser.submit(f"{here}/letter", status=422, **typed, v1_hours="73").text
    assert "A variant leaves 0 to 72 hours later." in text and 'value="73"' in text
    browser.submit(f"{here}/letter", **typed, v1_hours="8")
    text = browser.see(f"{here}/letter")
    assert "Another {{ customer.name }}" in text and 'value="4"' in text
    assert re.search('<input[^>]*name="v1_hours"[^>]*value="8"', text)
    assert "Nobody is in the audience" in browser.see(f"{here}/check")


def test_check_tells_which_variant_leaves_later(browser: Browser, desk: Desk) -> None:
    desk.people(*(world.person(n) for n in range(4)))
    here = answer_all(browser, desk)
    typed = {"sender": desk.sender, "letter": desk.letter, "v0_share": "50", "v1_share": "50"}
    browser.submit(f"{here}/letter", **typed, v1_hours="8")
    text = browser.see(f"{here}/check")
    rows = [re.sub("<[^>]+>", "", row) for row in re.findall("<tr><td>([AB].*?)</td>", text)]
    assert rows == ["A", "B 8 hours later"]


def test_empty_audience_can_not_be_started(browser: Browser, desk: Desk) -> None:
    here = answer_all(browser, desk)
    text = browser.see(f"{here}/check")
    assert "Nobody is in the audience" in text and 'name="plan"' not in text
    assert "Nobody" in browser.submit(f"{here}/start", status=200, plan="0-0-0").text
    assert desk.rows() == []


def test_what_a_person_does_to_it(browser: Browser, desk: Desk, clock) -> None:
    desk.crowd(3)
    mailing = desk.mailing()
    here = f"/mailings/{mailing}"
    desk.begin(mailing)
    desk.look()
    browser.see(here)
    browser.submit(f"{here}/pause")
    assert "Paused by olga@example.org." in browser.see(here)
    browser.submit(f"{here}/resume")
    browser.submit(f"{here}/cancel")
    assert "3 letters will not be sent" in browser.see(here)
    assert desk.states(mailing) == {"cancelled": 3}
    answer = browser.submit(f"{here}/clone")
    assert "(copy)" in browser.see(answer.headers["location"])
    browser.submit(f"{here}/pause", status=422)


def test_late_mailing_asks_on_its_page(browser: Browser, desk: Desk, clock) -> None:
    desk.crowd(1)
    mailing = desk.mailing()
    desk.begin(mailing)
    clock.advance(timedelta(days=1))
    desk.look()
    text = browser.see(f"/mailings/{mailing}")
    assert "It asks what to do" in text and "Send it now" in text
    browser.submit(f"/mailings/{mailing}/send")
    desk.send()
    assert desk.states(mailing) == {"accepted": 1}


def test_undo_on_the_operations_page(browser: Browser, desk: Desk, clock) -> None:
    desk.crowd(2)
    mailing = desk.mailing()
    operation = desk.begin(mailing)
    desk.look()
    desk.do("UPDATE deliveries SET due_at = due_at + interval '1 day' WHERE address = 'person0@mail.example'")
    desk.send()
    assert "What has not left is cancelled" in browser.see(f"/operations/{operation}")
    browser.submit(f"/operations/{operation}/undo")
    assert "person1@mail.example has the letter already." in browser.see(f"/operations/{operation}")


def test_live_news_follow_the_ledger(browser: Browser, desk: Desk, clock) -> None:
    desk.crowd(4)
    mailing = desk.mailing()
    desk.begin(mailing)
    desk.look()
    desk.do("UPDATE deliveries SET due_at = due_at + interval '1 day' WHERE address > 'person1'")
    while sending.send(desk.engine):
        pass
    desk.act(acts.pause, mailing, "olga")
    text = browser.see(f"/mailings/{mailing}")
    assert "data-live" not in text
    desk.act(acts.resume, mailing)
    text = browser.see(f"/mailings/{mailing}")
    assert f'data-live="/mailings/{mailing}/events"' in text
    with transaction(desk.engine) as session:
        rows = session.execute(page._COUNTS, {"step": f"mailing:{mailing}"}).all()
        news = page._news(session, session.get_one(Mailing, mailing), Reader(), rows)
    assert (news["accepted"], news["waiting"], news["done"]) == ("1", "3", 25.0)
    assert "1 of 4" in news["words"]


def test_recipients_as_csv_say_why(browser: Browser, desk: Desk, clock) -> None:
    desk.people(world.person(1, name="=1+1"), world.person(2, consents=()), world.person(3, emails=()))
    mailing = desk.mailing()
    desk.begin(mailing)
    desk.send()
    text = browser.get(f"/mailings/{mailing}/recipients.csv").text
    lines = text.splitlines()
    assert len(lines) == 4
    assert sum("There is no consent to marketing e-mail." in line for line in lines) == 1
    assert sum("The card has no e-mail address." in line for line in lines) == 1
    assert "person1@mail.example" in text and "accepted" in text


def test_strangers_words_are_escaped(browser: Browser, desk: Desk, clock) -> None:
    evil = "<img src=x onerror=alert(1)>"
    desk.people(world.person(1, name=evil, given_name=evil), world.person(2, name=evil, consents=()))
    mailing = desk.mailing(name=evil)
    assert "<img" not in browser.see(f"/mailings/{mailing}/check")
    desk.begin(mailing)
    desk.send()
    desk.happen(mailing, "letter.opened", "person1@mail.example")
    for path in ("", "/results", "/audience", "/letter", "/when"):
        assert "<img" not in browser.see(f"/mailings/{mailing}{path}")
    assert "<img" not in browser.see("/mailings")


COSTS = {"": 5, "/audience": 4, "/letter": 6, "/when": 3, "/results": 7, "/recipients.csv": 3}


@pytest.mark.parametrize("path", COSTS)
def test_page_costs_its_queries_however_many_people(browser: Browser, desk: Desk, clock, path) -> None:
    desk.people(*(world.person(n, consents=()) if n % 3 else world.person(n) for n in range(30)))
    mailing = desk.mailing(holdout="20")
    desk.begin(mailing)
    desk.send()
    browser.see("/settings")
    with counted(desk.engine) as sent:
        browser.get(f"/mailings/{mailing}{path}")
    assert COSTS[path] - 1 <= len(sent) <= COSTS[path], sent


def test_list_costs_the_same_for_many(browser: Browser, desk: Desk, clock) -> None:
    for _ in range(6):
        desk.mailing()
    with counted(desk.engine) as sent:
        browser.see("/mailings")
    assert len(sent) == 2, sent


def test_a_segment_shows_what_was_sent_to_it(browser: Browser, desk: Desk, clock) -> None:
    here = f"/segments/{desk.segment}/mailings"
    assert "Nothing was sent to it yet" in browser.see(here)
    desk.crowd(2)
    place = answer_all(browser, desk)
    browser.submit(f"{place}/start", plan=plan_of(browser.see(f"{place}/check")))
    desk.send()
    with transaction(desk.engine) as session:
        session.add(Mailing(name="Another", include=[desk.sender], exclude=[desk.segment]))
    page = browser.see(here)
    assert "Spring sale" in page and place in page and "Another" not in page
    assert f'href="{here}" aria-current="page"' in browser.see(here)
    assert "Another" in browser.see("/mailings")
    browser.see(f"{here}?after=x", 404)
    browser.see(f"/segments/{desk.sender}/mailings", 404)
