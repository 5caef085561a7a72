"""Landing: repeats cost nothing, any order of deliveries ends in the same state."""

import itertools
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from connectors.base import Raw
from foundation.database import transaction
from sync.landing import Landed, land

HERE = UUID("0192f0c0-0000-7000-8000-000000000001")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def version(content, minute=None, external_id="1"):
    at = NOON + timedelta(minutes=minute) if minute is not None else None
    return Raw(external_id, content, at)


@pytest.fixture
def put(engine):
    def put_in(*raws, via="webhook", **options):
        with transaction(engine) as session:
            return land(session, HERE, "orders", raws, via, **options)

    return put_in


@pytest.fixture
def in_force(engine):
    def read(external_id="1"):
        with engine.connect() as db:
            row = db.execute(
                text(
                    "SELECT r.payload, h.gone FROM landed_heads h JOIN landed_records r ON r.id = h.landed_id"
                    " WHERE h.external_id = :id"
                ),
                {"id": external_id},
            ).one_or_none()
        return None if row is None else "(gone)" if row.gone else row.payload

    return read


def test_new_records_are_pending(put, count):
    assert put(version("a"), version("b", external_id="2")) == Landed(read=2, new=2)
    assert count("landed_heads", "pending") == 2


def test_repeats_change_no_row(put, count, engine):
    put(version("a", 1))
    with engine.begin() as db:
        db.execute(text("UPDATE landed_heads SET pending = false"))
        before = db.execute(text("SELECT xmin::text, * FROM landed_heads")).all()
    assert put(version("a", 1)) == Landed(read=1, same=1)
    with engine.connect() as db:
        assert db.execute(text("SELECT xmin::text, * FROM landed_heads")).all() == before
    assert count("landed_records") == 1


def test_newer_version_takes_over(put, in_force):
    put(version("a", 1))
    assert put(version("b", 2)) == Landed(read=1, changed=1)
    assert in_force() == "b"


def test_older_version_is_kept_but_not_in_force(put, in_force, count):
    put(version("b", 2))
    assert put(version("a", 1)) == Landed(read=1, same=1)
    assert in_force() == "b"
    assert count("landed_records") == 2


def test_going_back_is_a_change(put, in_force, count):
    for step, content in enumerate("aba"):
        put(version(content, step))
    assert in_force() == "a"
    assert count("landed_records") == 2


def test_going_back_without_times_follows_reads(put, in_force, clock):
    for content in "aba":
        clock.advance(timedelta(minutes=1))
        put(version(content), via="pull", read_at=clock.now())
    assert in_force() == "a"


def test_webhook_repeat_without_times_is_ignored(put, in_force):
    put(version("a"))
    put(version("b"))
    put(version("a"))
    assert in_force() == "b"


def test_equal_time_new_content_wins(put, in_force):
    put(version("a", 1))
    put(version("b", 1))
    assert in_force() == "b"


def test_page_read_before_a_change_does_not_undo_it(put, in_force, clock):
    put(version("a", 1), via="pull", read_at=clock.now())
    asked = clock.now()
    clock.advance(timedelta(seconds=1))
    put(version("b", 1))
    put(version("a", 1), via="pull", read_at=asked)
    assert in_force() == "b"


@pytest.mark.parametrize("order", [*itertools.permutations(range(4))])
def test_every_order_ends_the_same(put, in_force, order):
    history = [version("a", 1), version("b", 2), version("a", 3), version("c", 4)]
    for index in order:
        put(history[index])
    assert in_force() == "c"


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
def test_same_content_again_keeps_what_lies_between_old(put, in_force, order):
    history = [version("a", 1), version("b", 2), version("a", 3)]
    for index in order:
        put(history[index])
    assert in_force() == "a"


def test_doubles_in_one_page_are_one(put, count, in_force):
    assert put(version("a", 1), version("b", 2), version("a", 1)) == Landed(read=3, new=1, same=2)
    assert count("landed_records") == 2
    assert in_force() == "b"


def test_deletion_is_a_tombstone(put, in_force):
    put(version("a", 1))
    assert put(Raw("1", "", gone=True)) == Landed(read=1, changed=1)
    assert in_force() == "(gone)"


def test_late_creation_does_not_revive(put, in_force):
    put(Raw("1", "", gone=True))
    put(version("a", 1))
    assert in_force() == "(gone)"


def test_creation_after_deletion_revives(put, in_force, clock):
    put(Raw("1", "", gone=True))
    later = clock.now() + timedelta(minutes=1)
    put(Raw("1", "again", later))
    assert in_force() == "again"


def test_reading_it_later_revives(put, in_force, clock):
    put(version("a", 1))
    put(Raw("1", "", gone=True))
    clock.advance(timedelta(seconds=1))
    put(version("a", 1), via="reconcile", read_at=clock.now())
    assert in_force() == "a"


def test_page_read_before_the_deletion_does_not_revive(put, in_force, clock):
    asked = clock.now()
    clock.advance(timedelta(seconds=1))
    put(version("a", 1))
    put(Raw("1", "", gone=True))
    put(version("a", 1), via="pull", read_at=asked)
    assert in_force() == "(gone)"


@pytest.mark.parametrize("external_id", ["", "x" * 501, "a\0b", "a\ud800"])
def test_unusable_ids_become_problems(put, count, external_id):
    assert put(Raw(external_id, "{}"), version("a")) == Landed(read=2, new=1, bad=1)
    assert count("problems") == 1


def test_nul_and_surrogates_are_storable(put, in_force):
    put(Raw("1", "x\0y\ud800"))
    assert in_force() == "x\ufffdy?"


def test_operation_remembers_what_it_replaced(put, engine):
    put(version("a", 1))
    operation = UUID(int=7)
    put(version("b", 2), version("new", external_id="2"), via="import", operation_id=operation)
    put(version("c", 3), via="import", operation_id=operation)
    with engine.connect() as db:
        rows = db.execute(
            text(
                "SELECT m.external_id, b.payload, a.payload FROM head_moves m JOIN landed_records a"
                " ON a.id = m.after_id LEFT JOIN landed_records b ON b.id = m.before_id ORDER BY 1"
            )
        ).all()
    assert [tuple(row) for row in rows] == [("1", "a", "c"), ("2", None, "new")]


@pytest.mark.parametrize("seed", range(3))
def test_a_shuffled_history_with_repeats_ends_in_order(put, engine, seed):
    chance = random.Random(seed)
    history = [version(f"v{chance.randrange(4)}", n, f"o{chance.randrange(40)}") for n in range(1000)]
    deliveries = history + [one for one in history if chance.random() < 0.3]
    chance.shuffle(deliveries)
    while deliveries:
        size = chance.randrange(1, 60)
        put(*deliveries[:size], via=chance.choice(["webhook", "pull"]), read_at=None)
        del deliveries[:size]
    query = "SELECT h.external_id, r.payload FROM landed_heads h JOIN landed_records r ON r.id = landed_id"
    with engine.connect() as db:
        rows = db.execute(text(query)).all()
    assert dict(map(tuple, rows)) == {one.external_id: one.payload for one in history}
