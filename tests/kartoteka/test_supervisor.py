"""The supervisor starts its children again when they die, slower if they die at once, and stops them."""

import subprocess
import sys
import threading
import time

import pytest

from foundation.clock import monotonic
from kartoteka import supervisor
from kartoteka.supervisor import Child, Supervisor
from tests.kartoteka.processes import gone


class Sleeper(Child):
    """A child that sleeps (or ends at once) instead of being `kartoteka`."""

    @property
    def command(self):
        return [sys.executable, "-c", *self.arguments]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(supervisor, "PATIENCE", 3.0)


def test_died_child_is_started_again():
    child = Sleeper("sleeper", ["import time; time.sleep(60)"], pause=0.01)
    child.start()
    first = child.process.pid
    child.process.kill()
    child.process.wait()
    deadline = monotonic() + 10
    while (child.process.poll() is not None) and monotonic() < deadline:
        child.look()
        time.sleep(0.01)
    assert child.process.pid != first
    child.process.kill()
    child.stop(monotonic() + 5)


def test_child_that_dies_at_once_waits_longer_each_time():
    child = Sleeper("doomed", ["raise SystemExit(3)"])
    child.start()
    child.process.wait()
    pauses = []
    for _ in range(8):
        child.look()
        pauses.append(child.pause)
        child.start()
        child.process.wait()
    assert pauses == sorted(pauses)
    assert pauses[-1] == supervisor.LONGEST_PAUSE
    child.stop(monotonic())


def test_stubborn_child_is_stopped_by_force(tmp_path):
    mark = str(tmp_path)
    code = f"import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)  # {mark}"
    child = Sleeper("stubborn", [code])
    child.start()
    one = Supervisor([child])
    one.stop()
    assert not gone(mark, seconds=5)


def test_failure_after_the_start_ends_everything(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor.signal, "signal", lambda *_: None)  # pytest's own handlers stay
    mark = str(tmp_path)
    one = Supervisor([Sleeper("sleeper", [f"import time; time.sleep(60)  # {mark}"])])

    def fail():
        raise LookupError("the shop is not there")

    with pytest.raises(LookupError):
        one.run(then=fail)
    assert not gone(mark, seconds=5)


def test_unhealthy_servers_end_everything(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor.signal, "signal", lambda *_: None)
    mark = str(tmp_path)
    Supervisor([Sleeper("sleeper", [f"import time; time.sleep(60)  # {mark}"])]).run(healthy=lambda: False)
    assert not gone(mark, seconds=5)
    assert threading.active_count() < 50


SIGNALLED = """
import signal
from kartoteka.supervisor import Ending

ending, came = Ending(), 0
signal.signal(signal.SIGALRM, ending.ask)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
while came < 3000:
    came += ending.asked(0.0001)
signal.setitimer(signal.ITIMER_REAL, 0)
"""


def test_the_wish_to_end_may_come_at_any_moment():
    """Even between two steps of the wait for it: a lock there would be waited for by whoever holds it."""
    subprocess.run([sys.executable, "-c", SIGNALLED], check=True, timeout=60)
