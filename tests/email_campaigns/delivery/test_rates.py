"""How many letters leave, and when: by transport, mailing, domain and the warm-up plan."""

from datetime import timedelta

import pytest

from email_campaigns.delivery import claims, rates
from email_campaigns.tables import Transport
from foundation.clock import now
from foundation.database import transaction


@pytest.mark.parametrize(
    ("per_hour", "window"), [(3600, (60, 60)), (60, (60, 1)), (10, (360, 1)), (100_000, (60, 1666))]
)
def test_a_limit_is_spread(per_hour, window):
    assert rates.window(per_hour) == window


def minutes(house, box, send, clock, count):
    """Letters that left in each of so many minutes."""
    found = []
    for _minute in range(count):
        before = len(box.taken)
        for _second in range(6):
            send()
            clock.advance(timedelta(seconds=10.1))
        found.append(len(box.taken) - before)
    return found


def test_a_transport_keeps_its_limit(house, box, send, clock):
    house.do("UPDATE transports SET per_hour = 600")
    house.crowd(45)
    house.plan(purpose="transactional", step="receipt:a:1:1:1")
    assert minutes(house, box, send, clock, 6) == [10, 10, 10, 10, 5, 0]


def test_a_throttled_mailing_leaves_others_alone(house, box, send, clock):
    house.do("UPDATE mailings SET per_hour = 300")
    house.crowd(20)
    house.plan()
    house.plan(purpose="transactional", step="receipt:a:1:1:1")
    send()
    steps = house.rows(
        "SELECT left(step, 7), count(*) FROM deliveries WHERE state = 'accepted' GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(row) for row in steps] == [("mailing", 5), ("receipt", 20)]


def test_what_was_ordered_comes_before_a_mailing(house, clock):
    house.crowd(150)
    house.plan()
    house.plan(purpose="transactional", step="receipt:a:1:1:1")
    rows = claims.claim(house.engine, house.transport, 160)
    kinds = [row.step.partition(":")[0] for row in rows]
    assert kinds == ["receipt"] * 150 + ["mailing"] * 10


def test_a_domain_keeps_its_limit_and_others_go(house, box, send, clock):
    house.do('UPDATE transports SET domains = \'{"mail1.example": {"per_hour": 120}}\'')
    house.crowd(70)  # ten of each of seven domains
    house.plan(purpose="transactional", step="receipt:a:1:1:1")
    send()
    assert len([one for one in box.addresses if one.endswith("@mail1.example")]) == 2
    assert len(box.addresses) == 62
    assert max(minutes(house, box, send, clock, 4)) <= 2
    waits = house.rows("SELECT DISTINCT reason FROM deliveries WHERE state = 'planned'")
    assert [row.reason for row in waits] in ([], ["slow"])
    minutes(house, box, send, clock, 10)
    assert len(box.addresses) == 70


def test_the_rest_of_a_busy_domain_grows_and_ends(house, clock):
    def asked():
        with transaction(house.engine) as session:
            rates.slow_down(session, house.transport, ["mail1.example"])
            found = session.get_one(Transport, house.transport).domains["mail1.example"]
        return found["slower"]

    assert asked() == 1
    assert asked() == 1, "several letters were under way"
    clock.advance(timedelta(seconds=20))
    assert asked() == 2
    clock.advance(timedelta(seconds=40))
    assert asked() == 3
    clock.advance(timedelta(hours=3))
    assert asked() == 1, "it has been well for long"


def test_after_a_rest_a_few_at_a_time(house, box, send, clock):
    with transaction(house.engine) as session:
        rates.slow_down(session, house.transport, ["mail1.example"])
    house.crowd(210)
    house.plan(purpose="transactional", step="receipt:a:1:1:1")
    send()
    assert not [one for one in box.addresses if one.endswith("@mail1.example")]
    clock.advance(timedelta(seconds=16))
    before = len(box.addresses)
    send()
    assert 0 < len(box.addresses) - before <= rates.FEW * 2


def test_warming_up(house, box, send, clock):
    with transaction(house.engine) as session:
        session.get_one(Transport, house.transport).warm_up_from = now()
    house.crowd(30)
    house.plan(purpose="transactional", step="receipt:a:1:1:1")
    usual = rates.WARM_UP
    try:
        rates.WARM_UP = (10, 15)
        send()
        assert len(box.taken) == 10
        clock.advance(timedelta(days=1))
        send()
        assert len(box.taken) == 25
        clock.advance(timedelta(days=1))
        send()
        assert len(box.taken) == 30, "the plan is over"
    finally:
        rates.WARM_UP = usual
