"""The conflict inbox: met by runs, settled by agreement, decided by people one by one or in bulk."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from foundation import clock
from foundation.clock import new_id
from sync.directories.tables import Conflict, Link

_SOURCE = text("SELECT s.name FROM profiles p JOIN sources s ON s.id = p.source_id WHERE p.id = :id")


def meet(session: Session, row: Any, link: Link, field: dict[str, Any]) -> None:
    """A field waits from now on; one that waits already gets the values as they are now."""
    who = session.scalar(_SOURCE, {"id": UUID(field["by"])}) if field.get("by") else None
    said = {
        "base": field["base"], "ours": field["ours"], "theirs": field["theirs"], "reason": field["reason"],
        "ours_from": who or "", "ours_at": _time(field.get("ours_at")),
        "theirs_at": _time(field.get("theirs_at")), "proposed": field["proposed"],
    }  # fmt: skip
    fresh = insert(Conflict).values(
        id=new_id(), directory_id=link.directory_id, link_id=link.id, title=row.title, field=field["field"],
        state="waiting", found_at=clock.now(), **said,
    )  # fmt: skip
    session.execute(
        fresh.on_conflict_do_update(
            index_elements=["link_id", "field"], index_where=text("state = 'waiting'"), set_=said
        )
    )


def settle(session: Session, link: Link, fields: Iterable[str]) -> None:
    """Both sides have come to agree, or only one of them still differs from the base: nothing waits."""
    wanted = list(fields)
    if wanted:
        session.execute(
            update(Conflict)
            .where(Conflict.link_id == link.id, Conflict.field.in_(wanted), Conflict.state == "waiting")
            .values(state="settled", decided_at=clock.now())
        )


def waiting(
    session: Session, directory_id: UUID | None = None, *, after: UUID | None = None, limit: int = 50
) -> list[Conflict]:  # fmt: skip
    """Conflicts that wait, the oldest first; `after` is the last id of the page before."""
    query = select(Conflict).where(Conflict.state == "waiting").order_by(Conflict.id).limit(limit)
    if directory_id is not None:
        query = query.where(Conflict.directory_id == directory_id)
    if after is not None:
        query = query.where(Conflict.id > after)
    return list(session.scalars(query))


def _time(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


_DOUBTFUL = text("""
SELECT l.id, l.directory_id, coalesce(c.name, o.name, b.number, '') AS ours,
  coalesce(p.name, q.name, nullif(i.number, ''), l.external_id) AS theirs, l.external_id, l.local_id,
  l.reason, l.said, d.what, u.name AS ours_who, b.total AS ours_total, b.currency AS ours_currency,
  v.name AS theirs_who, i.total AS theirs_total,
  coalesce(nullif(i.currency, ''), b.currency) AS theirs_currency
FROM links l JOIN directories d ON d.id = l.directory_id
LEFT JOIN customers c ON d.what = 'counterparties' AND c.id = l.local_id
LEFT JOIN products o ON d.what = 'nomenclature' AND o.id = l.local_id
LEFT JOIN products q ON d.what = 'nomenclature' AND q.source_id = d.connection_id
  AND q.external_id = l.external_id
LEFT JOIN orders b ON d.what = 'invoices' AND b.id = l.local_id
LEFT JOIN customers u ON u.id = b.customer_id
LEFT JOIN invoices i ON d.what = 'invoices' AND i.source_id = d.connection_id
  AND i.external_id = l.external_id
LEFT JOIN customers v ON v.id = i.customer_id
LEFT JOIN LATERAL (SELECT k.name FROM profiles f JOIN customers k ON k.id = f.customer_id
  WHERE d.what = 'counterparties' AND f.source_id = d.connection_id AND f.external_id = l.external_id
    AND f.kind <> 'guest' LIMIT 1) AS p ON true
WHERE l.state = 'waiting' AND l.id > :after
  AND (CAST(:directory AS uuid) IS NULL OR l.directory_id = :directory) ORDER BY l.id LIMIT :limit
""")


def doubtful(
    session: Session, limit: int = 50, *, after: UUID | None = None, directory_id: UUID | None = None
) -> list[dict[str, Any]]:  # fmt: skip
    """Pairs that wait for a person to say whether they are the same; `after` is the last one seen.

    Of an order and its invoice besides whose each is, and what it comes to.
    """
    values = {"limit": limit, "after": after or UUID(int=0), "directory": directory_id}
    return [dict(row._mapping) for row in session.execute(_DOUBTFUL, values)]
