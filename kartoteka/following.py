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


def follow(found: Installation, run_id: UUID, title: str, *, quiet: bool = False) -> Run:
    """The run when it has ended and what it landed stands on cards; Ctrl-C leaves it to the workers."""
    helper = threading.Thread(target=jobs.run_until_idle, args=(found.engine,), daemon=True)
    load_jobs()
    if not found.running:
        helper.start()
    began = monotonic()
    with bar(title, wanted=not quiet) as show:
        while True:
            run = read(found.engine, run_id)
            show(run.read, run.total)
            if run.state not in UNFINISHED and (
                run.state != "done" or resolved(found.engine, run.connection_id)
            ):
                break
            if helper.ident is None and run.state == "waiting" and monotonic() - began > PATIENCE:
                helper.start()
            time.sleep(LOOK)
    if helper.ident is not None:
        helper.join()
    return read(found.engine, run_id)


def settled(found: Installation, operation_id: UUID) -> Operation:
    """The operation when neither it nor what it set going is under way; helps where no worker does."""
    load_jobs()
    if not found.running:
        jobs.run_until_idle(found.engine)
    began, helped = monotonic(), not found.running
    while True:
        with Session(found.engine) as session:
            operation = session.get_one(Operation, operation_id)
            pending = session.query(session.query(LandedHead.landed_id).filter(LandedHead.pending).exists())
            if operation.state not in ("running", "undoing") and not pending.scalar():
                return operation
        if not helped and monotonic() - began > PATIENCE:
            jobs.run_until_idle(found.engine)
            helped = True
        time.sleep(LOOK)
