"""Training as a job: a person asks for it, its progress is in its row, its result a version of the model."""

import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from foundation import context, work
from foundation.clock import monotonic
from foundation.database import transaction
from foundation.errors import Permanent
from foundation.tables import Job
from foundation.work import Work, job
from sync.dedupe import models

JOB = "dedupe.train"
SHOW_EVERY = 1.0  # seconds between two looks of others at how far it is


class Stand(NamedTuple):
    """How far a training is: what is being done, how much of it, of how much."""

    what: str
    done: int
    total: int


def start(session: Session, actor: str) -> int:
    """Have a model trained; one at a time. Answers the job's id."""
    waiting = session.scalar(select(Job.id).where(Job.key == JOB, Job.state.in_(("waiting", "running"))))
    return waiting or work.enqueue(session, JOB, {"actor": actor}, key=JOB)


def going_on(session: Session) -> Stand | None:
    """How far the training under way is; None when there is none. One query."""
    args = session.scalar(select(Job.args).where(Job.key == JOB, Job.state.in_(("waiting", "running"))))
    return None if args is None else _stand(args)


def stand(engine: Engine, job_id: int) -> Stand | None:
    """How far this training is; None when it is done. Permanent with the reason when it failed for good."""
    with Session(engine) as session:
        job = session.get_one(Job, job_id)
        if job.state == "dead":
            raise Permanent(f"the training failed: {job.last_error}")
        return None if job.state == "done" else _stand(job.args)


def _stand(args: Mapping[str, Any]) -> Stand:
    return Stand(str(args.get("what", "")), int(args.get("done", 0)), int(args.get("total", 0)))


@job(JOB)
def train(work: Work) -> None:
    """Read everybody, learn, and keep what was learnt as a new version; a killed one begins anew."""
    training: Any = import_module("sync.dedupe.training")  # numpy and DuckDB: not before somebody trains
    progress = _Progress(work)
    with transaction(work.engine) as session:
        lesson = training.gather(session, progress)
        like = models.current(session)
    trained = training.train(lesson, like, progress, spark=context.current().settings.spark)
    with transaction(work.engine) as session:
        work.guard(session)
        actor = str(work.args.get("actor", "system"))
        models.keep(session, trained.model, "trained", actor, *trained[1:])


class _Progress:
    """Writes now and then into the job's row how far it is, and stops where the worker is to stop."""

    def __init__(self, work: Work) -> None:
        self._work, self._next = work, 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        self._work.checkpoint()
        if monotonic() < self._next:
            return
        self._next = monotonic() + SHOW_EVERY
        args = {**self._work.args, "what": what, "done": done, "total": total}
        query = text("UPDATE jobs SET args = CAST(:args AS jsonb) WHERE id = :id AND token = :token")
        with transaction(self._work.engine) as session:
            self._work.guard(session)
            values = {"args": json.dumps(args), "id": self._work.id, "token": self._work.token}
            session.execute(query, values)
