"""The n-th statement fails, for every n: what is done again afterwards is done once, for everybody."""

import pytest

from email_campaigns.mailings import freeze, jobs, winner
from foundation.database import transaction
from tests.faults import cut_at


def write(desk, mailing):
    freeze.freeze(desk.engine, mailing)
    while freeze.fill(desk.engine, mailing):
        pass


@pytest.mark.parametrize(
    "parts", [{}, {"holdout": "30", "variants": [{"share": 50}, {"share": 50, "subjects": {"en": "B"}}]}]
)
def test_writing_the_audience(desk, clock, monkeypatch, parts):
    monkeypatch.setattr(freeze, "PORTION", 4)
    desk.crowd(10)
    number, through = 0, False
    while not through:
        number += 1
        mailing = desk.mailing(**parts)
        desk.begin(mailing)
        through = cut_at(desk.engine, number, lambda one=mailing: write(desk, one))
        write(desk, mailing)
        assert sum(desk.states(mailing).values()) == 10
        assert desk.get(mailing).frozen["rows"] == 10
        assert desk.rows("SELECT 1 FROM mailing_people") == []
        desk.do("UPDATE mailings SET state = 'cancelled'")
    assert number > 20


def test_looking_at_what_is_due(desk, clock):
    desk.crowd(6)
    number, through = 0, False
    while not through:
        number += 1
        mailing = desk.mailing(schedule={"kind": "at", "wall": "2026-03-02T09:01", "zone": "UTC"})
        desk.begin(mailing)
        desk.do("UPDATE mailings SET starts_at = starts_at - interval '2 minutes' WHERE id = :id", id=mailing)
        through = cut_at(desk.engine, number, lambda: jobs.look(desk.engine))
        desk.send()
        assert desk.states(mailing) == {"accepted": 6}
        assert desk.get(mailing).state == "done"
        desk.do("DELETE FROM deliveries")
    assert number > 8


def test_giving_the_rest_the_winners_letter(desk, clock):
    desk.crowd(20)
    parts = {
        "variants": [{"share": 30}, {"share": 30, "subjects": {"en": "B"}}],
        "winner": {"by": "clicks", "after_hours": 1},
    }
    number, through = 0, False
    while not through:
        number += 1
        mailing = desk.mailing(**parts)
        desk.begin(mailing)
        desk.look()

        def decide(one=mailing):
            with transaction(desk.engine) as session:
                winner.decide(session, one)

        through = cut_at(desk.engine, number, decide)
        decide()
        desk.send()
        assert desk.states(mailing) == {"accepted": 20}
        desk.do("DELETE FROM deliveries")
    assert number > 5
