"""Letters that processes died over: claimed alone, so that a batch's innocents aren't given up as well."""

from email_campaigns.delivery import claims
from tests.email_campaigns.delivery.world import House


def crash(house: House, taken: claims.Claim) -> None:
    """The process that held these is gone, and its lease has run out."""
    ids = [one.id for one in taken]
    house.do(
        "UPDATE deliveries SET lease_until = planned_at - interval '1 hour' WHERE id = ANY(:ids)", ids=ids
    )
    claims.sweep(house.engine)


def test_after_two_crashes_a_letter_is_claimed_alone(house, clock):
    house.crowd(5)
    house.plan()
    for _time in range(2):
        taken = claims.claim(house.engine, house.transport)
        assert len(taken) == 5
        crash(house, taken)
    house.do("UPDATE deliveries SET attempts = 0 WHERE address LIKE 'person4@%'")
    calm = claims.claim(house.engine, house.transport)
    assert [one.address for one in calm] == ["person4@mail4.example"] and calm.more
    for left in range(4, 0, -1):
        one = claims.claim(house.engine, house.transport)
        assert len(one) == 1 and one.more == (left > 1)
        claims.skip(house.engine, [(one[0], "missing", {})])
    assert not claims.claim(house.engine, house.transport)


def test_one_letter_that_kills_is_given_up_and_all_others_leave(house, clock):
    house.crowd(30)
    house.plan()
    bad, crashes = "person7@mail0.example", 0
    while taken := claims.claim(house.engine, house.transport):
        if bad in [one.address for one in taken]:
            crash(house, taken)
            crashes += 1
        else:
            ids = [one.id for one in taken]
            house.do("UPDATE deliveries SET state = 'accepted' WHERE id = ANY(:ids)", ids=ids)
    assert crashes == claims.CRASHES
    assert house.states() == {"accepted": 29, "failed": 1}
    assert house.reasons()[bad] == "crashed"


def test_a_letter_that_was_only_put_off_is_no_suspect(house, box, send, clock):
    house.crowd(3)
    house.plan()
    box.dot = lambda address: "451 4.3.0 later"
    for _time in range(4):
        send()
        house.do("UPDATE deliveries SET due_at = planned_at")
        house.do("UPDATE transports SET domains = '{}'")
    assert len(claims.claim(house.engine, house.transport)) == 3
