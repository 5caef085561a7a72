"""The process is gone at any statement, whatever happened: each letter once, and a log that says why."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from email_campaigns import triggers
from email_campaigns.delivery import claims
from email_campaigns.delivery import engine as sending
from email_campaigns.journeys import jobs, store, walk
from foundation import clock
from foundation.context import Context
from foundation.database import transaction
from foundation.sealing import Sealer
from tests.conftest import MORNING, empty
from tests.email_campaigns.journeys.test_walk import HOUR, MINUTE, wait
from tests.email_campaigns.journeys.world import TRIGGER, Street
from tests.email_campaigns.mailings.world import build
from tests.faults import cut_at

ENDS = {"done", "goal", "left", "stopped"}


def sound(street: Street) -> None:
    """Every run's letters at most once each, each planned by a line of the log; every end is explained."""
    letters = Counter(tuple(row) for row in street.rows("SELECT step, 1 FROM deliveries"))
    assert all(count == 1 for count in letters.values())
    planned = {
        row[0] for row in street.rows("SELECT detail ->> 'step' FROM journey_acts WHERE what = 'letter'")
    }
    assert {step for step, _one in letters} == planned
    kept = {one for row in street.rows("SELECT letters FROM journey_runs") for one in row.letters}
    assert kept == planned
    files = Counter(
        path.read_text().split("Message-ID:")[1][:60] for path in street.desk.folder.rglob("*.eml")
    )
    assert set(files.values()) <= {1}
    assert len(files) == street.rows("SELECT count(*) FROM deliveries WHERE handed_at IS NOT NULL")[0][0]
    for run in street.rows("SELECT * FROM journey_runs"):
        acts = [
            (row.step, row.what, row.detail)
            for row in street.rows("SELECT * FROM journey_acts WHERE run_id = :id ORDER BY id", id=run.id)
        ]
        assert acts[0][1] in ("entered", "refused")
        if run.state in ("left", "goal", "stopped") and acts[0][1] == "entered":
            assert (acts[-1][1], acts[-1][2]["reason"]) == ("ended", run.reason)
        if run.state == "done":
            assert len(run.letters) == sum(1 for one in acts if one[1] == "letter")
        assert run.state in ENDS | {"going"}


def calm(street: Street) -> None:
    """Leases run out, and everything is done that is to be done."""
    for _round in range(3):
        clock.advance(timedelta(seconds=claims.LEASE + 60))
        sending.post_of(street.engine).rests.clear()
        sending.post_of(street.engine).swept = 0.0
        street.tick()
    street.live(12 * HOUR)


def test_a_statement_fails(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "TOGETHER", 1)
    street.desk.crowd(2)
    street.journey(street.letter(), wait(1), {"type": "task", "text": "Call"}, street.letter())
    number, through = 0, False
    while not through:
        number += 2  # the others are left to chance, below
        for person in range(2):
            street.happen(person)
        through = cut_at(street.engine, number, street.follow)
        street.live(3 * HOUR, 61 * MINUTE)
        sound(street)
        assert [row[1] for row in street.runs()] == ["done"] * 2
        assert len(street.ledger()) == 4
        assert len(street.rows("SELECT FROM journey_tasks")) == 2
        for table in ("journey_acts", "journey_tasks", "journey_runs", "deliveries", "timeline"):
            street.do(f"DELETE FROM {table}")
        for path in street.desk.folder.rglob("*.eml"):
            path.unlink()
        street.do("UPDATE journeys SET swept_at = NULL")
    assert number > 20


PEOPLE = 4
KINDS = st.sampled_from(["test.begun", "test.ended"])
ACTS = st.lists(
    st.one_of(
        st.tuples(
            st.just("happen"), st.integers(0, PEOPLE - 1), st.sampled_from(["test.begun", "test.ended"])
        ),
        st.tuples(st.just("wait"), st.integers(1, 200)),
        st.tuples(st.just("merge"), st.integers(0, PEOPLE - 1), st.integers(0, PEOPLE - 1)),
        st.tuples(st.just("switch"), st.sampled_from(["on", "paused", "off"])),
        st.tuples(st.just("save"), st.integers(1, 3)),
        st.tuples(st.just("kill"), st.integers(1, 40)),
    ),
    min_size=4,
    max_size=16,
)
REENTRY = st.sampled_from([{"kind": "each"}, {"kind": "never"}, {"kind": "after", "days": 1}])


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(acts=ACTS, reentry=REENTRY)
def test_any_history(
    engine: Engine, sealed_context: Context, sealer: Sealer, tmp_path_factory: Any, acts: Any, reentry: Any
) -> None:
    with pytest.MonkeyPatch.context() as patch, clock.hold(MORNING):
        known = MappingProxyType({**triggers.everything(), TRIGGER.key: TRIGGER})
        patch.setattr(triggers, "everything", lambda: known)
        patch.setattr(jobs._Pace, "most", 0.0)
        empty(engine)
        folder: Path = tmp_path_factory.mktemp("letters")
        street = Street(build(engine, sealer, folder))
        try:
            history(street, acts, reentry)
        finally:
            sending.rest(engine)


def history(street: Street, acts: Any, reentry: Any) -> None:
    """Let it happen, then let everything come to rest, and look."""
    street.desk.crowd(PEOPLE)
    journey = street.journey(street.letter(), wait(1), street.letter(), reentry=reentry, exits=[
        {"condition": 'city = "Nowhere"'}])  # fmt: skip
    for what, *given_ in acts:
        act(street, journey, reentry, what, given_)
    for state in ("on",):
        if street.rows("SELECT state FROM journeys")[0][0] != state:
            street.switch(journey, state)
    calm(street)
    sound(street)
    assert street.rows("SELECT FROM journey_runs WHERE state = 'going'") == []
    cards = street.rows(
        "SELECT p.customer_id, count(*) FROM journey_runs r JOIN profiles p ON p.id = r.profile_id"
        " WHERE r.reason NOT IN ('again', 'already') GROUP BY 1"
    )
    if reentry["kind"] == "never" and not any(one[0] == "merge" for one in acts):
        assert all(row[1] == 1 for row in cards)


def act(street: Street, journey: Any, reentry: Any, what: str, given_: Any) -> None:
    """One thing that happens."""
    if what == "happen":
        street.happen(*given_)
        clock.advance(timedelta(seconds=1))
    elif what == "wait":
        street.live(given_[0] * MINUTE, 25 * MINUTE)
    elif what == "merge":
        ids = street.rows("SELECT id FROM customers WHERE live ORDER BY name")
        if given_[0] < len(ids) and given_[1] < len(ids) and given_[0] != given_[1]:
            street.merge(ids[given_[0]].id, ids[given_[1]].id)
    elif what == "switch":
        state = street.rows("SELECT state FROM journeys")[0][0]
        if given_[0] in store.MOVES[state]:
            street.switch(journey, given_[0])
            clock.advance(timedelta(seconds=1))
    elif what == "save":
        with transaction(street.engine) as session:
            steps = [street.letter(), *(wait(given_[0]), street.letter()) * given_[0]]
            store.save(session, store.find(session, journey), street.spec(*steps, reentry=reentry))
    else:
        cut_at(street.engine, given_[0], street.follow)
