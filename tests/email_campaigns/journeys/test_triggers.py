"""The engine with every real trigger: it can be asked, live and in the sandbox."""

from datetime import timedelta

import pytest

from customers.segments import language
from customers.segments import store as segments
from email_campaigns import triggers
from foundation import clock
from foundation.database import transaction
from tests.email_campaigns.journeys.test_backtest import tried
from tests.email_campaigns.journeys.world import Street

GIVEN = {"text": "web.test", "skus": ["A1"], "number": 1, "hours": 2, "days": 3}


def settings(street: Street, key: str) -> dict:
    """What has to be said of a trigger."""
    return {
        one.name: str(street.desk.segment) if one.kind == "segment" else GIVEN[one.kind]
        for one in triggers.of(key).fields
        if one.required
    }


@pytest.mark.parametrize("key", sorted(triggers.everything()))
def test_it_can_be_asked(street: Street, key: str) -> None:
    street.desk.crowd(2)
    street.desk.order("person1@mail.example")
    begin = {"kind": key, "settings": settings(street, key)}
    journey = street.journey(street.letter(), trigger=begin)
    street.happen(0)
    street.live(timedelta(hours=2), timedelta(hours=1))
    assert street.rows("SELECT message FROM problems WHERE state = 'open'") == []
    # somebody is in it, whatever brought them: what makes it needless can be asked
    street.do(
        "INSERT INTO journey_runs (id, journey_id, version, trigger_key, profile_id, customer_id, entered_at,"
        " cause, context, at_step, waiting, due_at, state, reason, attempts, letters, created_at)"
        " SELECT gen_random_uuid(), :journey, 1, 'x', id, customer_id, :at, '{}', '{}', '', false, :at,"
        " 'going', '', 0, '{}', :at FROM profiles WHERE external_id = 'p0'",
        journey=journey, at=clock.now(),
    )  # fmt: skip
    street.tick()
    assert street.rows("SELECT message FROM problems WHERE state = 'open'") == []
    assert tried(street, journey, 1)["days"] == 7


def test_entering_a_segment_brings_in(street: Street) -> None:
    street.desk.crowd(1)
    with transaction(street.engine) as session:
        made = segments.make(session, "Astana", language.parse('city = "Astana"'), "olga@example.org").id
    street.journey(street.letter(), trigger={"kind": "segment", "settings": {"segment": str(made)}})
    street.do(
        "INSERT INTO segment_events (segment_id, customer_id, kind, at, reason, version, truth)"
        " SELECT :segment, id, 'enter', :at, 'change', 1, 't' FROM customers",
        segment=made, at=clock.now(),
    )  # fmt: skip
    street.tick()
    street.tick()
    assert [row[2] for row in street.ledger()] == ["accepted"]
