"""Work on all cards: golden fields after a policy changed, marks of the day; thin, each calls a function."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from customers import bulk, graph, policy, stats, touched
from foundation.database import GRAPH_LOCK, lock, transaction
from foundation.jobs import Work, beat, job

PORTION = 500  # cards in one transaction, so that nobody waits long for the lock


@job(policy.JOB)
def recompute(work: Work) -> None:
    """Choose the golden fields of every card anew; cards that stay the same keep their rows.

    Where it is stands in the job's own row: a killed worker goes on there, unless the policy is another.
    """
    with transaction(work.engine) as session:
        work.guard(session)
        told = repr(sorted(policy.in_force(session).items()))
        place = dict(work.args)
        if place.get("policy") != told:
            total = session.execute(text("SELECT count(*) FROM customers WHERE live")).scalar_one()
            place = {"policy": told, "after": str(UUID(int=0)), "done": 0, "total": total}
        _keep(session, work, place)
    while place:
        work.checkpoint()
        with transaction(work.engine) as session:
            work.progressed(session)
            lock(session, GRAPH_LOCK)
            query = text("SELECT id FROM customers WHERE live AND id > :after ORDER BY id LIMIT :limit")
            values = {"after": UUID(place["after"]), "limit": PORTION}
            cards = session.execute(query, values).scalars().all()
            touched.touch(session, graph.redraw(session, cards).cards)
            done = {**place, "after": str(cards[-1]), "done": place["done"] + len(cards)} if cards else {}
            _keep(session, work, done)
        place = done


def _keep(session: Session, work: Work, place: Mapping[str, Any]) -> None:
    """Write where a job is; a job that is done starts from nothing the next time."""
    query = text("UPDATE jobs SET args = CAST(:args AS jsonb) WHERE id = :id AND token = :token")
    session.execute(query, {"args": json.dumps(place), "id": work.id, "token": work.token})


@job(bulk.JOB)
def decide(work: Work) -> None:
    """Decide the pairs of a bulk decision, portion by portion."""
    operation_id = UUID(work.args["operation"])
    work.portions(lambda session: bulk.go_on(session, operation_id))


@beat("customers.rfm", every=24 * 3600)
def marks_of_the_day(engine: Engine) -> None:
    """Recency, frequency and money in fifths for all cards, a portion at a time."""
    with transaction(engine) as session:
        ends = stats.cuts(session)
    after: UUID | None = UUID(int=0)
    while after is not None:
        with transaction(engine) as session:
            lock(session, GRAPH_LOCK)  # whoever counts cards anew meanwhile would meet us row by row
            after, _ = stats.mark(session, ends, after, 10 * PORTION)
