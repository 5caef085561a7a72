"""Time from one place."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from types import ModuleType

import pytest

from foundation import clock as clock_module


def test_time_is_utc_and_goes_on() -> None:
    before = clock_module.now()
    assert before.tzinfo is UTC
    assert clock_module.now() >= before


def test_held_clock_stands_still(clock: ModuleType) -> None:
    at = clock.now()
    assert clock.now() == at
    clock.advance(timedelta(days=1))
    assert clock.now() == at + timedelta(days=1)


def test_hold_ends_with_its_block() -> None:
    at = datetime(2024, 2, 29, 12, tzinfo=timezone(timedelta(hours=5)))
    with clock_module.hold(at):
        assert clock_module.now() == at
        assert clock_module.now().tzinfo is UTC
    assert clock_module.now().year > 2024


def test_running_clock_can_not_be_moved() -> None:
    with pytest.raises(RuntimeError, match="not held"):
        clock_module.advance(timedelta(seconds=1))


def test_ids_sort_by_time_and_do_not_repeat(clock: ModuleType) -> None:
    first = clock_module.new_id()
    clock.advance(timedelta(milliseconds=1))
    second = clock_module.new_id()
    assert first < second
    assert (first.version, first.variant) == (7, "specified in RFC 4122")
    assert len({clock_module.new_id() for _ in range(1000)}) == 1000


def test_a_sandbox_is_of_its_thread_alone(clock: ModuleType) -> None:
    real, seen = clock.now(), []
    then = real - timedelta(days=30)
    with clock_module.sandbox(then):
        thread = threading.Thread(target=lambda: seen.append(clock_module.now()))
        thread.start()
        thread.join()
        assert clock_module.now() == then
        clock_module.go_to(then + timedelta(hours=1))
        assert clock_module.now() == then + timedelta(hours=1)
    assert seen == [real]
    assert clock_module.now() == real
    with pytest.raises(RuntimeError, match="sandbox"):
        clock_module.go_to(then)
