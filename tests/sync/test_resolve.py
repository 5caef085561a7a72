"""Resolving: landed versions become cards, bad records stand aside, crashes are counted, zombies fenced."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from connectors.base import Raw
from customers import store
from foundation import clock, problems
from foundation.database import transaction
from foundation.tables import Problem
from sync import claims, resolve
from sync import problems as sync_problems
from sync.landing import land
from tests import shops


@pytest.fixture
def put(engine, connection, shop):
    """Land what the shop has."""

    def land_all(*streams):
        with transaction(engine) as session:
            for stream in streams or ("customers", "orders", "products"):
                raws = [shops._raw(thing) for thing in shop.objects[stream].values()]
                land(session, connection.id, stream, raws, "pull", read_at=clock.now())

    return land_all


@pytest.fixture
def resolved(engine):
    def run():
        turns = 0
        while resolve.resolve(engine):
            turns += 1
        return turns

    return run


def test_landed_orders_reach_their_cards(shop, put, resolved, count):
    shop.customer(1)
    shop.order(1, buyer=1)
    shop.order(2)
    put()
    assert resolved() == 1
    assert count("customers", "live") == 2
    assert count("orders", "customer_id IS NOT NULL") == 2
    assert count("landed_heads", "pending") == 0


def test_order_before_its_customer_is_right(shop, put, resolved, count):
    shop.customer(1)
    shop.order(1, buyer=1)
    put("orders")
    resolved()
    put("customers")
    resolved()
    assert count("customers", "live") == 1
    assert count("customers", "live AND email = 'person1@example.org'") == 1
    assert count("profiles") == 1


def test_a_deletion_marks_the_profile(shop, put, resolved, engine, connection, count):
    shop.customer(1)
    put()
    resolved()
    with transaction(engine) as session:
        land(session, connection.id, "customers", [Raw("c1", "", gone=True)], "webhook")
    resolved()
    assert count("profiles", "gone_at IS NOT NULL") == 1


def test_unreadable_record_stands_aside(shop, put, resolved, count):
    for number in range(20):
        shop.customer(number)
    shop.customer(7, unreadable=True)
    put()
    resolved()
    assert count("profiles") == 19
    assert count("problems", "subject = 'customers c7' AND message LIKE '%can''t be read%'") == 1


def test_record_that_breaks_the_store_stands_aside(shop, put, resolved, count, monkeypatch):
    honest = store.apply

    def apply(session, source_id, items, **rest):
        for item in items:
            if any(getattr(record, "name", "") == "Person Number7" for record in item.records):
                raise ZeroDivisionError("seven")
        return honest(session, source_id, items)

    monkeypatch.setattr(store, "apply", apply)
    for number in range(20):
        shop.customer(number)
    put()
    resolved()
    assert count("profiles") == 19
    assert count("problems", "message LIKE '%ZeroDivisionError: seven%'") == 1


def test_database_fault_rejects_nobody_else(shop, put, resolved, count, monkeypatch):
    honest = store.apply

    def apply(session, source_id, items, **rest):
        outcome = honest(session, source_id, items)
        if any(getattr(r, "name", "") == "Person Number7" for item in items for r in item.records):
            session.execute(text("SELECT 1/0"))
        return outcome

    monkeypatch.setattr(store, "apply", apply)
    for number in range(9):
        shop.customer(number)
    put()
    resolved()
    assert count("profiles") == 8
    assert count("landed_heads", "pending") == 0


def test_retry_solves_the_problem(shop, put, resolved, engine, count):
    shop.customer(1)
    shops.FakeConnector.poison = staticmethod(lambda thing: 1 / 0)
    put()
    resolved()
    shops.FakeConnector.poison = None
    with transaction(engine) as session:
        [problem] = sync_problems.page(session)
        problems.retry(session, problem.id)
    assert count("problems", "state = 'retrying'") == 1
    resolved()
    assert count("problems", "state = 'solved'") == 1
    assert count("profiles") == 1


def test_retry_of_what_still_fails_reopens(shop, put, resolved, engine, connection, count):
    shop.customer(1, unreadable=True)
    put()
    resolved()
    with transaction(engine) as session:
        assert sync_problems.retry_all(session, connection.id) == 1
    resolved()
    assert count("problems", "state = 'open' AND times = 2") == 1


def test_a_newer_version_solves_the_problem(shop, put, resolved, count, clock):
    shop.customer(1, unreadable=True)
    put()
    resolved()
    del shop.objects["customers"]["c1"]["unreadable"]
    clock.advance(timedelta(minutes=1))
    shop.customer(1)
    put()
    resolved()
    assert count("problems", "state = 'solved'") == 1


def test_problems_page_by_keyset(shop, put, resolved, engine, clock):
    for number in range(7):
        shop.customer(number, unreadable=True)
        put()
        resolved()
        clock.advance(timedelta(seconds=1))
    with transaction(engine) as session:
        first = sync_problems.page(session, limit=4)
        rest = sync_problems.page(session, limit=4, before=first[-1].id)
        assert len({p.id for p in first + rest}) == session.query(Problem).count() == 7


@pytest.fixture
def die(engine):
    """Take a claim and die with it in hand; the next claim comes after the lease."""

    def once(clock):
        assert claims.take(engine) is not None
        clock.advance(claims.LEASE + timedelta(seconds=1))

    return once


def test_one_worker_per_connection(shop, put, engine):
    shop.customer(1)
    put()
    assert claims.take(engine) is not None
    assert claims.take(engine) is None


def test_workers_share_the_backlog_of_a_connection(shop, put, engine, monkeypatch):
    monkeypatch.setattr(claims, "BATCH", 3)
    for number in range(7):
        shop.customer(number)
    put()
    shares = [claims.take(engine) for _ in range(4)]
    assert [len(share.landed_ids) for share in shares[:3]] == [3, 3, 1]
    assert shares[3] is None
    assert len({one for share in shares[:3] for one in share.landed_ids}) == 7


def test_no_more_workers_than_slots(shop, put, engine, monkeypatch):
    monkeypatch.setattr(claims, "BATCH", 1)
    for number in range(9):
        shop.customer(number)
    put()
    taken = [claims.take(engine) for _ in range(claims.SLOTS + 1)]
    assert [claim is None for claim in taken] == [False] * claims.SLOTS + [True]


def test_newer_version_waits_for_the_older_in_other_hands(shop, put, engine, count, clock, monkeypatch):
    """Else the older one could be written after it."""
    monkeypatch.setattr(claims, "BATCH", 2)
    for number in range(2):
        shop.customer(number)
    put()
    older = claims.take(engine)
    clock.advance(timedelta(seconds=1))
    shop.customer(1, name="Anna Newer")
    put()
    assert claims.take(engine) is None
    resolve._work(engine, older)
    while resolve.resolve(engine):
        pass
    assert count("customers", "name = 'Anna Newer'") == 1
    assert count("landed_heads", "pending") == 0


def test_fenced_claims_write_nothing(shop, put, engine, monkeypatch, count):
    monkeypatch.setattr(claims, "BATCH", 1)
    for number in range(2):
        shop.customer(number)
    put()
    taken = [claims.take(engine) for _ in range(2)]
    with transaction(engine) as session:
        claims.fence(session, taken[0].connection_id)
    for claim in taken:
        with pytest.raises(claims.LostClaim):
            resolve._work(engine, claim)
    assert count("profiles") == 0


def test_expired_claim_counts_a_crash(shop, put, engine, die, count, clock):
    for number in range(300):
        shop.customer(number)
    put()
    die(clock)
    assert len(claims.take(engine).landed_ids) == 200
    assert count("landed_heads", "crashes = 1") == 300


def test_the_killer_is_found_and_set_aside(shop, put, engine, count, clock):
    """A record that kills the process is set aside at last, and the others all get through."""
    for number in range(300):
        shop.customer(number)
    killer = "c123"
    put()
    deaths = 0
    while True:
        with engine.connect() as db:
            victims = db.execute(
                text("SELECT landed_id FROM landed_heads WHERE external_id = :id"), {"id": killer}
            ).scalars().all()  # fmt: skip
        claim = claims.take(engine)
        if claim is None:
            break
        if set(victims) & set(claim.landed_ids) and count(
            "landed_heads", f"external_id='{killer}' AND pending"
        ):
            deaths += 1
            clock.advance(claims.LEASE + timedelta(seconds=1))
            continue
        resolve._work(engine, claim)
    assert deaths == claims.MOST_CRASHES
    assert count("profiles") == 299
    assert (
        count(
            "problems",
            f"subject = 'customers {killer}' AND message LIKE '%died 5 times%alone%'",
        )
        == 1
    )


def test_a_frozen_worker_writes_nothing(shop, put, engine, count, clock):
    shop.customer(1)
    put()
    frozen = claims.take(engine)
    clock.advance(claims.LEASE + timedelta(seconds=1))
    other = claims.take(engine)
    resolve._work(engine, other)
    before = count("profiles"), count("timeline")
    with pytest.raises(claims.LostClaim), transaction(engine) as session:
        claims.hold(session, frozen)
    resolve._work(engine, frozen)
    assert (count("profiles"), count("timeline")) == before


def test_version_that_lands_meanwhile_stays_pending(shop, put, engine, count, clock):
    shop.customer(1)
    put()
    claim = claims.take(engine)
    clock.advance(timedelta(seconds=1))
    shop.customer(1, name="Anna Newer")
    put()
    resolve._work(engine, claim)
    assert count("landed_heads", "pending") == 1
    resolve.resolve(engine)
    assert count("customers", "name = 'Anna Newer'") == 1


def test_database_away_gives_the_claim_back(shop, put, engine, monkeypatch, count):
    shop.customer(1)
    put()

    def away(*_, **__):
        raise OperationalError("x", {}, Exception("server closed the connection"))

    monkeypatch.setattr(store, "apply", away)
    with pytest.raises(OperationalError):
        resolve.resolve(engine)
    assert count("landed_heads", "pending AND crashes = 0") == 1
    assert count("problems") == 0
    monkeypatch.undo()
    assert resolve.resolve(engine)
    assert count("profiles") == 1
