"""One field changed on either side arrives at the other; a conflict waits; what was pushed is no change."""

from foundation import jobs
from foundation.database import transaction
from sync import removal
from sync.directories import conflicts


def first_meeting(world, **both):
    """One customer on both sides, paired."""
    world.shop.customer(1, **both)
    world.ledger.party(1, **both)
    world.pull()
    world.sync()


def test_what_the_hub_learns_is_pushed(world):
    first_meeting(world, phone="+77011112233")
    assert [link.reason for link in world.links()] == ["email"]
    world.shop.customer(1, phone="+77014445566")
    world.pull()
    made = world.plan()
    assert world.fields(made) == [("p1", "phone", "push", "only_here")]
    world.apply(made)
    assert world.ledger.things["counterparties"]["p1"]["phone"] == "+77014445566"
    assert world.overwritten() == [("there", "phone", "+77011112233", "+77014445566", "only_here")]
    world.pull()
    assert world.rows(world.plan()) == []


def test_what_the_ledger_says_anew_stands_on_the_card(world):
    first_meeting(world, name="Old Name")
    world.ledger.party(1, name="New Name")
    world.pull()
    made = world.plan()
    assert world.fields(made) == [("p1", "name", "take", "only_there")]
    world.apply(made)
    assert world.card("New Name")
    assert world.overwritten() == [("here", "name", "Old Name", "New Name", "only_there")]
    assert world.ledger.pushes == []
    world.shop.customer(1, name="Old Name", phone="+77011112233")  # the old name with a newer date
    world.pull()
    assert world.fields(world.plan()) == [("p1", "phone", "push", "empty_there")]
    assert world.card("New Name")


def test_a_field_both_have_changed_waits_alone(world):
    first_meeting(world, email="anna@example.org", phone="+77011112233")
    world.ledger.party(1, email="boris@example.org", phone="+77019990000")
    world.shop.customer(1, email="clara@example.org")
    world.pull()
    made = world.plan()
    assert world.fields(made) == [
        ("p1", "email", "conflict", "both"),
        ("p1", "phone", "push", "owner_here"),  # the shop wins phones on cards
    ]
    world.apply(made)
    assert world.ledger.things["counterparties"]["p1"]["phone"] == "+77011112233"
    assert world.ledger.things["counterparties"]["p1"]["email"] == "boris@example.org"
    with transaction(world.engine) as session:
        [one] = conflicts.waiting(session)
        told = one.base, one.ours, one.theirs, one.ours_from
    assert told == ("anna@example.org", "clara@example.org", "boris@example.org", "My shop")
    world.pull()
    assert world.rows(world.plan()) == []


def test_letter_case_makes_no_other_email(world):
    first_meeting(world, name="Anna Old", email="Anna@example.org", phone="+77011112233")
    world.ledger.party(1, email="ANNA@example.org")
    world.pull()
    assert world.rows(world.plan()) == []
    world.shop.customer(1, name="Anna Old", email="clara@example.org", phone="+77011112233")
    world.pull()
    made = world.plan()
    assert world.fields(made) == [("p1", "email", "push", "only_here")]
    world.apply(made)
    assert world.ledger.things["counterparties"]["p1"]["email"] == "clara@example.org"


def test_emails_that_differ_by_case_are_equal_at_the_first_meeting(world):
    world.shop.customer(1, email="ANNA@example.org", phone="+77011112233")
    world.ledger.party(1, email="anna@example.org", phone="+77011112233")
    world.pull()
    made = world.plan()
    assert ("p1", "email", "agree", "equal") in world.fields(made)
    world.apply(made)
    world.pull()
    assert world.rows(world.plan()) == []


def test_a_connection_that_goes_takes_its_directories_along(world, count):
    first_meeting(world, phone="+77011112233")
    world.ledger.party(1, phone="+77019990000")
    world.pull()
    world.sync()
    with transaction(world.engine) as session:
        removal.start(session, world.there, "anna@example.org", with_data=True)
    jobs.run_until_idle(world.engine)
    assert count("connections") == 1
    assert [count(one) for one in ("directories", "links", "directory_plans", "pushes")] == [0, 0, 0, 0]
    assert count("overwritten") == 1  # what was overwritten and why is never forgotten


def test_a_newer_date_of_the_shop_brings_no_old_value_back(world):
    first_meeting(world, city="Almaty")
    world.ledger.party(1, city="Astana")
    world.pull()
    world.sync()
    assert world.card("Person Number1").city == "Astana"
    world.shop.customer(1, phone="+77011112233")  # the shop has one date for all its fields
    world.pull()
    assert world.card("Person Number1").city == "Astana"
    assert world.fields(world.plan()) == [("p1", "phone", "push", "empty_there")]
    world.shop.customer(1, phone="+77011112233", city="Shymkent")
    world.pull()
    world.sync()
    assert world.card("Person Number1").city == "Shymkent"
    assert world.ledger.things["counterparties"]["p1"]["city"] == "Shymkent"
