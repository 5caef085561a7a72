"""The table of moves holds whatever is done in whatever order, and the ledger agrees with it."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from email_campaigns.mailings import acts, start, states, store
from email_campaigns.tables import Mailing
from foundation import clock as clocks
from foundation.database import transaction
from foundation.errors import BadInput
from tests.conftest import MORNING

ACTS = (
    "start",
    "schedule",
    "unschedule",
    "pause",
    "resume",
    "cancel",
    "answer",
    "delete",
    "look",
    "send",
    "late",
    "hour",
)


def test_every_move_leads_to_a_state():
    assert {after for moves in states.MOVES.values() for after in moves.values()} <= set(states.MOVES)
    assert states.MOVES["done"] == states.MOVES["cancelled"] == {}
    assert set(states.words()) == set(states.MOVES)


@pytest.mark.parametrize("state", states.MOVES)
def test_what_the_table_does_not_name_is_refused(state):
    mailing = Mailing(name="x", state=state, started_at=None)
    known = {act for moves in states.MOVES.values() for act in moves}
    for act in known - states.MOVES[state].keys():
        assert not states.may(mailing, act)


def do(desk, mailing, act):
    """One act; whether it was legal."""
    when = {"kind": "at", "wall": f"{clocks.now() + timedelta(hours=1):%Y-%m-%dT%H:%M}", "zone": "UTC"}
    match act:
        case "look":
            return desk.look()
        case "send":
            return desk.send()
        case "late" | "hour":
            return clocks.advance(timedelta(hours=8 if act == "late" else 1, minutes=1))
        case "start" | "schedule":
            schedule = {"kind": "now"} if act == "start" else when
            desk.act(
                lambda session, one: store.change(session, session.get_one(Mailing, one), schedule=schedule),
                mailing,
            )
            return desk.begin(mailing)
        case "delete":
            return desk.act(
                lambda session, one: store.delete(session, session.get_one(Mailing, one)), mailing
            )
    function = {
        "pause": acts.pause,
        "cancel": acts.cancel,
        "answer": start.answer,
        "unschedule": start.unschedule,
    }
    if act == "resume":
        return desk.act(acts.resume, mailing)
    return desk.act(function[act], mailing, "olga")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(ACTS), min_size=1, max_size=9))
def test_any_history_of_acts_is_told_by_the_table(desk, history):
    with clocks.hold(MORNING):
        desk.do("DELETE FROM deliveries")
        if not desk.rows("SELECT 1 FROM customers"):
            desk.crowd(3)
        mailing = desk.mailing()
        for act in history:
            before = desk.get(mailing)
            try:
                do(desk, mailing, act)
            except BadInput:
                if before.state != "draft" or act != "delete":
                    assert desk.get(mailing).state == before.state
            with transaction(desk.engine) as session:
                after = session.get(Mailing, mailing)
            if after is None:
                assert (before.state, before.operation_id) == ("draft", None)
                return
            agree(desk, before, after)
        desk.do("UPDATE mailings SET state = 'cancelled' WHERE state <> 'done'")


def agree(desk, before, after):
    """What the rows may be in a state of their mailing."""
    found = desk.states(after.id)
    if after.state in ("draft", "scheduled", "freezing"):
        assert found == {}
    if after.state == "done":
        assert set(found) <= {"accepted", "skipped"}
    if after.state == "cancelled":
        assert "planned" not in found
    if before.state in ("done", "cancelled"):
        assert after.state == before.state
    if before.state in ("paused", "asking") and after.state == before.state:
        assert found.get("accepted", 0) == desk.states(before.id).get("accepted", 0)
    assert sum(found.values()) in (0, 3)
