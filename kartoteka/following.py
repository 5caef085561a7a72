"""Waits for a run, with a bar; does the work itself where no worker is there to do it."""

import threading
import time
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from foundation import jobs
from foundation.clock import monotonic
from foundation.tables import Operation
from kartoteka.installation import Installation
from kartoteka.terminal import bar
from kartoteka.worker import load_jobs
from sync.runs import UNFINISHED
from sync.tables import LandedHead, Run

PATIENCE = 5.0  # seconds a worker may take to begin before we do the work ourselves
LOOK = 0.2


def read(engine: Engine, run_id: UUID) -> Run:
    """The run as it is now."""
    with Session(engine) as session:
        return session.get_one(Run, run_id)


def resolved(engine: Engine, connection_id: UUID) -> bool:
    """Whether everything that landed from this connection stands on cards."""
    with Session(engine) as session:
        waiting = session.query(LandedHead.landed_id).filter(
            LandedHead.connection_id == connection_id, LandedHead.pending
        )
        return session.query(waiting.exists()).scalar() is False


class Helper:
    """Does what is due in a thread of this process, again and again, until the wait is over."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, name="helper", daemon=True)

    def start(self) -> None:
        """Begin, if it has not begun already."""
        if self.thread.ident is None:
            load_jobs()
            self.thread.start()

    def run(self) -> None:
        """Work, look again: jobs put off for a moment come due while we wait."""
        while not self.over.is_set():
            jobs.run_until_idle(self.engine)
            self.over.wait(LOOK)

    def stop(self) -> None:
        """End after what is being done now."""
        self.over.set()
        if self.thread.ident is not None:
            self.thread.join()


def follow(found: Installation, run_id: UUID, title: str, *, quiet: bool = False) -> Run:
    """The run when it has ended and what it landed stands on cards; Ctrl-C leaves it to the workers."""
    helper = Helper(found.engine)
    if not found.running:
        helper.start()
    began = monotonic()
    try:
        with bar(title, wanted=not quiet) as show:
            while True:
                run = read(found.engine, run_id)
                show(run.read, run.total)
                ended = run.state not in UNFINISHED
                if ended and (run.state != "done" or resolved(found.engine, run.connection_id)):
                    break
                if run.state == "waiting" and monotonic() - began > PATIENCE:
                    helper.start()
                time.sleep(LOOK)
    finally:
        helper.stop()
    return read(found.engine, run_id)


def settled(found: Installation, operation_id: UUID) -> Operation:
    """The operation when neither it nor what it set going is under way; helps where no worker does."""
    helper = Helper(found.engine)
    if not found.running:
        helper.start()
    began = monotonic()
    try:
        while True:
            with Session(found.engine) as session:
                operation = session.get_one(Operation, operation_id)
                pending = session.query(
                    session.query(LandedHead.landed_id).filter(LandedHead.pending).exists()
                )
                if operation.state not in ("running", "undoing") and not pending.scalar():
                    return operation
            if monotonic() - began > PATIENCE:
                helper.start()
            time.sleep(LOOK)
    finally:
        helper.stop()
