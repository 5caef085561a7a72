"""The only writer of the customer record: what a source says becomes profiles, cards, facts and figures."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import consent, graph, linking, orders, products, profiles, stats
from customers.batch import Batch, Resolved, read
from customers.graph import Settled
from customers.orders import Placed
from customers.profiles import Found
from foundation.clock import now
from foundation.database import GRAPH_LOCK, lock

__all__ = ["Outcome", "Resolved", "apply"]


# Everything here goes by an index. While a first load runs faster than the server gathers statistics it takes
# a portion's ids for most of the table and would read all of it, each time more.
_ROLE = text(
    "SELECT role, set_config('enable_seqscan', 'off', true), set_config('enable_mergejoin', 'off', true)"
    " FROM sources WHERE id = :id"
)


@dataclass(slots=True)
class Outcome:
    """What a batch came to: how many of what, and the cards that changed."""

    counts: dict[str, int] = field(default_factory=dict)
    cards: set[UUID] = field(default_factory=set)


def apply(session: Session, source_id: UUID, items: Sequence[Resolved]) -> Outcome:
    """Write what a source says, in the caller's transaction; saying it again changes nothing.

    The later of two items about one object holds. Everybody else who writes the graph waits until the
    transaction ends, so callers keep it short: some thousand items.
    """
    role = session.execute(_ROLE, {"id": source_id}).scalar_one()
    batch = read(role, items)
    lock(session, GRAPH_LOCK)
    buyers = {one: batch.buyer_id(came.record) for one, came in batch.orders.items()}
    found = profiles.find(session, source_id, batch.people, [key for key in buyers.values() if key])
    settled = _people(session, found)
    placed = _orders(
        session, source_id, batch, found, {one: found.ids.get(key) for one, key in buyers.items() if key}
    )
    changed = products.write(session, source_id, batch.products)
    touched = settled.cards | _cards_of(placed) | _gone(session, source_id, batch, found, placed)
    stats.refresh(session, touched)
    counts = {
        "profiles_new": found.new,
        "profiles_changed": len(found.members) - found.new,
        "orders_new": sum(one.was is None for one in placed),
        "orders_changed": sum(one.was is not None for one in placed),
        "products_changed": changed,
        "gone": len(batch.gone_people) + len(batch.gone_orders) + len(batch.gone_products),
    }
    return Outcome(counts, touched)


def _people(session: Session, found: Found) -> Settled:
    """New and changed profiles find their cards."""
    if not found.members:
        return Settled()
    drawn, decision = linking.link(session, found.members)
    consent.write(session, [member for member in found.members if not member.new])
    settled = graph.settle(session, drawn)
    linking.announce(session, decision)
    found.customer.update(settled.customer)
    return settled


def _orders(
    session: Session, source: UUID, batch: Batch, found: Found, buyers: Mapping[str, UUID | None]
) -> list[Placed]:
    placed = orders.find(session, source, batch.orders, buyers)
    for one in placed:
        one.customer = found.customer.get(one.profile) if one.profile else None
    orders.write(session, source, placed)
    return placed


def _cards_of(placed: Collection[Placed]) -> set[UUID]:
    """Cards whose figures the orders change, the ones they leave included."""
    cards = {one.customer for one in placed} | {one.was[1] for one in placed if one.was}
    return {card for card in cards if card is not None}


def _gone(session: Session, source: UUID, batch: Batch, found: Found, placed: Sequence[Placed]) -> set[UUID]:
    """Mark what the source has no more; cards on which nobody is left die, those with orders stay."""
    products.gone(session, source, batch.gone_products)
    left, cards = orders.gone(session, source, batch.gone_orders)
    left |= {one.was[0] for one in placed if one.was and one.was[0] and one.was[0] != one.profile}
    cards |= _profiles_gone(session, source, batch.main_kind, batch.gone_people)
    cards |= _idle_buyers_gone(session, left)
    cards |= {one.customer for one in placed if one.profile in found.gone and one.customer}
    if not cards:
        return set()
    return cards | graph.redraw(session, cards).cards


def _profiles_gone(session: Session, source: UUID, kind: str, gone: Mapping[str, datetime]) -> set[UUID]:
    if not gone:
        return set()
    query = text(
        "UPDATE profiles p SET gone_at = g.at FROM unnest(CAST(:ids AS text[]), CAST(:ats AS timestamptz[]))"
        " AS g (external_id, at) WHERE p.source_id = :source AND p.kind = :kind"
        " AND p.external_id = g.external_id AND p.gone_at IS NULL RETURNING p.customer_id"
    )
    values = {"source": source, "kind": kind, "ids": list(gone), "ats": list(gone.values())}
    return {card for card in session.execute(query, values).scalars() if card}


def _idle_buyers_gone(session: Session, left: Collection[UUID]) -> set[UUID]:
    """Buyers known only from orders go when their last order does."""
    if not left:
        return set()
    query = text(
        "UPDATE profiles p SET gone_at = :at WHERE p.id = ANY(:ids) AND p.gone_at IS NULL"
        " AND (p.kind = 'guest' OR p.landed_id IS NULL)"
        " AND NOT EXISTS (SELECT FROM orders o WHERE o.profile_id = p.id AND o.gone_at IS NULL)"
        " RETURNING p.customer_id"
    )
    rows = session.execute(query, {"at": now(), "ids": list(left)}).scalars().all()
    gone = session.execute(
        text("SELECT DISTINCT customer_id FROM profiles WHERE id = ANY(:ids) AND gone_at IS NOT NULL"),
        {"ids": list(left)},
    ).scalars()
    return {card for card in (*rows, *gone) if card}
