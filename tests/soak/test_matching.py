"""A run of matching and its undo, with workers killed at random: no half merge, and the way back is exact."""

import random
import time
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from foundation.database import transaction
from foundation.records import Address, Consent, Person
from sync import undo
from sync.dedupe import planning, runs, undoing
from tests.customers.world import rows, say, shop
from tests.people import JANUARY, order
from tests.soak.herd import Herd, kills_wanted

PEOPLE = 80
SYLLABLES = ("ba", "du", "ki", "lor", "men", "pa", "rus", "tov", "va", "zig", "fe", "gan")
_EVERYTHING = (
    "SELECT id, live, merged_into, name, email, email_consent, identified FROM customers",
    "SELECT id, customer_id FROM profiles",
    "SELECT external_id, customer_id FROM orders",
    "SELECT customer_id, orders, spent, profiles FROM customer_stats",
    "SELECT profile_id, channel, given FROM consents",
    "SELECT left_id, right_id, state FROM duplicates",
)
_MIXED = """
SELECT cluster FROM match_pairs WHERE run_id = :run AND joins GROUP BY cluster
HAVING count(*) FILTER (WHERE state = 'joined') NOT IN (0, count(*))
"""
_TORN = """
SELECT m.number FROM match_pairs m JOIN profiles a ON a.id = m.left_id JOIN profiles b ON b.id = m.right_id
WHERE m.run_id = :run AND m.joins AND (m.state = 'joined') <> (a.customer_id = b.customer_id)
"""


def people(session: Session, chance: random.Random) -> None:
    """Everybody in three shops, under three mailboxes; some buy, some refuse letters."""
    names = {"".join(chance.choices(SYLLABLES, k=3)) + " " + "".join(chance.choices(SYLLABLES, k=3))
             for _ in range(PEOPLE)}  # fmt: skip
    for number in range(3):
        said: list[Any] = []
        for at, name in enumerate(sorted(names)):
            one = Person(
                external_id=f"{number}-{at}", name=name.title(), country="KZ",
                emails=(f"m{at}@x{number}.org",), birthday=date(1960, 1, 1) + timedelta(days=31 * at),
                addresses=(Address(line=f"Abaja {at}", city="Almaty", postcode=f"05{at:04}"),),
                consents=(Consent(channel="email", given=bool(at % 2 or number), at=JANUARY),),
            )  # fmt: skip
            said.append(order(one, f"o{number}-{at}") if at % 3 == number else one)
        say(session, shop(session, f"Shop {number}"), *said)


def everything(engine: Engine) -> list[list[str]]:
    with Session(engine) as session:
        return [sorted(map(str, rows(session, query))) for query in _EVERYTHING]


def whole(engine: Engine, run_id: UUID) -> None:
    """No cluster is half joined, and cards are as the pairs say."""
    with Session(engine) as session:
        assert rows(session, _MIXED, run=run_id) == []
        assert rows(session, _TORN, run=run_id) == []


def rage(herd: Herd, engine: Engine, chance: random.Random, state: str, kills: int, look: Any) -> int:
    """Kill workers at random until the operation has that state; answers how many were killed at work."""
    killed, end = 0, time.monotonic() + 120 + 30 * kills
    while time.monotonic() < end:
        with Session(engine) as session:
            if session.scalar(text("SELECT state FROM operations WHERE kind = 'dedupe'")) == state:
                return killed
        if killed < kills:
            name = herd.grown()
            time.sleep(chance.uniform(0, 0.3))
            herd.kill(name)
            look()
            herd.start(name)
            killed += 1
        time.sleep(0.05)
    with Session(engine) as session:
        said = rows(session, "SELECT kind, state, attempts, errors, last_error FROM jobs")
    raise AssertionError(f"the operation is not {state} in time: {said}")


@pytest.mark.soak
def test_run_and_undo_survive_kills(
    engine: Engine, settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(6)
    with transaction(engine) as session:
        people(session, chance)
    before = everything(engine)
    with transaction(engine) as session:
        planned = planning.make(session, "olga")
        operation = runs.start(session, planned.id, "olga", anyway=True).id
    assert planned.counts["joins"] > PEOPLE
    herd = Herd(engine, settings, tmp_path, chance)
    herd.start("worker-1")
    herd.start("worker-2")
    try:
        kills = max(1, kills_wanted(20) // 5)  # each means starting a whole worker
        killed = rage(herd, engine, chance, "done", kills, lambda: whole(engine, planned.id))
        whole(engine, planned.id)
        with transaction(engine) as session:
            done = runs.find(session, planned.id)
            assert done.done == done.total
            monkeypatch.setattr(undoing, "AT_ONCE", 1)
            assert undo.undo(session, operation, "olga").operation.state == "undoing"
        killed += rage(herd, engine, chance, "undone", kills, lambda: None)
    finally:
        herd.stop()
    assert killed >= kills
    assert everything(engine) == before
