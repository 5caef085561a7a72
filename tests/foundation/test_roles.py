"""A role has one holder at a time, and who falls silent loses it."""

from datetime import timedelta
from types import ModuleType

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from foundation import roles
from foundation.health import LIMIT
from foundation.tables import Lease


def lease(engine: Engine) -> Lease:
    with Session(engine) as session:
        return session.scalars(select(Lease).where(Lease.name == roles.BEAT)).one()


def test_first_comer_holds_the_role(engine: Engine, clock: ModuleType) -> None:
    assert [roles.take(engine, roles.BEAT, holder) for holder in "abca"] == [True, False, False, True]
    assert (lease(engine).holder, lease(engine).token) == ("a", 1)


def test_holder_keeps_it_by_asking(engine: Engine, clock: ModuleType) -> None:
    for _ in range(10):
        assert roles.take(engine, roles.BEAT, "a")
        clock.advance(timedelta(seconds=LIMIT - 1))
        assert not roles.take(engine, roles.BEAT, "b")
    assert lease(engine).token == 1


def test_renewal_is_written_when_a_third_is_gone(engine: Engine, clock: ModuleType) -> None:
    roles.take(engine, roles.BEAT, "a")
    first = lease(engine).until
    clock.advance(timedelta(seconds=LIMIT / 3 - 1))
    roles.take(engine, roles.BEAT, "a")
    assert lease(engine).until == first
    clock.advance(timedelta(seconds=1))
    roles.take(engine, roles.BEAT, "a")
    assert lease(engine).until == clock.now() + timedelta(seconds=LIMIT)


def test_silent_holder_is_replaced(engine: Engine, clock: ModuleType, session: Session) -> None:
    roles.take(engine, roles.BEAT, "a")
    clock.advance(timedelta(seconds=LIMIT + 1))
    assert roles.silent(session) == [roles.BEAT]
    assert roles.take(engine, roles.BEAT, "b")
    assert not roles.take(engine, roles.BEAT, "a")
    assert (lease(engine).holder, lease(engine).token) == ("b", 2)
    session.rollback()
    assert roles.silent(session) == []


def test_role_given_back_is_free_at_once(engine: Engine, clock: ModuleType) -> None:
    roles.take(engine, roles.BEAT, "a")
    roles.leave(engine, roles.BEAT, "b")
    assert not roles.take(engine, roles.BEAT, "b"), "nobody gives back what another one holds"
    roles.leave(engine, roles.BEAT, "a")
    assert roles.take(engine, roles.BEAT, "b")


def test_long_dead_workers_are_buried_the_beat_is_not(
    engine: Engine, clock: ModuleType, session: Session
) -> None:
    for name in (roles.BEAT, "worker:dead"):
        roles.take(engine, name, "dead")
    clock.advance(timedelta(seconds=roles.BURIED + 1))
    roles.take(engine, "worker:living", "living")
    roles.bury(engine)
    assert list(session.scalars(select(Lease.name).order_by(Lease.name))) == [roles.BEAT, "worker:living"]
