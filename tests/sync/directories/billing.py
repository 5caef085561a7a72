"""What tests of invoices ask of a world: what stands in the ledger, what is planned, what waits."""

from decimal import Decimal

from sqlalchemy import select

from foundation import jobs
from foundation.database import transaction
from sync.directories import conflicts, decisions, keeping, looking, words
from sync.directories.tables import Directory


def directory(session, what="invoices"):
    """The one directory of a kind."""
    return session.scalars(select(Directory).where(Directory.what == what)).one()


def rule(world, what="invoices", **rules):
    """Set rules of a directory."""
    with transaction(world.engine) as session:
        keeping.change(session, directory(session, what), **rules)


def made_there(world):
    """Invoices there: buyer, order, total, state."""
    return [
        (one["customer"], one["order"], Decimal(one["total"]), one["state"])
        for one in world.ledger.things["invoices"].values()
    ]


def told(world, made=None):
    """What a plan says, line by line."""
    return [line for row in world.rows(made or world.plan()) for line in words.lines(row.detail)]


def only_here(world):
    """Orders without an invoice, each with what it waits for."""
    with transaction(world.engine) as session:
        rows, _following = looking.look(session, directory(session), "only_here")
    return [(one.title, [why[0] for why in one.waits]) for one in rows]


def waiting(world):
    """Conflicts that wait."""
    with transaction(world.engine) as session:
        return [(one.field, one.base, one.ours, one.theirs, one.reason) for one in conflicts.waiting(session)]


def decide(world, side):
    """Decide all that waits."""
    with transaction(world.engine) as session:
        ids = [one.id for one in conflicts.waiting(session)]
        done = decisions.decide(session, ids, side, "anna")
    jobs.run_until_idle(world.engine)
    return done
