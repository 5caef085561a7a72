"""Worker processes that are killed or frozen in the middle: work goes on elsewhere and is written once."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from foundation import jobs, outcomes, running
from foundation.database import transaction
from foundation.tables import Job, Operation, Problem
from foundation.work import Work
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
LEASE = 0.5  # seconds instead of thirty


@jobs.job("test.wait")
def _take_over(one: Work) -> None:
    """Our own version of the other process's job: no waiting."""
    with transaction(one.engine) as session:
        one.guard(session)
        session.add(Operation(kind="ended", title=f"job {one.id}", actor=str(os.getpid())))


class Processes:
    """Starts worker processes and ends them all."""

    def __init__(self, database_url: str, signal_file: Path) -> None:
        self.go = signal_file
        self._database_url = database_url
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self) -> "subprocess.Popen[bytes]":
        """A worker process with one thread."""
        command = [sys.executable, "-m", "tests.foundation.worker_process", self._database_url, str(LEASE)]
        self._started.append(subprocess.Popen([*command, str(self.go)], cwd=ROOT, stdout=subprocess.DEVNULL))
        return self._started[-1]

    def end(self) -> None:
        """Kill what is left."""
        for process in self._started:
            process.kill()
            process.wait(10)


@pytest.fixture
def processes(engine: Engine, tmp_path: Path) -> Iterator[Processes]:
    made = Processes(engine.url.render_as_string(hide_password=False), tmp_path / "go")
    yield made
    made.end()


def enqueue(engine: Engine, kind: str) -> None:
    with transaction(engine) as session:
        jobs.enqueue(session, kind)


def marks(engine: Engine, kind: str) -> list[str]:
    with Session(engine) as session:
        return list(session.scalars(select(Operation.actor).where(Operation.kind == kind)))


def state(engine: Engine) -> str:
    with Session(engine) as session:
        return session.scalars(select(Job.state).where(Job.kind != "test.flag")).one()


def test_killed_job_runs_again_after_its_lease(engine: Engine, processes: Processes) -> None:
    enqueue(engine, "test.wait")
    first = processes.start()
    eventually(lambda: marks(engine, "began"), 20)
    first.send_signal(signal.SIGKILL)
    first.wait(10)
    assert state(engine) == "running", "nobody knows yet"
    assert eventually(lambda: outcomes.sweep(engine), 5) == 1
    assert running.run_until_idle(engine) == 1
    assert state(engine) == "done"
    assert marks(engine, "ended") == [str(os.getpid())]


def test_living_process_keeps_its_job(engine: Engine, processes: Processes) -> None:
    enqueue(engine, "test.wait")
    process = processes.start()
    eventually(lambda: marks(engine, "began"), 20)
    with Session(engine) as session:
        first = session.scalars(select(Job.lease_until)).one()
    eventually(lambda: _lease(engine) > first)
    assert outcomes.sweep(engine) == 0
    processes.go.touch()
    eventually(lambda: state(engine) == "done")
    assert marks(engine, "ended") == [str(process.pid)]


def test_frozen_process_can_not_write_afterwards(engine: Engine, processes: Processes) -> None:
    enqueue(engine, "test.wait")
    zombie = processes.start()
    eventually(lambda: marks(engine, "began"), 20)
    zombie.send_signal(signal.SIGSTOP)
    assert eventually(lambda: outcomes.sweep(engine), 5) == 1
    assert running.run_until_idle(engine) == 1
    processes.go.touch()
    enqueue(engine, "test.flag")
    zombie.send_signal(signal.SIGCONT)
    assert eventually(lambda: marks(engine, "flag"), 20) == [str(zombie.pid)], (
        "its thread is past the old job"
    )
    assert marks(engine, "ended") == [str(os.getpid())], "once, and by the one who held the lease"
    assert state(engine) == "done"


def test_poison_job_kills_five_processes_and_no_more(engine: Engine, processes: Processes) -> None:
    enqueue(engine, "test.poison")
    for count in range(1, outcomes.MAX_CRASHES + 1):
        process = processes.start()
        assert process.wait(30) == -signal.SIGKILL
        assert len(marks(engine, "began")) == count
        eventually(lambda: outcomes.sweep(engine), 5)
    assert state(engine) == "dead"
    with Session(engine) as session:
        assert "died in the middle 5 times" in session.scalars(select(Problem.message)).one()


def _lease(engine: Engine) -> object:
    with Session(engine) as session:
        return session.scalars(select(Job.lease_until)).one()
