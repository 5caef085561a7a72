"""What a journey did, counted: per step, per end, in money."""

from datetime import timedelta

from email_campaigns.journeys import figures, jobs, listing, store
from email_campaigns.journeys.tables import Journey
from foundation.database import transaction
from foundation.heartbeat import Heartbeat
from foundation.running import run_one
from tests.email_campaigns.journeys.test_walk import HOUR, MINUTE, wait
from tests.email_campaigns.journeys.world import Street


def test_they_count_everybody_once(street: Street) -> None:
    street.desk.crowd(6)
    journey = street.journey(
        wait(1),
        street.letter(),
        {"type": "condition", "condition": 'name contains "Nr1"', "yes": [], "no": [wait(50)]},
        street.letter(),
        reentry={"kind": "never"},
    )
    for number in range(5):
        street.happen(number)
    street.do("UPDATE customers SET email_consent = 'withdrawn' WHERE name = 'Person Nr4'")
    street.live(30 * MINUTE, 10 * MINUTE)
    street.happen(2)
    street.happen(0, "test.ended")
    street.live(2 * HOUR, 10 * MINUTE)
    street.desk.order("person1@mail.example", total=70, after=timedelta())
    street.do("UPDATE orders SET placed_at = placed_at - interval '1 minute'")
    with transaction(street.engine) as session:
        row = session.get_one(Journey, journey)
        found = figures.of(session, row)
    assert (found.entered, found.going, found.done) == (5, 3, 1)
    assert (dict(found.left), dict(found.refused)) == ({"over": 1}, {"already": 1})
    assert (found.buyers, found.orders, found.revenue) == (1, 1, {"KZT": 70.0})
    first = found.steps["s1"]
    assert (first.reached, first.waiting, first.ended, first.went_on) == (5, 0, 1, 4)
    assert dict(found.steps["s2"].letters) == {"accepted": 3, "skipped": 1}
    assert dict(found.steps["s2"].skips) == {"no_consent": 1}
    assert dict(found.steps["s3"].ways) == {"yes": 1, "no": 3}
    assert found.steps["s4"].waiting == 3
    assert found.letters == 4
    jobs.recount(street.engine)
    with Heartbeat(street.engine) as heartbeat:
        while run_one(street.engine, "test", heartbeat):
            pass
    with transaction(street.engine) as session:
        assert store.find(session, "Journey").figures["letters"] == 4


def test_those_held_out_are_beside_them(street: Street) -> None:
    street.desk.crowd(40)
    journey = street.journey(holdout=40)
    for number in range(40):
        street.happen(number)
    street.live(MINUTE, 20 * timedelta(seconds=1))
    for row in street.rows("SELECT lower(c.email) AS address FROM customers c ORDER BY 1 LIMIT 10"):
        street.desk.order(row.address, after=timedelta(seconds=-1))
    with transaction(street.engine) as session:
        found = figures.of(session, session.get_one(Journey, journey))
    assert found.entered + found.held == 40 and found.held > 5
    assert found.against is not None and found.against_money is not None
    assert (found.against.first.people, found.against.other.people) == (found.held, found.entered)
    assert found.against.verdict == "early"


def test_runs_are_listed_page_by_page(street: Street) -> None:
    street.desk.crowd(7)
    journey = street.journey(wait(5))
    for number in range(7):
        street.happen(number)
    street.follow()
    seen, after = [], None
    with transaction(street.engine) as session:
        while True:
            rows, after = listing.runs(
                session, journey=journey, state="going", step="s1", after=after, limit=3
            )
            seen += [row.name for row in rows]
            if after is None:
                break
        assert listing.runs(session, journey=journey, reason="over") == ([], None)
    assert sorted(seen) == [f"Person Nr{number}" for number in range(7)]
