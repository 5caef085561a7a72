"""Reconciliation: what was missed, changed or vanished is found, named per day and mended."""

import random
from datetime import timedelta

import pytest

from foundation.database import transaction
from foundation.jobs import run_until_idle
from sync import connections, pull, reconcile, webhooks
from sync.tables import Connection, Run
from tests import shops


@pytest.fixture
def reconciled(engine, connection, clock):
    def run(**options):
        clock.advance(timedelta(seconds=1))
        with transaction(engine) as session:
            run_id = reconcile.start(session, connection.id, **options).id
        run_until_idle(engine)
        with transaction(engine) as session:
            return session.get_one(Run, run_id)

    return run


@pytest.fixture
def pulled(engine, connection, clock):
    def run():
        clock.advance(timedelta(seconds=1))
        with transaction(engine) as session:
            pull.start(session, connection.id)
        run_until_idle(engine)

    return run


def test_equal_sides_show_no_gap(shop, pulled, reconciled):
    for number in range(20):
        shop.customer(number)
    shop.order(1, buyer=1)
    pulled()
    run = reconciled()
    customers = run.detail["streams"]["customers"]
    assert run.state == "done"
    assert (customers["there"], customers["here"]) == (20, 20)
    assert (customers["missing"], customers["stale"], customers["extra"]) == (0, 0, 0)


def test_gaps_are_named_per_day_and_mended(shop, pulled, reconciled, count, clock):
    for number in range(10):
        shop.order(number)
    pulled()
    clock.advance(timedelta(days=1))
    shop.order(10)
    shop.order(11)
    shop.put("orders", "o3", state="paid")
    shop.delete("orders", "o5")
    run = reconciled()
    orders = run.detail["streams"]["orders"]
    assert (orders["there"], orders["here"]) == (11, 10)
    assert orders["gaps"] == {"missing": ["o10", "o11"], "stale": ["o3"], "extra": ["o5"]}
    assert [(d["day"], d["there"], d["here"]) for d in orders["days"]] == [
        ("2026-03-02", 9, 10), ("2026-03-03", 2, 0),
    ]  # fmt: skip
    assert orders["repaired"] == 4
    again = reconciled().detail["streams"]["orders"]
    assert (again["there"], again["here"], again["missing"], again["extra"]) == (11, 11, 0, 0)
    assert count("orders", "gone_at IS NULL") == 11
    assert count("sightings") == 0


def test_a_lost_right_does_not_empty_the_hub(shop, pulled, reconciled, count, clock):
    """A key that may no longer see customers looks like a shop without any."""
    for number in range(30):
        shop.customer(number)
    pulled()
    things, shop.objects["customers"] = shop.objects["customers"], {}
    clock.advance(timedelta(seconds=1))
    customers = reconciled().detail["streams"]["customers"]
    assert (customers["extra"], customers["held_back"], customers["repaired"]) == (30, 30, 0)
    assert count("profiles", "gone_at IS NULL") == 30
    assert count("problems", "key LIKE 'vanished:%' AND state = 'open'") == 1
    shop.objects["customers"] = things
    reconciled()
    assert count("problems", "state = 'open'") == 0
    shop.objects["customers"] = {}
    reconciled(accept_loss=True)
    assert count("profiles", "gone_at IS NULL") == 0


def test_looking_only_changes_nothing(shop, reconciled, count):
    shop.customer(1)
    run = reconciled(repair=False)
    assert run.detail["streams"]["customers"]["missing"] == 1
    assert count("landed_heads") == 0


def test_records_that_could_not_be_used_are_named(shop, pulled, reconciled):
    shop.customer(1, unreadable=True)
    pulled()
    unusable = reconciled().detail["streams"]["customers"]["unusable"]
    assert unusable == [{"id": "c1", "error": "/unreadable: it can't be read"}]


def test_an_object_deleted_by_mistake_comes_back(shop, engine, sealer, connection, pulled, reconciled, count):
    shop.customer(1)
    pulled()
    with transaction(engine) as session:
        secret = connections.hook_secrets(sealer, session.get_one(Connection, connection.id))[0]
    webhooks.receive(
        engine, sealer, connection.id, *shops.delivery(secret, "deleted", "customers", {"id": "c1"})
    )
    reconciled()
    assert count("profiles", "gone_at IS NULL") == 1


@pytest.mark.parametrize("seed", range(3))
def test_lost_doubled_shuffled_webhooks_leave_no_gap(
    shop, engine, sealer, connection, reconciled, count, clock, seed
):
    chance = random.Random(seed)
    with transaction(engine) as session:
        secret = connections.hook_secrets(sealer, session.get_one(Connection, connection.id))[0]
    for _ in range(300):
        clock.advance(timedelta(seconds=chance.randrange(1, 20)))
        number = chance.randrange(40)
        match chance.randrange(5):
            case 0:
                shop.customer(number, name=f"Name {chance.randrange(9)}")
            case 1:
                shop.order(number, buyer=chance.choice([None, number]))
            case 2 if f"o{number}" in shop.objects["orders"]:
                shop.put("orders", f"o{number}", state=chance.choice(["paid", "shipped", "cancelled"]))
            case 3:
                shop.delete("customers", f"c{number}")
            case 4:
                shop.delete("orders", f"o{number}")
    for topic, stream, thing in shops.mistreat(shop.outbox, chance):
        found = shops.delivery(secret, topic, stream, thing)
        assert webhooks.receive(engine, sealer, connection.id, *found)[0] == 200
    run_until_idle(engine)
    reconciled(accept_loss=True)
    streams = reconciled().detail["streams"]
    assert all(s["missing"] == s["stale"] == s["extra"] == 0 for s in streams.values())
    assert count("orders", "gone_at IS NULL") == len(shop.objects["orders"])
    assert count("profiles", "kind = 'customer' AND gone_at IS NULL AND landed_id IS NOT NULL") == len(
        shop.objects["customers"]
    )
    assert count("(SELECT source_key FROM timeline GROUP BY source_key HAVING count(*) > 1) t") == 0
