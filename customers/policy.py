"""Field policies: which source wins a golden field, who decided so, and taking it back.

A decision is a row that is never changed, only ended by its undo; the newest row in force counts. So policies
may be undone in any order. A job computes the cards anew.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from customers.golden import DEFAULTS, GOVERNED
from customers.tables import FieldPolicy, Source
from foundation import operations, work
from foundation.clock import now
from foundation.errors import BadInput
from foundation.tables import Operation

ROLES = ("accounting", "shop", "site", "mailbox", "file")


def in_force(session: Session) -> dict[str, list[str]]:
    """Every governed field with its order: roles or source ids, best first; empty means the newest wins."""
    query = (
        select(FieldPolicy.field, FieldPolicy.order)
        .where(FieldPolicy.until.is_(None))
        .ext(distinct_on(FieldPolicy.field))
        .order_by(FieldPolicy.field, FieldPolicy.id.desc())
    )
    decided = {field: list(order) for field, order in session.execute(query)}
    return {field: decided.get(field, list(DEFAULTS.get(field, ()))) for field in GOVERNED}


def set_policy(session: Session, field: str, order: Sequence[str], actor: str) -> Operation:
    """Decide who wins a field; `BadInput` for a field or a source that doesn't exist."""
    if field not in GOVERNED:
        raise BadInput(f"there is no field {field}; one of {', '.join(GOVERNED)}", at="field")
    sources = {str(source_id): name for source_id, name in session.execute(select(Source.id, Source.name))}
    for place, one in enumerate(order):
        if one not in ROLES and one not in sources:
            raise BadInput(f"{one} is neither a role ({', '.join(ROLES)}) nor a source", at=f"order[{place}]")
    named = ", ".join(sources.get(one, one) for one in order) or "the newest"
    args = {"field": field, "order": list(order), "before": in_force(session)[field]}
    operation = operations.begin(session, "policy", f"{field}: {named} wins", actor, args)
    session.add(FieldPolicy(field=field, order=list(order), operation_id=operation.id))
    work.enqueue(session, "customers.recompute", key="customers.recompute")
    operations.finish(session, operation, {"field": field})
    return operation


def undo(session: Session, operation_id: UUID, actor: str) -> Operation:
    """Take a decision back: the one before it is in force again, unless a later one stands."""
    operation = operations.find(session, operation_id)
    if operation.kind != "policy" or operation.state != "done":
        raise BadInput(f"operation {operation_id} is no policy in force", at="operation")
    session.execute(
        update(FieldPolicy)
        .where(FieldPolicy.operation_id == operation_id, FieldPolicy.until.is_(None))
        .values(until=now())
    )
    work.enqueue(session, "customers.recompute", key="customers.recompute")
    operations.mark_undone(session, operation, actor)
    return operation
