"""Landed records to look at, and a stream resolved again."""

from connectors.base import raw_json
from foundation import clock
from foundation.database import transaction
from sync import resolve, samples
from sync.landing import land
from tests import shops


def put(engine, connection, *ids):
    with transaction(engine) as session:
        raws = [raw_json(one, {"id": one}) for one in ids]
        land(session, connection.id, "products", raws, "pull", read_at=clock.now())


def test_records_come_one_after_another_and_round(engine, connection):
    put(engine, connection, "b", "a", "c")
    with transaction(engine) as session:
        seen, after = [], ""
        for _ in range(4):
            raw = samples.following(session, connection.id, "products", after)
            seen.append(after := raw.external_id)
        assert seen == ["a", "b", "c", "a"]
        assert samples.one(session, connection.id, "products", "b").payload == '{"id":"b"}'
        assert samples.one(session, connection.id, "products", "x") is None
        assert samples.following(session, connection.id, "orders") is None


def test_a_stream_is_resolved_again(engine, connection, shop, count):
    shop.customer(1)
    with transaction(engine) as session:
        raws = [shops._raw(thing) for thing in shop.objects["customers"].values()]
        land(session, connection.id, "customers", raws, "pull", read_at=clock.now())
    while resolve.resolve(engine):
        pass
    assert count("landed_heads", "pending") == 0
    with transaction(engine) as session:
        assert samples.resolve_again(session, connection.id, "customers") == 1
        assert samples.resolve_again(session, connection.id, "orders") == 0
    assert count("landed_heads", "pending") == 1
    while resolve.resolve(engine):
        pass
    assert count("landed_heads", "pending") == 0 and count("profiles") == 1
