"""What invoices and payments have in common: written once, kept when gone, told on the timeline."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from foundation.clock import now
from foundation.database import staged

# the part that reads sees the rows as they were before the part that writes
_WRITE = """
WITH was AS (
  SELECT d.external_id, d.profile_id, d.customer_id, d.gone_at IS NOT NULL AS gone, {before}
  FROM came_documents c JOIN {table} d ON d.source_id = :source AND d.external_id = c.external_id
), written AS (
  INSERT INTO {table} AS d ({names}) SELECT {names} FROM came_documents ORDER BY external_id
  ON CONFLICT (source_id, external_id) DO UPDATE SET {updates}, gone_at = NULL
  WHERE d.record_hash IS DISTINCT FROM excluded.record_hash OR d.gone_at IS NOT NULL
    OR d.profile_id IS DISTINCT FROM excluded.profile_id
  RETURNING d.id, d.external_id, d.profile_id, d.customer_id
)
SELECT w.id, w.external_id, w.profile_id, w.customer_id, o.external_id IS NULL AS fresh,
  o.profile_id AS was_profile, o.customer_id AS was_customer, o.gone AS was_gone, o.before
FROM written w LEFT JOIN was o ON o.external_id = w.external_id
"""
_GONE = """
UPDATE {table} d SET gone_at = g.at FROM unnest(CAST(:ids AS text[]), CAST(:ats AS timestamptz[]))
  AS g (external_id, at) WHERE d.source_id = :source AND d.external_id = g.external_id
  AND d.external_id = ANY(:ids) AND d.gone_at IS NULL
RETURNING d.id, d.external_id, d.profile_id, d.customer_id, {before}
"""
_EVENT = {
    "source_id": "uuid", "source_key": "text", "profile_id": "uuid", "customer_id": "uuid", "kind": "text",
    "occurred_at": "timestamptz", "data": "jsonb", "received_at": "timestamptz",
}  # fmt: skip


class Told(NamedTuple):
    """A timeline row to write."""

    key: str
    profile: UUID | None
    customer: UUID | None
    kind: str
    at: datetime
    data: str


def write(
    session: Session, table: str, columns: Mapping[str, str], given: Sequence[str], before: str,
    source: UUID, rows: Iterable[Sequence[Any]],
) -> Sequence[Row[Any]]:  # fmt: skip
    """Insert or update documents; answers those that changed. Columns in `given` are only set at first.

    `before` is an SQL array of what is asked of the row as it was.
    """
    kept = ("id", "source_id", "external_id", *given)
    query = _WRITE.format(
        table=table, names=", ".join(columns), before=f"{before} AS before",
        updates=", ".join(f"{name} = excluded.{name}" for name in columns if name not in kept),
    )  # fmt: skip
    definition = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    with staged(session, "came_documents", definition, rows):
        return session.execute(text(query), {"source": source}).all()


def gone(
    session: Session, table: str, before: str, source: UUID, ids: Mapping[str, datetime]
) -> Sequence[Row[Any]]:
    """Mark documents their source has no more; answers those that were there."""
    values = {"source": source, "ids": list(ids), "ats": list(ids.values())}
    query = _GONE.format(table=table, before=f"{before} AS before")
    return session.execute(text(query), values).all() if ids else []


def tell(session: Session, source: UUID, events: Sequence[Told]) -> None:
    """Write timeline rows, each key once."""
    if not events:
        return
    at, names = now(), ", ".join(_EVENT)
    rows = [
        (source, one.key, one.profile, one.customer, one.kind, one.at, one.data, at)
        for one in sorted(events, key=lambda one: (one.at, one.key))
    ]
    definition = ", ".join(f"{name} {kind}" for name, kind in _EVENT.items())
    with staged(session, "document_events", definition, rows):
        session.execute(
            text(
                f"INSERT INTO timeline ({names}) SELECT {names} FROM document_events"
                " ORDER BY occurred_at, source_key ON CONFLICT DO NOTHING"
            )
        )


def follow(session: Session, source: UUID, keys: Mapping[str, tuple[UUID | None, UUID | None]]) -> None:
    """Timeline rows go with their document to another profile and card; without a card they are hidden."""
    if not keys:
        return
    rows = [(key, *owner) for key, owner in keys.items()]
    with staged(session, "followed", "source_key text, profile_id uuid, customer_id uuid", rows):
        session.execute(
            text(
                "UPDATE timeline t SET profile_id = f.profile_id, customer_id = f.customer_id FROM followed f"
                " WHERE t.source_id = :source AND t.source_key = f.source_key"
            ),
            {"source": source},
        )


def key(kind: str, external_id: str, what: str) -> str:
    """The source key of a timeline row; a colon in the document's id can't be mistaken for ours."""
    return f"{kind}:{external_id.replace('%', '%25').replace(':', '%3A')}:{what}"
