"""Orders with their lines and what happened to them, as facts of the profile that bought."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import order_rows
from customers.batch import Came
from customers.order_rows import EVENT_HEAD, EVENT_TAIL, HEAD, LINE, OWNER, TAIL, Draft
from foundation.clock import now
from foundation.database import NULL, copy_rows, staged
from foundation.records import Order

_COLUMNS = {**HEAD, **OWNER, "copy_of": "uuid", **TAIL}
_EVENT = {**EVENT_HEAD, **OWNER, **EVENT_TAIL}
_OUR_ID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")  # as the exchange gives it to 1C


@dataclass(slots=True)
class Placed:
    """An order to write and whose it is."""

    draft: Draft
    profile: UUID | None
    customer: UUID | None
    was: tuple[UUID | None, UUID | None] | None = None  # profile and card as stored; None: a new row
    was_gone: bool = False
    copy_of: UUID | None = None  # the order of ours that it is

    @property
    def owner(self) -> str:
        """Whose its rows are."""
        return order_rows.owner(self.profile, self.customer)

    @property
    def row(self) -> str:
        """The line for COPY."""
        head, tail = self.draft.row
        return f"{head}\t{self.owner}\t{self.copy_of.hex if self.copy_of else NULL}\t{tail}"


def find(
    session: Session, source: UUID, orders: Mapping[str, Came[Order]], buyers: Mapping[str, UUID | None],
    drafts: Mapping[str, Draft],
) -> list[Placed]:  # fmt: skip
    """The new and the changed orders of a batch; `buyers` maps external ids to profiles."""
    query = text(
        "SELECT external_id, id, record_hash, profile_id, customer_id, gone_at IS NOT NULL FROM orders"
        " WHERE source_id = :source AND external_id = ANY(:ids)"
    )
    stored = (
        {r[0]: r for r in session.execute(query, {"source": source, "ids": list(orders)})} if orders else {}
    )
    ours = _ours(session, source, orders)
    found = []
    for external_id, came in orders.items():
        profile, row = buyers.get(external_id), stored.get(external_id)
        if row is None:
            found.append(Placed(drafts[external_id], profile, None, copy_of=ours.get(external_id)))
        elif row[2] != came.hash or row[3] != profile or row[5]:
            drawn = order_rows.draft(source, row[1], came)
            found.append(Placed(drawn, profile, None, (row[3], row[4]), row[5], ours.get(external_id)))
    return found


def _ours(session: Session, source: UUID, external_ids: Iterable[str]) -> dict[str, UUID]:
    """Orders of shops that a ledger, or a file out of one, has under the ids we gave them.

    Nobody else was given any: what another shop calls so is an order of its own.
    """
    ids = {one: UUID(one) for one in external_ids if _OUR_ID.fullmatch(one)}
    if not ids:
        return {}
    query = text(
        "SELECT o.id FROM orders o JOIN sources s ON s.id = o.source_id AND s.role = 'shop'"
        " WHERE o.id = ANY(:ids) AND o.copy_of IS NULL"
        " AND EXISTS (SELECT FROM sources t WHERE t.id = :source AND t.role IN ('accounting', 'file'))"
    )
    known = set(session.scalars(query, {"ids": list(ids.values()), "source": source}))
    return {one: order for one, order in ids.items() if order in known}


def write(session: Session, placed: Sequence[Placed]) -> None:
    """Write orders whose `customer` is known by now. Lines are replaced; happenings only ever added."""
    fresh = [one for one in placed if one.was is None]
    changed = [one for one in placed if one.was is not None]
    if fresh:
        copy_rows(session, "orders", tuple(_COLUMNS), (one.row for one in fresh))
        copy_rows(session, "order_lines", LINE, _lines(fresh))
    if changed:
        _update(session, changed)
    _write_events(session, placed)


def _lines(placed: Iterable[Placed]) -> Iterable[str]:
    return (line for one in placed for line in one.draft.lines)


def _update(session: Session, changed: Sequence[Placed]) -> None:
    names = ", ".join(name for name in _COLUMNS if name != "id")
    theirs = ", ".join(f"c.{name}" for name in _COLUMNS if name != "id")
    definition = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    with staged(session, "changed_orders", definition, (one.row for one in changed)):
        session.execute(
            text(
                f"UPDATE orders o SET gone_at = NULL, ({names}) = ROW ({theirs})"
                " FROM changed_orders c WHERE c.id = o.id"
            )
        )
    session.execute(
        text("DELETE FROM order_lines WHERE order_id = ANY(:ids)"), {"ids": [one.draft.id for one in changed]}
    )
    copy_rows(session, "order_lines", LINE, _lines(changed))
    _follow(session, [one for one in changed if one.was and (one.was[0] != one.profile or one.was_gone)])


def _follow(session: Session, placed: Sequence[Placed]) -> None:
    """What happened to an order goes with it when it turns out to be another profile's, or comes back."""
    if not placed:
        return
    rows = [(str(one.draft.id), one.was[0] if one.was else None, one.profile, one.customer) for one in placed]
    with staged(session, "followed", "number text, was uuid, profile_id uuid, customer_id uuid", rows):
        session.execute(
            text(
                "UPDATE timeline t SET profile_id = f.profile_id, customer_id = f.customer_id FROM followed f"
                " WHERE t.profile_id = f.was AND t.data ->> 'order' = f.number"
            )
        )


def _write_events(session: Session, placed: Sequence[Placed]) -> None:
    at = str(now())
    fresh = [row for one in placed if one.was is None for row in _events(one, at)]
    if fresh:
        copy_rows(session, "timeline", tuple(_EVENT), fresh)
    known = [row for one in placed if one.was is not None for row in _events(one, at)]
    if known:
        names = ", ".join(_EVENT)
        definition = ", ".join(f"{name} {kind}" for name, kind in _EVENT.items())
        with staged(session, "order_events", definition, known):
            session.execute(
                text(
                    f"INSERT INTO timeline ({names}) SELECT {names} FROM order_events"
                    " ORDER BY occurred_at ON CONFLICT DO NOTHING"
                )
            )


def _events(one: Placed, received_at: str) -> Iterable[str]:
    """What happened to an order; that it was placed is known where it was."""
    owner, told = one.owner, one.draft.events
    if one.copy_of:
        told = [event for event in told if not event[1].startswith("order.placed\t")]
    return (f"{head}\t{owner}\t{tail}\t{received_at}" for head, tail in told)


def gone(session: Session, source: UUID, orders: Mapping[str, datetime]) -> tuple[set[UUID], set[UUID]]:
    """Mark orders their source has no more; they don't count and don't show. Their profiles and cards."""
    if not orders:
        return set(), set()
    query = text(
        "UPDATE orders o SET gone_at = g.at FROM unnest(CAST(:ids AS text[]), CAST(:ats AS timestamptz[]))"
        " AS g (external_id, at) WHERE o.source_id = :source AND o.external_id = g.external_id"
        " AND o.external_id = ANY(:ids) AND o.gone_at IS NULL RETURNING o.id, o.profile_id, o.customer_id"
    )
    values = {"source": source, "ids": list(orders), "ats": list(orders.values())}
    rows = session.execute(query, values).all()
    profiles = {row[1] for row in rows if row[1]}
    if rows:
        session.execute(
            text(
                "UPDATE timeline SET customer_id = NULL"
                " WHERE profile_id = ANY(:profiles) AND data ->> 'order' = ANY(:orders)"
            ),
            {"profiles": list(profiles), "orders": [str(row[0]) for row in rows]},
        )
    return profiles, {row[2] for row in rows if row[2]}


def orphans(session: Session, limit: int) -> Sequence[UUID | None]:
    """Let copies count for themselves whose originals are no longer stored, `limit` at most; their cards."""
    query = text(
        "UPDATE orders SET copy_of = NULL WHERE id = ANY(ARRAY(SELECT c.id FROM orders c"
        " WHERE c.copy_of IS NOT NULL AND NOT EXISTS (SELECT FROM orders o WHERE o.id = c.copy_of)"
        " ORDER BY c.id LIMIT :limit)) RETURNING customer_id"
    )
    return session.scalars(query, {"limit": limit}).all()
