"""Field policies: which source wins a golden field, who decided so, and taking it back.

A decision is a row that is never changed, only ended by its undo; the newest row in force counts. So policies
may be undone in any order. A job computes the cards anew.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
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

JOB = "customers.recompute"
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


class Standing(NamedTuple):
    """The order of a field, and who decided so; nobody where it is the default."""

    order: list[str]
    actor: str | None = None
    since: datetime | None = None
    operation_id: UUID | None = None


def standing(session: Session) -> dict[str, Standing]:
    """Every governed field with its order in force and whose decision it is. One query."""
    query = (
        select(
            FieldPolicy.field, FieldPolicy.order, Operation.actor, FieldPolicy.since, FieldPolicy.operation_id
        )
        .outerjoin(Operation, Operation.id == FieldPolicy.operation_id)
        .where(FieldPolicy.until.is_(None))
        .ext(distinct_on(FieldPolicy.field))
        .order_by(FieldPolicy.field, FieldPolicy.id.desc())
    )
    decided = {row[0]: Standing(list(row[1]), *row[2:]) for row in session.execute(query)}
    return {field: decided.get(field) or Standing(list(DEFAULTS.get(field, ()))) for field in GOVERNED}


def set_policy(session: Session, field: str, order: Sequence[str], actor: str) -> Operation:
    """Decide who wins a field; `BadInput` for a field or a source that doesn't exist."""
    named = check(session, {field: order})
    args = {"field": field, "order": list(order), "before": in_force(session)[field]}
    return _decide(session, {field: order}, named[field], args, actor)


def set_policies(session: Session, orders: Mapping[str, Sequence[str]], actor: str) -> Operation:
    """Decide who wins several fields, as one operation; those that stay as they are count as decided, too."""
    if len(orders) == 1:
        ((field, order),) = orders.items()
        return set_policy(session, field, order, actor)
    named, before = check(session, orders), in_force(session)
    args = {
        "orders": {field: list(order) for field, order in orders.items()},
        "before": {field: before[field] for field in orders},
    }
    return _decide(session, orders, "; ".join(named.values()), args, actor)


def check(session: Session, orders: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Each order in words; `BadInput` for a field or a source that doesn't exist, or for no field at all."""
    if not orders:
        raise BadInput("say which field it is about", at="field")
    sources = {str(source_id): name for source_id, name in session.execute(select(Source.id, Source.name))}
    words = {}
    for field, order in orders.items():
        if field not in GOVERNED:
            raise BadInput(f"there is no field {field}; one of {', '.join(GOVERNED)}", at="field")
        for place, one in enumerate(order):
            if one not in ROLES and one not in sources:
                message = f"{one} is neither a role ({', '.join(ROLES)}) nor a source"
                raise BadInput(message, at=f"order[{place}]")
        words[field] = f"{field}: {', '.join(sources.get(one, one) for one in order) or 'the newest'} wins"
    return words


def _decide(
    session: Session, orders: Mapping[str, Sequence[str]], title: str, args: dict[str, Any], actor: str
) -> Operation:
    operation = operations.begin(session, "policy", title, actor, args)
    session.add_all(
        FieldPolicy(field=field, order=list(order), operation_id=operation.id)
        for field, order in orders.items()
    )
    work.enqueue(session, JOB, key=JOB)
    operations.finish(session, operation, {"field": ", ".join(orders)})
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
    work.enqueue(session, JOB, key=JOB)
    operations.mark_undone(session, operation, actor)
    return operation
