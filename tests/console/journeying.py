"""Journeys to look at: a draft in every shape, and one that people are in; the editor, read back."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from html import unescape
from types import MappingProxyType
from typing import Any
from uuid import UUID

from email_campaigns import triggers
from email_campaigns.journeys import store
from foundation import clock
from foundation.database import transaction
from tests.email_campaigns.journeys.world import TRIGGER, Street
from tests.email_campaigns.mailings import world
from tests.email_campaigns.mailings.world import Desk

NAMES = ["Анна Юдина", "Şahin Demir", "김민수", "Айгүл Нұрланова", "Jonas Keller", "Elif Yılmaz"]


def known_triggers() -> Mapping[str, Any]:
    """All triggers, and the one of the tests."""
    ours = replace(TRIGGER, name=lambda: "Looked and left", about=lambda: "Somebody looked around and went.")
    return MappingProxyType({**triggers.everything(), ours.key: ours})


def steps(desk: Desk) -> list[dict[str, Any]]:
    """A wait, a question with a split in one of its answers, a letter each, a wait, a task."""
    letter = {"type": "letter", "letter_id": str(desk.letter), "sender_id": str(desk.sender)}
    arms = [
        {"name": "with a coupon", "share": 60, "steps": [letter | {"id": "l2"}]},
        {"name": "without", "share": 40, "steps": []},
    ]
    weekdays = {"id": "u1", "type": "until", "time": "10:00", "weekdays": [1, 2, 3, 4, 5]}
    return [
        {"id": "w1", "type": "wait", "amount": 1, "unit": "hours"},
        {"id": "c1", "type": "condition", "condition": 'name contains "1"',
         "yes": [{"id": "s1", "type": "split", "arms": arms}, weekdays], "no": [letter | {"id": "l1"}]},
        {"id": "f1", "type": "wait_for", "condition": "opened(any letter, last 3 days)", "amount": 3,
         "unit": "days"},
        {"id": "t1", "type": "task", "text": "Call and ask whether help is needed", "within_hours": 24},
    ]  # fmt: skip


def spec(desk: Desk, trigger: str = "abandoned_cart", **parts: Any) -> dict[str, Any]:
    """What a journey of these steps does."""
    made: dict[str, Any] = {
        "trigger": {"kind": trigger, "settings": {}},
        "audience": {"include": [str(desk.segment)], "exclude": []},
        "reentry": {"kind": "after", "days": 14},
        "holdout": 10,
        "goal": {"kind": "order"},
        "exits": [{"condition": 'city = "Nowhere"'}],
        "steps": steps(desk),
    }
    return made | parts


def journey(desk: Desk, name: str = "Cart left alone", **parts: Any) -> UUID:
    """A draft of it."""
    with transaction(desk.engine) as session:
        made = store.create(session, name, "olga@example.org")
        store.save(session, made, spec(desk, **parts), "olga@example.org")
        return made.id


def crowd(desk: Desk, people: int) -> None:
    """People by names of many places."""
    desk.people(*(world.person(n, name=f"{NAMES[n % len(NAMES)]} {n}") for n in range(people)))


def lively(desk: Desk, people: int = 30) -> UUID:
    """A journey that is on, with people at every place of it."""
    street = Street(desk)
    crowd(desk, people)
    desk.people(world.person(900, consents=()))
    with clock.hold(clock.now() - timedelta(days=5)):
        made = journey(desk, "Came back to look", trigger="test", holdout=20)
        street.switch(made, "on")
        for turn in range(people):
            clock.advance(timedelta(hours=94 / people))
            street.happen(turn)
            street.happen(turn - 4 if turn > 4 else 900)
            street.tick()
            if turn % 5 == 4:
                desk.order(f"person{turn - 3}@mail.example", 12_500 + turn, timedelta(minutes=1))
        street.live(timedelta(hours=20), timedelta(hours=1))
    street.tick()
    return made


def typed(page: str) -> dict[str, Any]:
    """What the editor would send as it stands; of a field with several values a list."""
    form = page.split('id="journey"')[1].split("</form>")[0]
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if not name or (re.search('type="(checkbox|radio)"', tag) and " checked" not in tag):
            continue
        said = unescape(value[1]) if value else ""
        if 'type="checkbox"' in tag:
            found.setdefault(name[1], []).append(said)
        else:
            found[name[1]] = said
    for name, body in re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>([^<]*)</textarea>', form):
        found[name] = unescape(body)
    for name, body in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]*)" selected', body) or re.search(r'value="([^"]*)"', body)
        found[name] = unescape(chosen[1]) if chosen else ""
    found.pop("csrf", None)
    return found
