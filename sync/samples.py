"""Real landed records to look at while settings are edited, and resolving a stream again under new ones."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.base import Raw
from foundation.wake import wake_after_commit
from sync.heads import hold_stream

_NEXT = text(
    "SELECT r.external_id, r.payload, r.version_at FROM landed_heads h"
    " JOIN landed_records r ON r.id = h.landed_id"
    " WHERE h.connection_id = :connection AND h.stream = :stream AND NOT h.gone AND h.external_id > :after"
    " ORDER BY h.external_id LIMIT 1"
)


def following(session: Session, connection_id: UUID, stream: str, after: str = "") -> Raw | None:
    """The record after this one in the order of ids, after the last the first again; None without any."""
    values = {"connection": connection_id, "stream": stream, "after": after}
    row = session.execute(_NEXT, values).first()
    if row is None and after:
        row = session.execute(_NEXT, {**values, "after": ""}).first()
    return Raw(row[0], row[1], row[2]) if row else None


def one(session: Session, connection_id: UUID, stream: str, external_id: str) -> Raw | None:
    """A record by its id."""
    row = session.execute(
        text(
            "SELECT r.external_id, r.payload, r.version_at FROM landed_heads h"
            " JOIN landed_records r ON r.id = h.landed_id"
            " WHERE h.connection_id = :connection AND h.stream = :stream AND h.external_id = :id"
        ),
        {"connection": connection_id, "stream": stream, "id": external_id},
    ).first()
    return Raw(row[0], row[1], row[2]) if row else None


def resolve_again(session: Session, connection_id: UUID, stream: str) -> int:
    """Give all records of a stream back to the resolver; answers how many."""
    hold_stream(session, connection_id, stream)
    given = session.execute(
        text(
            "UPDATE landed_heads SET pending = true, crashes = 0"
            " WHERE connection_id = :connection AND stream = :stream AND NOT gone AND NOT pending"
            " RETURNING 1"
        ),
        {"connection": connection_id, "stream": stream},
    )
    wake_after_commit(session, "sync.resolve")
    return len(given.all())
