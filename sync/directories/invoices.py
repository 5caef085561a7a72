"""Pairs of invoices: orders of the home shop and what the ledger bills for them, matched by their number."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from sync.directories import bills, fields, matching
from sync.directories.fields import Said
from sync.directories.merge import Owner
from sync.directories.pairs import LINK, PAGE, Pair, Setting, making, stands, version

# an invoice that lives and has no partner yet; credit notes carry the order's number, too
FREE = """{i}.gone_at IS NULL AND {i}.said_state <> 'cancelled' AND {i}.total >= 0
  AND NOT EXISTS (SELECT FROM links x WHERE x.directory_id = :directory
    AND x.external_id = {i}.external_id)"""
# whether an order has a partner, or may have one
TAKEN = """EXISTS (SELECT FROM links y WHERE y.directory_id = :directory AND y.local_id = o.id
  AND y.state <> 'refused')"""
_INVOICES = f"""
SELECT i.id, i.external_id, i.number, i.order_number, i.said_state, i.total, i.currency, i.changed_at,
  i.gone_at, coalesce(h.pending, false) AS pending, h.version_at, h.version_hash, m.same, m.rivals,
  o.id AS our_id, o.external_id AS home, o.number AS our_number, o.total AS our_total, o.state AS our_state,
  o.changed_at AS our_changed, o.currency AS our_currency, o.gone_at AS our_gone,
  coalesce(j.pending, false) AS our_pending, {LINK}, {making("o.id")}
FROM invoices i
LEFT JOIN landed_heads h ON h.connection_id = i.source_id AND h.stream = :stream
  AND h.external_id = i.external_id
LEFT JOIN links l ON l.directory_id = :directory AND l.external_id = i.external_id
LEFT JOIN LATERAL (
  SELECT o.id, coalesce(o.customer_id = i.customer_id, false) AS same, (
      SELECT count(*) FROM invoices r WHERE r.source_id = i.source_id AND r.order_number = i.order_number
        AND r.order_number <> ''
        AND r.id <> i.id AND {FREE.format(i="r")}) AS rivals
  FROM orders o WHERE l.id IS NULL AND i.order_number <> '' AND {FREE.format(i="i")}
    AND o.source_id = :home AND o.number = i.order_number AND o.gone_at IS NULL AND o.state <> 'cart'
    AND NOT {TAKEN}
  ORDER BY same DESC, o.id LIMIT 1
) AS m ON true
LEFT JOIN orders o ON o.id = coalesce(l.local_id, m.id)
LEFT JOIN landed_heads j ON j.connection_id = o.source_id AND j.stream = :home_stream
  AND j.external_id = o.external_id
WHERE i.source_id = :source AND i.external_id > :after
  AND (CAST(:only AS text[]) IS NULL OR i.external_id = ANY(CAST(:only AS text[])))
ORDER BY i.external_id LIMIT :limit
"""


def invoices(session: Session, here: Setting, only: Sequence[str] | None = None) -> Iterator[list[Pair]]:
    """Pages of invoices, in the order of their ids there; `only` those with these ids."""
    directory, after = here.directory, ""
    while True:
        values = {
            "source": directory.connection_id, "stream": directory.stream, "directory": directory.id,
            "home": directory.home_id, "home_stream": directory.home_stream, "after": after, "limit": PAGE,
            "only": list(only) if only is not None else None,
        }  # fmt: skip
        rows = session.execute(text(_INVOICES), values).all()
        if not rows:
            return
        found = [_pair(here, row) for row in rows]
        _hold(session, here, found)
        yield found
        after = rows[-1].external_id


def _pair(here: Setting, row: Row[Any]) -> Pair:
    theirs = fields.of_bill(row.total, row.currency, row.said_state, row.changed_at, row.id)
    ours: dict[str, Said] = {}
    if row.our_id is not None:
        ours = fields.of_bill(row.our_total, row.our_currency, row.our_state, row.our_changed)
        if not row.currency and "currency" in ours:  # who counts in one money needs not say which
            theirs["currency"] = ours["currency"]
    owners: dict[str, Owner] = dict.fromkeys(here.compared, "ask")
    title = ", ".join(filter(None, (row.our_number or row.order_number, row.number or row.external_id)))
    pair = Pair(row.external_id, row.our_id, title, theirs, ours, row.id, owners)
    if row.same is not None and row.link_id is None:
        sure = row.same and not row.rivals
        pair.matched = matching.Match("order_number", row.order_number, sure, row.rivals)
    stands(pair, row)
    pair.busy = pair.busy or row.our_pending
    pair.fixed = row.said_state != "draft"
    pair.gone_there, pair.gone_here = row.gone_at, row.our_gone
    pair.version = version(row.version_at, row.version_hash)
    pair.home = row.home or ""
    return pair


def _hold(session: Session, here: Setting, found: Sequence[Pair]) -> None:
    """A draft takes an order that changed only when all of it can be said there."""
    changed: dict[UUID, Pair] = {}
    for pair in found:
        if not pair.fixed and pair.local_id is not None:
            ours, theirs = pair.ours.get("total"), pair.theirs.get("total")
            if (ours and ours.value) != (theirs and theirs.value):
                changed[pair.local_id] = pair
    if changed and "total" in here.writes_there:
        for one, bill in bills.drawn(session, here.directory, list(changed)).items():
            changed[one].fixed = bool(bill.waits)
