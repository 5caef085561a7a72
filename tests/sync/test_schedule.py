"""The schedule: what is due starts, once, with jitter; silence and idle hooks are noticed."""

from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from foundation.database import transaction
from foundation.errors import BadInput
from foundation.jobs import run_until_idle
from sync import connections, health, pull, schedule
from sync.tables import Connection


@pytest.fixture
def hold(engine, connection):
    """Change the connection."""

    def change(**fields):
        with transaction(engine) as session:
            found = session.get_one(Connection, connection.id)
            for name, value in fields.items():
                setattr(found, name, value)

    return change


def test_new_connection_is_pulled_at_once(clock, engine, connection, count):
    schedule.schedule(engine)
    assert count("sync_runs", "kind = 'pull'") == 1
    with transaction(engine) as session:
        wait = session.get_one(Connection, connection.id).next_pull_at - clock.now()
    assert timedelta(seconds=810) <= wait <= timedelta(seconds=990)


def test_what_is_not_due_waits(clock, engine, connection, count):
    schedule.schedule(engine)
    run_until_idle(engine)
    clock.advance(timedelta(minutes=5))
    schedule.schedule(engine)
    assert count("sync_runs") == 1
    clock.advance(timedelta(minutes=15))
    schedule.schedule(engine)
    assert count("sync_runs") == 2


def test_paused_connections_rest(engine, connection, hold, count):
    hold(state="paused")
    schedule.schedule(engine)
    assert count("sync_runs") == 0


def test_new_connection_is_reconciled_within_the_hour(engine, connection, clock, count):
    clock.advance(timedelta(days=365))
    schedule.schedule(engine)
    assert count("sync_runs", "kind = 'reconcile'") == 1


def test_resuming_a_file_connection_pulls_nothing(engine, sealer, connection, hold, count):
    hold(next_pull_at=None)
    with transaction(engine) as session:
        book = connections.create(session, sealer, "spreadsheet", "Book", {})
        connections.pause(session, book)
        connections.resume(session, book)
    schedule.schedule(engine)
    assert count("sync_runs") == 0


def test_paused_connection_is_not_pulled_by_hand(engine, connection, hold):
    hold(state="paused", paused_why="stock-taking")
    with transaction(engine) as session, pytest.raises(BadInput, match="stock-taking"):
        pull.start(session, connection.id)


def test_reconciliation_comes_daily(engine, connection, hold, clock, count):
    hold(next_pull_at=None, next_reconcile_at=clock.now())
    schedule.schedule(engine)
    schedule.schedule(engine)
    assert count("sync_runs", "kind = 'reconcile'") == 1


def test_switched_off_hooks_are_mended(engine, sealer, connection, hold, clock, count):
    with transaction(engine) as session:
        connections.change(session, sealer, session.get_one(Connection, connection.id), {"key": "lazy"})
    hold(next_pull_at=None, next_tend_at=clock.now())
    schedule.schedule(engine)
    run_until_idle(engine)
    assert count("problems", "message LIKE '%order.updated%' AND state = 'open'") == 1


def test_schedule_has_bounds(engine, connection):
    with transaction(engine) as session:
        found = session.get_one(Connection, connection.id)
        schedule.set_schedule(session, found, 1)
        assert found.every_seconds == 60


def test_silent_hooks_raise_one_alarm(engine, connection, hold, clock, count):
    hold(next_pull_at=None, last_hook_at=clock.now(), hook_gap=60.0)
    clock.advance(timedelta(minutes=50))
    schedule.schedule(engine)
    assert count("problems") == 0
    clock.advance(timedelta(minutes=20))
    schedule.schedule(engine)
    schedule.schedule(engine)
    assert count("problems", "subject = 'webhooks of My shop have stopped' AND times = 1") == 1
    hold(last_hook_at=clock.now())
    schedule.schedule(engine)
    assert count("problems", "state = 'solved'") == 1


def read_one(engine):
    with transaction(engine) as session:
        [found] = health.read(session)
    return found


def test_health_of_a_good_connection(engine, shop, connection, clock):
    shop.customer(1)
    with transaction(engine) as session:
        pull.start(session, connection.id)
    run_until_idle(engine)
    clock.advance(timedelta(seconds=40))
    found = read_one(engine)
    assert (found.light, found.lag, found.error_rate, found.waiting, found.problems) == ("green", 40, 0, 0, 0)


def test_health_of_a_failing_connection(engine, shop, connection, hold):
    hold(failures=1, last_error="the shop is away")
    assert read_one(engine).light == "yellow"
    hold(failures=3)
    assert (read_one(engine).light, read_one(engine).words) == ("red", "the shop is away")


def test_health_counts_what_waits(engine, shop, connection, count):
    shop.customer(1, unreadable=True)
    shop.customer(2)
    with transaction(engine) as session:
        pull.start(session, connection.id)
    run_until_idle(engine)
    found = read_one(engine)
    assert (found.problems, found.light) == (1, "yellow")


def test_health_asks_once_for_any_number(engine, sealer, connection):
    with transaction(engine) as session:
        for number in range(5):
            connections.create(session, sealer, "fake", f"Shop {number}", {})
    asked = []
    with engine.connect() as db:
        event.listen(db, "before_cursor_execute", lambda *args: asked.append(args[2]))
        assert len(health.read(Session(db))) == 6
    assert len(asked) == 2
