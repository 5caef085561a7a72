"""Work on all cards: golden fields after a policy changed, marks of the day; thin, each calls a function."""

from uuid import UUID

from sqlalchemy import Engine, text

from customers import graph, stats, touched
from foundation.database import GRAPH_LOCK, lock, transaction
from foundation.jobs import Work, beat, job

PORTION = 500  # cards in one transaction, so that nobody waits long for the lock


@job("customers.recompute")
def recompute(work: Work) -> None:
    """Choose the golden fields of every card anew; cards that stay the same keep their rows."""
    after = UUID(int=0)
    while True:
        with transaction(work.engine) as session:
            work.guard(session)
            lock(session, GRAPH_LOCK)
            query = text("SELECT id FROM customers WHERE live AND id > :after ORDER BY id LIMIT :limit")
            cards = session.execute(query, {"after": after, "limit": PORTION}).scalars().all()
            if not cards:
                return
            touched.touch(session, graph.redraw(session, cards).cards)
            after = cards[-1]


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
