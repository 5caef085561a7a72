"""A worker process for tests to kill and freeze: `python -m tests.foundation.worker_process URL LEASE FILE`.

Its jobs leave marks as rows of `operations`; "test.wait" goes on when FILE exists.
"""

import os
import signal
import sys
import time
from pathlib import Path

from foundation import jobs
from foundation.database import make_engine, transaction
from foundation.tables import Operation
from foundation.work import Work


def mark(one: Work, kind: str) -> None:
    """Leave a mark in a guarded transaction."""
    with transaction(one.engine) as session:
        session.add(Operation(kind=kind, title=f"job {one.id}", actor=str(os.getpid())))
        one.guard(session)


@jobs.job("test.wait")
def wait(one: Work) -> None:
    """Mark, wait for the file, mark again."""
    mark(one, "began")
    while not Path(sys.argv[3]).exists():
        time.sleep(0.01)
    mark(one, "ended")


@jobs.job("test.poison")
def poison(one: Work) -> None:
    """Kill the process that does it."""
    mark(one, "began")
    os.kill(os.getpid(), signal.SIGKILL)


@jobs.job("test.flag")
def flag(one: Work) -> None:
    """Show that the process has come this far."""
    mark(one, "flag")


def main() -> None:
    """Work until killed."""
    worker = jobs.Worker(make_engine(sys.argv[1], pool_size=8), None, 1, lease=float(sys.argv[2]))
    worker.start()
    signal.pause()


if __name__ == "__main__":
    main()
