"""The pages of journeys: from a trigger to a draft, the editor, its state, who is in it, tasks, results."""

import csv
import io
import json
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from console.pages import journey_export, journey_figures, journey_people
from customers.segments import store as segments
from customers.segments.tables import Segment
from email_campaigns import triggers
from email_campaigns.delivery import engine as sending
from email_campaigns.journeys import store
from email_campaigns.journeys.tables import Journey
from foundation import context
from foundation.context import Context
from foundation.database import transaction
from foundation.sealing import Sealer, new_key
from tests import once
from tests.console import journeying
from tests.console.conftest import Browser
from tests.console.test_queries import counted
from tests.email_campaigns.journeys.world import Street
from tests.email_campaigns.mailings import world
from tests.email_campaigns.mailings.world import Desk

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def desk(engine: Engine, settings: Any, sealer: Any, tmp_path: Any, monkeypatch: Any, clock: Any):
    context.use(Context(settings, sealer))
    known = journeying.known_triggers()
    monkeypatch.setattr(triggers, "everything", lambda: known)
    yield world.build(engine, sealer, tmp_path / "letters")
    sending.rest(engine)
    context.use(None)


def spec_of(desk: Desk, path: str) -> dict[str, Any]:
    with transaction(desk.engine) as session:
        return store.version(session, session.get_one(Journey, UUID(path.split("/")[2])))


def begin(browser: Browser, desk: Desk, trigger: str = "abandoned_cart", **said: object) -> str:
    """The address of a draft made of a trigger."""
    browser.see(f"/journeys/new?trigger={trigger}")
    answer = browser.submit("/journeys/new", trigger=trigger, **said)
    return str(answer.headers["location"])


STARTED = {"address": "1 Main street", "company": "Bazaar", "language": "en"}


def test_a_trigger_becomes_a_ready_draft(browser: Browser, desk: Desk) -> None:
    assert "No journeys yet" in browser.see("/journeys")
    assert "/journeys/new?trigger=abandoned_cart" in browser.see("/journeys/new")
    here = begin(browser, desk, sender=desk.sender, languages=["ru"], **STARTED)
    text = browser.see(here)
    assert "Abandoned cart" in text and "Wait 1 hour" in text and "Switch on" in text
    spec = spec_of(desk, here)
    assert [step["type"] for step in spec["steps"]] == ["wait", "letter"]
    letter = browser.see(f"/letters/{spec['steps'][1]['letter_id']}")
    assert "Bazaar" in letter and "Russian" in letter
    assert begin(browser, desk, sender=desk.sender, letter=desk.letter) != here
    assert "Abandoned cart 2" in browser.see("/journeys")


def test_what_may_happen_is_offered_by_name(browser: Browser, desk: Desk) -> None:
    text = browser.see("/journeys/new?trigger=event")
    assert 'list="kinds"' in text and '<option value="order.refunded">' in text
    assert '<option value="letter.bounced">Came back</option>' in text


@pytest.mark.parametrize("key", sorted(triggers.everything()))
def test_every_trigger_can_be_begun_and_switched_on(browser: Browser, desk: Desk, key: str) -> None:
    text = browser.see(f"/journeys/new?trigger={key}")
    said: dict[str, object] = {"sender": desk.sender, **STARTED}
    for field in triggers.of(key).fields:
        assert f'name="t_{field.name}"' in text
        if field.required:
            wanted = {"segment": str(desk.segment), "skus": "A-1", "text": "web.page"}
            said[f"t_{field.name}"] = wanted.get(field.kind, field.default)
    if "made from ours" not in text:
        assert "Choose a letter" in browser.submit("/journeys/new", 422, trigger=key, **said).text
        said["letter"] = desk.letter
    here = browser.submit("/journeys/new", trigger=key, **said).headers["location"]
    browser.see(f"{here}/switch?to=on")
    browser.submit(f"{here}/switch", to="on")
    assert "Switch off" in browser.see(here)
    shown = journeying.typed(browser.see(f"{here}/edit"))
    browser.submit(f"{here}/edit", **shown, do="save")
    assert "version 1" in browser.see(here)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ({"address": ""}, "postal address is missing"),
        ({"sender": "nobody"}, "Choose who the letter is from"),
        ({"letter": "gone"}, "Choose a letter"),
        ({"name": "x" * 130}, "at most 120 characters"),
        ({"t_least": "many"}, "A number from"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_made(
    browser: Browser, desk: Desk, said: dict[str, str], answer: str
) -> None:
    browser.see("/journeys/new?trigger=abandoned_cart")
    typed = {"trigger": "abandoned_cart", "sender": str(desk.sender), "company": "Kept", **STARTED} | said
    text = browser.submit("/journeys/new", 422, **typed).text
    assert answer in text and all(value in text for value in said.values() if value not in ("nobody", "gone"))
    assert desk.rows("SELECT count(*) FROM journeys")[0][0] == 0
    assert desk.rows("SELECT count(*) FROM letters")[0][0] == 1


def test_journey_tells_what_its_trigger_was_told(browser: Browser, desk: Desk) -> None:
    said = {"sender": desk.sender, "letter": desk.letter, **STARTED}
    text = browser.see(begin(browser, desk, "win_back", **said))
    assert "<dt>Days without an order</dt><dd>90</dd>" in text
    text = browser.see(begin(browser, desk, "segment", **said, t_segment=str(desk.segment), t_way="leave"))
    with transaction(desk.engine) as session:
        name = session.get_one(Segment, desk.segment).name
    assert (
        f"<dd>{name}</dd>" in text
        and f"<dd>{triggers.of('segment').fields[1].choices()['leave']}</dd>" in text
    )


def test_editor_sends_back_what_it_shows(browser: Browser, desk: Desk) -> None:
    with transaction(desk.engine) as session:
        kept = segments.make_list(session, "Called", "olga").id
    steps = [*journeying.steps(desk), {"id": "x1", "type": "list", "segment_id": str(kept), "act": "remove"},
             {"id": "e1", "type": "exit"}]  # fmt: skip
    goal = {"condition": 'orders.count() > 3 and city != "<b>"'}
    here = f"/journeys/{journeying.journey(desk, steps=steps, goal=goal)}"
    before = spec_of(desk, here)
    browser.submit(f"{here}/edit", **journeying.typed(browser.see(f"{here}/edit")), do="save")
    assert spec_of(desk, here) == before
    assert "version 1" in browser.see(here)


def test_steps_are_added_moved_and_saved(browser: Browser, desk: Desk) -> None:
    here = begin(browser, desk, sender=desk.sender, letter=desk.letter)
    shown = journeying.typed(browser.see(f"{here}/edit"))
    for do in ("add:condition::1", "in:2:yes", "add:task:1.no:0", "add:wait::0", "down:0"):
        text = browser.submit(f"{here}/edit", 200, **shown, do=do).text
        assert "Not saved yet" in text
        shown = journeying.typed(text)
    assert [step["type"] for step in spec_of(desk, here)["steps"]] == ["wait", "letter"]
    shown |= {"s2_condition": 'city = "Almaty"', "s2.no.0_text": "Call", "name": "Renamed", "priority": "2"}
    browser.submit(f"{here}/edit", **shown, do="save")
    found = spec_of(desk, here)["steps"]
    assert [step["type"] for step in found] == ["wait", "wait", "condition"]
    assert found[2]["yes"][0]["type"] == "letter" and found[2]["no"][0]["text"] == "Call"
    text = browser.see(here)
    assert "Renamed" in text and "version 2" in text
    assert "Begin from it" in browser.see(f"{here}/versions")
    old = journeying.typed(browser.see(f"{here}/edit?version=1"))
    assert "s2_type" not in old
    assert "You look at version 1" in browser.see(f"{here}?version=1")
    browser.see(f"{here}?version=7", 404)


@pytest.mark.parametrize(
    ("field", "value", "answer"),
    [
        ("s1_condition", "nonsense(", "line 1"),
        ("s0_amount", "0", "A number from 1"),
        ("s1.no.0_letter_id", "", "Choose a letter"),
        ("s1.yes.0.0_share", "50", "add up to 100"),
        ("s1.yes.1_time", "25:00", "time of day"),
        ("holdout", "80", "0 to 50"),
        ("exit0", "never(", "line 1"),
        ("priority", "high", "1 (first) to 9"),
        ("name", "", "at most 120"),
        ("reentry_days", "", "A number from 1"),
    ],
)
def test_mistakes_are_shown_where_they_are(
    browser: Browser, desk: Desk, field: str, value: str, answer: str
) -> None:
    here = f"/journeys/{journeying.journey(desk)}"
    shown = journeying.typed(browser.see(f"{here}/edit")) | {field: value}
    text = browser.submit(f"{here}/edit", 422, **shown, do="save").text
    assert answer in text and journeying.typed(text)[field] == value
    if "share" not in field:
        assert re.search(rf'(name|id|for)="[hf]?-?{re.escape(field)}"[^>]*aria-invalid', text), field
    assert spec_of(desk, here)["holdout"] == 10


def test_conditions_are_counted(browser: Browser, desk: Desk) -> None:
    desk.crowd(3)
    exits = [{"condition": 'city = "Almaty"'}]
    here = f"/journeys/{journeying.journey(desk, exits=exits)}"
    shown = journeying.typed(browser.see(f"{here}/edit"))
    text = browser.submit("/journeys/condition", 200, condition='city = "Almaty"').text
    assert "holds for 3 customers now" in text
    assert "line 1" in browser.submit("/journeys/condition", 200, condition=f"city = {EVIL}").text
    assert browser.submit("/journeys/condition", 200, condition="").text.strip() == (
        '<span class="muted"></span>'
    )
    text = browser.submit(f"{here}/edit", 200, **shown | {"s1_condition": "no("}, do="check").text
    assert "holds for 3 customers now" in text and "line 1" in text


def test_state_is_switched_after_it_is_said_what_that_does(browser: Browser, desk: Desk) -> None:
    desk.crowd(2)
    here = f"/journeys/{journeying.journey(desk, trigger='test', holdout=0, reentry={'kind': 'each'})}"
    assert "nobody in" in browser.see(f"{here}/switch?to=on")
    browser.submit(f"{here}/switch", to="on")
    street = Street(desk)
    street.happen(0, at=world.clock.now() + timedelta(seconds=1))
    world.clock.advance(timedelta(seconds=2))
    street.follow()
    assert "1 person is on the way" in browser.see(f"{here}/switch?to=off")
    browser.submit(f"{here}/switch", to="paused")
    assert "Go on" in browser.see(here) and "they go on from where" in browser.see(f"{here}/switch?to=on")
    browser.submit(f"{here}/switch", to="off")
    assert street.runs() == [("p0", "stopped", "off")]
    browser.submit(f"{here}/switch", 422, to="paused")
    assert browser.get(f"{here}/switch?to=paused", follow_redirects=False).status_code == 303
    browser.submit(f"{here}/switch", to="archived")
    assert "No journeys yet" in browser.see("/journeys")
    assert "Cart left alone" in browser.see("/journeys?show=archived")
    copy = browser.submit(f"{here}/clone").headers["location"]
    assert "draft" in browser.see(copy)


def test_it_does_not_go_on_with_what_is_gone(browser: Browser, desk: Desk) -> None:
    here = f"/journeys/{journeying.journey(desk)}"
    browser.see(here)
    desk.do("UPDATE segments SET archived_at = now()")
    text = browser.submit(f"{here}/switch", 422, to="on").text
    assert "One of the segments is gone" in text
    assert "(gone)" not in browser.see(here)


@pytest.fixture(scope="module")
def sealer() -> Sealer:
    """One for all tests of the file: rows that `lively` keeps are sealed with it."""
    return Sealer([new_key()])


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    """What `lively` made."""
    return {}


@pytest.fixture
def lively(desk: Desk, kept: dict[str, Any]) -> UUID:
    """Twelve people in a journey; lived through once, then put back."""
    if not kept:
        made = journeying.lively(desk, 12)
        rows = once.Rows(desk.engine, but={"users", "user_sessions"})
        kept.update(journey=made, rows=rows, desk=dict(vars(desk)))
    else:
        kept["rows"].put(desk.engine)
        vars(desk).update(kept["desk"])
    return kept["journey"]


def test_drawn_journey_counts_those_who_came(browser: Browser, desk: Desk, lively: UUID) -> None:
    here = f"/journeys/{lively}"
    text = browser.see(here)
    runs = desk.rows("SELECT state, reason, at_step FROM journey_runs")
    entered = sum(row.reason not in ("again", "already", "holdout") for row in runs)
    standing = sum(row.state == "going" and row.at_step == "f1" for row in runs)
    assert f">{entered} came in</a>" in text and f">{standing} here now</a>" in text
    refused = sum(row.reason in ("again", "already") for row in runs)
    assert refused and f">{refused} not let in</a>" in text
    listed = browser.see(f"{here}/people?state=going&step=f1")
    assert listed.count("data-entry") == standing
    assert "nobody is in it twice at once" in browser.see(f"{here}/people?reason=already")
    assert "Nobody fits" in browser.see(f"{here}/people?state=dead")
    browser.see(f"{here}/people?state=nonsense&step=%27&reason=%00&after=x", 422)


def test_a_crowded_journey_counts_fewer_days(
    browser: Browser, desk: Desk, lively: UUID, monkeypatch: Any
) -> None:
    count = desk.rows("SELECT count(*) FROM journey_runs")[0][0]
    desk.do("UPDATE journey_runs SET entered_at = entered_at - interval '40 days' WHERE id IN"
            " (SELECT id FROM journey_runs LIMIT 5)")  # fmt: skip
    for most, days in ((count, 90), (count - 5, 30), (3, 1)):
        monkeypatch.setattr(journey_figures, "MOST", most)
        for page in ("", "/results"):
            said = browser.see(f"/journeys/{lively}{page}")
            assert f"within the last {days} day" in said or f'value="{days}" selected' in said, (most, page)


def test_people_are_paged_by_keyset(browser: Browser, desk: Desk, lively: UUID, monkeypatch: Any) -> None:
    monkeypatch.setattr(journey_people, "PAGE", 5)
    path, seen = f"/journeys/{lively}/people", []
    while path:
        text = browser.see(path)
        seen += re.findall(r'href="/journeys/[^"]+/runs/([^"]+)"', text)
        older = text.split('rel="next"')[0] if 'rel="next"' in text else ""
        path = older.rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&") if older else ""
    assert len(seen) == len(set(seen)) == desk.rows("SELECT count(*) FROM journey_runs")[0][0]


def test_one_way_is_told_step_by_step(browser: Browser, desk: Desk, lively: UUID) -> None:
    query = "SELECT r.id FROM journey_runs r JOIN deliveries d ON d.step = r.letters[1]"
    run = desk.rows(f"{query} WHERE d.state = 'accepted' LIMIT 1")[0]
    text = browser.see(f"/journeys/{lively}/runs/{run.id}")
    assert "Wait 1 hour" in text and "The letter has left." in text and "/deliveries/" in text
    assert "Came in." in text and not re.search(r">[^<]*\d{4}-\d\d-\d\dT", text.split("What began it")[0])
    other = journeying.journey(desk, "Another")
    browser.see(f"/journeys/{other}/runs/{run.id}", 404)
    browser.see(f"/journeys/{lively}/runs/{other}", 404)
    browser.see(f"/journeys/{lively}/runs/x", 404)


def test_card_shows_its_journeys_and_tasks(browser: Browser, desk: Desk, lively: UUID) -> None:
    task = desk.rows(
        "SELECT t.id, p.customer_id FROM journey_tasks t JOIN profiles p ON p.id = t.profile_id LIMIT 1"
    )[0]
    card = f"/customers/{task.customer_id}?tab=journeys"
    text = browser.see(card)
    assert "Came back to look" in text and "Call and ask" in text
    browser.submit(f"/tasks/{task.id}/done", card=task.customer_id)
    assert "done by olga@example.org" in browser.see(card)
    assert "Call and ask" in browser.see("/tasks?show=done")
    browser.submit(f"/tasks/{lively}/done", 422)
    browser.submit(f"/tasks/{task.id}/done", 404, card="//evil.example")
    other = journeying.journey(desk, "Not for them", trigger="test")
    browser.see(f"/journeys/{other}/switch?to=on")
    browser.submit(f"/journeys/{other}/switch", to="on")
    assert "Not for them" in browser.see(card)
    assert "brings people in" in browser.see(f"/journeys/{other}/people/{task.customer_id}")
    browser.see(f"/journeys/{other}/people/{lively}", 404)


def test_ledger_names_the_journey(browser: Browser, desk: Desk, lively: UUID) -> None:
    row = desk.rows("SELECT id, step FROM deliveries LIMIT 1")[0]
    text = browser.see("/deliveries")
    assert "Came back to look" in text and 'href="/suppressions"' in text
    run = UUID(row.step.rpartition(":")[2])
    assert f"/journeys/{lively}/runs/{run}" in browser.see(f"/deliveries/{row.id}")
    desk.do(
        "UPDATE deliveries SET step = 'journey:' || gen_random_uuid() || ':1:x' WHERE id = :id", id=row.id
    )
    assert "/runs/" not in browser.see(f"/deliveries/{row.id}")
    browser.see("/deliveries")


def test_people_are_taken_out_as_csv(browser: Browser, desk: Desk, lively: UUID, monkeypatch: Any) -> None:
    monkeypatch.setattr(journey_export, "PAGE", 5)
    desk.do(
        "UPDATE customers SET name = '=HYPERLINK(1)' WHERE id = (SELECT min(id::text) FROM customers)::uuid"
    )
    here = f"/journeys/{lively}/people"
    assert f'href="{here}.csv"' in browser.see(here)
    rows = list(csv.DictReader(io.StringIO(browser.get(f"{here}.csv").text.removeprefix("\ufeff"))))
    total = desk.rows("SELECT count(*) FROM journey_runs WHERE journey_id = :id", id=lively)[0][0]
    assert len(rows) == total > 5 and all(row["customer"] and row["came_in"] for row in rows)
    assert not any(row["name"].startswith("=") for row in rows)
    found = csv.DictReader(io.StringIO(browser.get(f"{here}.csv?state=going").text.removeprefix("\ufeff")))
    assert {row["state"] for row in found} == {"on the way"}
    assert browser.get("/journeys/00000000-0000-0000-0000-000000000000/people.csv").status_code == 404


def test_steps_are_taken_out_as_csv(browser: Browser, desk: Desk, lively: UUID) -> None:
    here = f"/journeys/{lively}"
    back = re.search(rf'href="{here}/steps.csv\?back=(\d+)"', browser.see(f"{here}/results"))
    assert back
    text = browser.get(f"{here}/steps.csv?back={back[1]}").text
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    sent = desk.rows("SELECT count(*) FROM deliveries WHERE state = 'accepted' AND step LIKE 'journey:%'")[0][
        0
    ]
    assert sum(int(row["letters_sent"]) for row in rows) == sent > 0
    assert all(row["title"] for row in rows)
    for row in rows:
        assert int(row["reached"]) == sum(int(row[one]) for one in ("waiting", "went_on", "ended"))


def test_late_tasks_come_first(browser: Browser, desk: Desk, lively: UUID) -> None:
    assert (
        browser.see("/tasks").count("Call and ask") == desk.rows("SELECT count(*) FROM journey_tasks")[0][0]
    )
    desk.do("UPDATE journey_tasks SET due_at = due_at - interval '9 days', said = 'Overdue' WHERE id ="
            " (SELECT id FROM journey_tasks ORDER BY due_at DESC LIMIT 1)")  # fmt: skip
    text = browser.see("/tasks")
    assert "late" in text and text.index("Overdue") < text.index("Call and ask")


def test_results_say_what_it_brought(browser: Browser, desk: Desk, lively: UUID) -> None:
    desk.do("UPDATE journey_runs SET state = 'left', reason = 'holdout' WHERE id ="
            " (SELECT id FROM journey_runs WHERE state = 'going' LIMIT 1)")  # fmt: skip
    desk.do("UPDATE deliveries SET state = 'skipped', reason = 'no_consent' WHERE id ="
            " (SELECT id FROM deliveries WHERE state = 'accepted' LIMIT 1)")  # fmt: skip
    text = browser.see(f"/journeys/{lively}/results")
    assert "Against those held out" in text and "too early to say" in text and 'class="chart"' in text
    assert "There is no consent to marketing e-mail." in text
    assert "within 3 days" in browser.see(f"/journeys/{lively}/results?days=3")
    assert "within 7 days" in browser.see(f"/journeys/{lively}/results?days=²&back=²")
    assert 'value="1" selected' in browser.see(f"/journeys/{lively}/results?back=1")
    assert "Nobody has come in yet" in browser.see(f"/journeys/{journeying.journey(desk)}/results")


def test_strangers_words_are_escaped(browser: Browser, desk: Desk, lively: UUID) -> None:
    desk.do("UPDATE customers SET name = :evil", evil=EVIL)
    desk.do("UPDATE journeys SET name = :evil", evil=EVIL)
    desk.do("UPDATE letters SET name = :evil", evil=EVIL)
    desk.do("UPDATE segments SET name = :evil", evil=EVIL)
    desk.do("UPDATE journey_tasks SET said = :evil", evil=EVIL)
    desk.do("UPDATE journey_runs SET cause = jsonb_build_object(CAST(:evil AS text), :evil)", evil=EVIL)
    row = desk.rows("SELECT r.id, p.customer_id FROM journey_runs r JOIN profiles p ON p.id = r.profile_id")[
        0
    ]
    here = f"/journeys/{lively}"
    for path in (
        "/journeys", "/tasks", here, f"{here}/edit", f"{here}/people", f"{here}/results", f"{here}/versions",
        f"{here}/runs/{row.id}", f"{here}/people/{row.customer_id}", f"{here}/switch?to=off",
        f"/customers/{row.customer_id}?tab=journeys",
    ):  # fmt: skip
        text = browser.see(path)
        assert "<img" not in text and "&lt;img" in text, path


def test_back_test_tells_who_would_have_got_what(browser: Browser, desk: Desk, lively: UUID) -> None:
    here = f"/journeys/{lively}/backtests"
    browser.see(here)
    assert "Try it out on 1 to 90" in browser.submit(here, 422, days="91").text
    assert 'value="²"' in browser.submit(here, 422, days="²").text
    path = browser.submit(here, days="14").headers["location"]
    assert f'data-live="{path}/events"' in browser.see(path)
    desk.look()
    text = browser.see(path)
    assert "Would have come in" in text and "Bought anyway" in text and "data-live" not in text
    sent = desk.rows("SELECT count(*) FROM deliveries WHERE state = 'accepted'")[0][0]
    assert f"<small>Letters</small><b>{sent}</b>" in text
    assert "with a letter" in browser.see(f"{path}?show=letters&from=0")
    assert "Nobody." in browser.see(f"{path}?show=anyway&from=999")
    lines = browser.get(f"{path}/export.csv").text.splitlines()
    assert sum(",accepted," in line for line in lines) == sent and lines[0].startswith("\ufeffcustomer,name,")
    assert "14 days" in browser.see(here)
    browser.see(f"/journeys/{journeying.journey(desk)}/backtests/{path.rpartition('/')[2]}", 404)


def test_back_test_of_people_who_are_gone(browser: Browser, desk: Desk) -> None:
    made = journeying.journey(desk)
    browser.see(f"/journeys/{made}/backtests")
    path = browser.submit(f"/journeys/{made}/backtests", days="1").headers["location"]
    at = "2026-03-01T10:00:00+00:00"
    letter = {"step": "gone", "at": None, "due": at, "state": "skipped", "reason": EVIL}
    row = {
        "customer": str(made), "entered_at": at, "state": "left", "reason": EVIL,
        "at_step": "", "letters": [letter], "bought_at": at, "before": True,
        "money": {"KZT": "100.00", EVIL: "1"},
    }  # fmt: skip
    result = {
        "days": 7, "entered": 60, "held": 1, "refused": {EVIL: 1}, "letters": 0, "steps": {}, "bought": 1,
        "skipped": {EVIL: 2}, "bought_before": 1, "money": {EVIL: "5.00"}, "rows": [row] * 60, "more": 7,
    }  # fmt: skip
    desk.do(
        "UPDATE journey_tests SET state = 'done', result = CAST(:result AS jsonb)", result=json.dumps(result)
    )
    text = browser.see(path)
    assert "<img" not in text and "gone" in text and "7 more people" in text
    assert "51–60 / 60" in browser.see(f"{path}?from=50&show=anyway")
    assert browser.get(f"{path}/export.csv").text.count(str(made)) == 60
    desk.do("UPDATE journey_tests SET state = 'failed', reason = :evil", evil=EVIL)
    assert "could not be tried out" in browser.see(path) and "<img" not in browser.see(path)


def test_journeys_after_invoices_are_tried_out_too(browser: Browser, desk: Desk) -> None:
    made = journeying.journey(desk, trigger="invoice_due")
    assert "Try it out" in browser.see(f"/journeys/{made}/backtests")
    path = browser.submit(f"/journeys/{made}/backtests", days="5").headers["location"]
    assert path.startswith(f"/journeys/{made}/backtests/")


@pytest.mark.parametrize("do", ["save", "check", "add:split::0", "nonsense"])
@pytest.mark.parametrize(
    "said",
    [
        {},
        {"trigger": EVIL, "reentry": EVIL, "goal": "condition", "holdout": "-1", "s_x": "include"},
        {"trigger": "segment", "t_segment": "' OR 1=1", "s0_type": "letter", "s0_letter_id": EVIL},
        {"s0_type": "until", "s0_weekdays": ["9", "x", "1"], "s0_time": EVIL, "s0_id": "x" * 50},
        {"s0_type": "split", "s0.0_share": "²", "s0.0_name": EVIL, "s0.0.0_type": "exit", "name": "\x00"},
        {"s0_type": "condition", "s0_condition": "(" * 5000, "s0.yes.0_type": "list", "priority": "9" * 30},
        {f"s{n}_type": "wait" for n in range(60)},
    ],
)
def test_editor_answers_whatever_is_sent(browser: Browser, desk: Desk, said: dict[str, Any], do: str) -> None:
    here = f"/journeys/{journeying.journey(desk)}/edit"
    browser.see(here)
    answer = browser.post(here, data={"csrf": browser.token, "do": do, **said}, follow_redirects=False)
    assert answer.status_code == (422 if do == "save" else 200)
    assert "<img" not in answer.text
    assert desk.rows("SELECT version FROM journeys")[0].version == 1


COSTS = {
    "": 12, "/edit": 6, "/people": 6, "/results": 13, "/versions": 5, "/switch?to=off": 5, "/runs/{run}": 10,
}  # fmt: skip


@pytest.mark.parametrize("path", COSTS)
def test_page_costs_its_queries_however_many_people(
    browser: Browser, desk: Desk, lively: UUID, path: str
) -> None:
    run = desk.rows("SELECT id FROM journey_runs WHERE state = 'going' AND cardinality(letters) > 0")[0].id
    browser.see("/settings")
    with counted(desk.engine) as sent:
        browser.see(f"/journeys/{lively}{path.format(run=run)}")
    assert COSTS[path] - 1 <= len(sent) <= COSTS[path], (len(sent), sent)


@pytest.mark.parametrize(("path", "cost"), [("/journeys", 4), ("/tasks", 2), ("{card}?tab=journeys", 9)])
def test_lists_cost_the_same_for_many(
    browser: Browser, desk: Desk, lively: UUID, path: str, cost: int
) -> None:
    for number in range(5):
        journeying.journey(desk, f"Nr {number}")
    card = desk.rows("SELECT customer_id FROM profiles WHERE external_id = 'p3'")[0].customer_id
    browser.see("/settings")
    with counted(desk.engine) as sent:
        browser.see(path.format(card=f"/customers/{card}"))
    assert len(sent) == cost, (len(sent), sent)
