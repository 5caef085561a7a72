"""Lists put together by hand: customers added and taken off by operations that can be undone."""

from collections.abc import Collection, Iterable
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import emails, phones
from customers.segments.tables import Segment
from customers.touched import touch
from foundation import operations
from foundation.clock import now
from foundation.errors import BadInput
from foundation.tables import Operation

KIND = "segment.list"
MOST_LINES = 200_000
LONGEST = 300  # characters of a line
NAMED = 100  # lines that an operation names as not found

_ADD = text(
    "INSERT INTO segment_entries (segment_id, customer_id, operation_id, added_at)"
    " SELECT :segment, id, :operation, :at FROM unnest(CAST(:ids AS uuid[])) AS w (id)"
    " ON CONFLICT (segment_id, customer_id) WHERE removed_at IS NULL DO NOTHING RETURNING customer_id"
)
_REMOVE = text(
    "UPDATE segment_entries SET removed_at = :at, removed_by = :operation"
    " WHERE segment_id = :segment AND removed_at IS NULL AND customer_id IN"
    " (SELECT c.id FROM customers c LEFT JOIN customers d ON d.id = c.merged_into"
    " WHERE c.id = ANY(:ids) OR c.merged_into = ANY(:ids) OR d.merged_into = ANY(:ids)) RETURNING customer_id"
)
_TAKE_BACK = text(
    "UPDATE segment_entries SET removed_at = :at, removed_by = operation_id"
    " WHERE operation_id = :operation AND removed_at IS NULL RETURNING customer_id"
)
_PUT_BACK = text(
    "UPDATE segment_entries e SET removed_at = NULL, removed_by = NULL WHERE removed_by = :operation"
    " AND operation_id <> :operation AND NOT EXISTS (SELECT FROM segment_entries o WHERE o.removed_at IS NULL"
    " AND o.segment_id = e.segment_id AND o.customer_id = e.customer_id) RETURNING customer_id"
)
_ALIVE = text(
    "SELECT c.id, CASE WHEN c.live THEN c.id WHEN d.live THEN d.id WHEN f.live THEN f.id END"
    " FROM customers c LEFT JOIN customers d ON d.id = c.merged_into"
    " LEFT JOIN customers f ON f.id = d.merged_into WHERE c.id = ANY(:ids)"
)
_BY_KEY = text(
    "SELECT w.line, p.customer_id FROM unnest(CAST(:lines AS int[]), CAST(:kinds AS text[]),"
    " CAST(:values AS text[])) AS w (line, kind, value) JOIN profile_keys k ON k.kind = w.kind"
    " AND k.value = w.value JOIN profiles p ON p.id = k.profile_id AND p.gone_at IS NULL"
    " JOIN customers c ON c.id = p.customer_id AND c.live AND c.identified"
    " WHERE p.kind <> 'lead' ORDER BY w.line, p.customer_id"
)


class Found(NamedTuple):
    """What lines mean: the customers, lines nobody is known by, and lines that several are known by."""

    customers: list[UUID]
    unknown: list[str]
    several: list[str]


def look_up(session: Session, lines: Iterable[str]) -> Found:
    """Customers by id, e-mail or phone, one a line. Two queries. `BadInput` for too many lines."""
    said = [line.strip().strip(",;").strip() for line in lines]
    said = list(dict.fromkeys(line for line in said if line))
    if len(said) > MOST_LINES:
        raise BadInput(f"at most {MOST_LINES:,} lines at once", at="lines")
    hits: dict[int, set[UUID]] = {number: set() for number in range(len(said))}
    ids: dict[UUID, int] = {}
    keys: list[tuple[int, str, str]] = []
    for number, line in enumerate(said):
        if (customer := _id(line)) is not None:
            ids[customer] = number
        elif key := _key(line):
            keys.append((number, *key))
    for customer, alive in session.execute(_ALIVE, {"ids": list(ids)}) if ids else ():
        if alive is not None:
            hits[ids[customer]].add(alive)
    if keys:
        columns = [list(column) for column in zip(*keys, strict=True)]
        for number, customer in session.execute(
            _BY_KEY, dict(zip(("lines", "kinds", "values"), columns, strict=True))
        ):
            hits[number].add(customer)
    customers = {one for found in hits.values() if len(found) == 1 for one in found}
    return Found(
        sorted(customers),
        [line[:LONGEST] for number, line in enumerate(said) if not hits[number]],
        [line[:LONGEST] for number, line in enumerate(said) if len(hits[number]) > 1],
    )


def _id(line: str) -> UUID | None:
    try:
        return UUID(line) if len(line) in (32, 36) else None
    except ValueError:
        return None


def _key(line: str) -> tuple[str, str] | None:
    """The key a line is looked up by."""
    if len(line) > LONGEST:
        return None
    if "@" in line:
        email = emails.parse(line)
        return ("email", email.key) if email.key else None
    phone = phones.parse(line)
    return ("phone", phone.e164) if phone.e164 else None


def add(
    session: Session, segment: Segment, customers: Collection[UUID], actor: str, unknown: Collection[str] = ()
) -> Operation:
    """Put customers on a list; those on it already stay as they are."""
    operation = _begin(session, segment, f"Customers put on the list “{segment.name}”", actor)
    values = {"segment": segment.id, "operation": operation.id, "ids": sorted(customers), "at": now()}
    added = session.scalars(_ADD, values).all()
    touch(session, _alive(session, added))
    _finish(session, operation, len(customers) + len(unknown), len(added), 0, unknown)
    return operation


def remove(session: Session, segment: Segment, customers: Collection[UUID], actor: str) -> Operation:
    """Take customers off a list, also where they were put on it as cards merged into theirs since."""
    operation = _begin(session, segment, f"Customers taken off the list “{segment.name}”", actor)
    values = {"segment": segment.id, "operation": operation.id, "ids": sorted(customers), "at": now()}
    removed = session.scalars(_REMOVE, values).all()
    touch(session, _alive(session, {*removed, *customers}))
    _finish(session, operation, len(customers), 0, len(removed), ())
    return operation


def _begin(session: Session, segment: Segment, title: str, actor: str) -> Operation:
    if segment.kind != "list" or segment.archived_at is not None:
        raise BadInput(f"“{segment.name}” is no list: its conditions say who is in it", at="segment")
    return operations.begin(session, KIND, title, actor, {"segment": str(segment.id), "name": segment.name})


def _finish(
    session: Session, operation: Operation, read: int, new: int, changed: int, unknown: Collection[str]
) -> None:
    result = {
        "read": read, "new": new, "changed": changed, "same": read - new - changed - len(unknown),
        "bad": len(unknown), "lines": [f"{one}: nobody is known by it" for one in list(unknown)[:NAMED]],
    }  # fmt: skip
    operations.finish(session, operation, {name: value for name, value in result.items() if value})


def undo(session: Session, operation: Operation, actor: str) -> list[str]:
    """Take an adding or a removing back; sentences about what stays as it is."""
    values = {"operation": operation.id, "at": now()}
    back = session.scalars(_TAKE_BACK, values).all()
    again = session.scalars(_PUT_BACK, values).all()
    touch(session, _alive(session, {*back, *again}))
    done = operation.result.get("new", 0) + operation.result.get("changed", 0)
    left = done - len(back) - len(again)
    sentences = [f"{left} customers were put on the list or taken off it again since then."] if left else []
    operations.mark_undone(session, operation, actor)
    operation.result = {**operation.result, "left_alone": sentences}
    session.flush()
    return sentences


def _alive(session: Session, customers: Collection[UUID]) -> list[UUID]:
    """The cards that stand for these."""
    rows = session.execute(_ALIVE, {"ids": list(customers)})
    return [one for row in rows for one in row if one is not None]
