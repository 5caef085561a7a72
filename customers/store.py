"""The only writer of the customer record: what a source says becomes profiles, cards, facts and figures."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import cards, consent, graph, linking, order_rows, orders, products, profiles, stats
from customers.batch import Batch, Billed, PersonId, Resolved, read
from customers.graph import Settled
from customers.mail import store as mail
from customers.order_rows import Draft
from customers.orders import Placed
from customers.picture import Member
from customers.profiles import Found
from customers.touched import touch_profiles
from foundation.clock import new_ids, now
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


@dataclass(frozen=True, slots=True)
class Ready:
    """What a batch says, made ready for the database as far as it can be without looking there."""

    batch: Batch
    people: Mapping[PersonId, Member]  # their profiles, should they be new
    orders: Mapping[str, Draft]  # their rows, should they be new


def prepare(source_id: UUID, role: str, items: Sequence[Resolved]) -> Ready:
    """The costly part of `apply` that needs no lock and no database."""
    batch = read(role, items)
    ids = new_ids(len(batch.people) + len(batch.orders))
    people: dict[PersonId, Member] = {}
    for key, came in batch.people.items():
        if came.landed_id is not None:
            member = people[key] = profiles.draft(source_id, key, came, next(ids))
            member.alone = cards.alone(member)
    drafts = {one: order_rows.draft(source_id, next(ids), came) for one, came in batch.orders.items()}
    return Ready(batch, people, drafts)


def apply(
    session: Session, source_id: UUID, items: Sequence[Resolved], *, ready: Ready | None = None,
    bulk: bool = False,
) -> Outcome:  # fmt: skip
    """Write what a source says, in the caller's transaction; saying it again changes nothing.

    The later of two items about one object holds. Everybody else who writes the graph waits until the
    transaction ends, so callers keep it short: some thousand items. `ready` is what `prepare` made of them.
    With `bulk` it is one of many batches: figures of cards are left to `stats.catch_up`, and when no profile
    is new or changed, others may do the same at the same time.
    """
    role = session.execute(_ROLE, {"id": source_id}).scalar_one()
    ready = ready or prepare(source_id, role, items)
    batch = ready.batch
    found, settled, placed = _places(session, source_id, ready, bulk)
    for one in placed:
        one.customer = found.customer.get(one.profile) if one.profile else None
    orders.write(session, placed)
    touch_profiles(session, _cards_of(placed))  # what somebody orders is among what matching keeps ready
    changed = products.write(session, source_id, batch.products)
    billed = _bill(session, source_id, batch, found)
    touched = settled.cards | _cards_of(placed) | billed.cards
    touched |= _gone(session, source_id, batch, found, placed, billed)
    touched |= mail.write(session, source_id, batch.messages, found.ids)
    (stats.postpone if bulk else stats.refresh)(session, touched)
    counts = {
        "profiles_new": found.new,
        "profiles_changed": len(found.members) - found.new,
        "orders_new": sum(one.was is None for one in placed),
        "orders_changed": sum(one.was is not None for one in placed),
        "products_changed": changed,
        "gone": batch.gone,
        **billed.counts,
    }
    return Outcome(counts, touched)


Places = tuple[Found, Settled, list[Placed]]


def _places(session: Session, source: UUID, ready: Ready, bulk: bool) -> Places:
    """Where everything belongs; new and changed profiles find their cards.

    Orders of known buyers change no card: batches of them share the lock and are written side by side.
    """
    batch = ready.batch
    alone = batch.loses_something or batch.settles
    if bulk and not alone and all(came.landed_id is None for came in batch.people.values()):
        with session.begin_nested() as attempt:
            lock(session, GRAPH_LOCK, shared=True)
            found = _profiles(session, source, ready)
            placed = _orders(session, source, ready, found)
            if not found.members and not any(_moves(one, found) for one in placed):
                return found, Settled(), placed
            attempt.rollback()  # gives the lock back
    lock(session, GRAPH_LOCK)
    found = _profiles(session, source, ready)
    settled = _people(session, found)
    return found, settled, _orders(session, source, ready, found)


def _profiles(session: Session, source: UUID, ready: Ready) -> Found:
    batch = ready.batch
    buyers = [batch.buyer_id(came.record) for came in batch.orders.values()]
    named = [key for key in buyers if key]
    return profiles.find(session, source, batch.people, named, ready.people, batch.payers())


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


def _orders(session: Session, source: UUID, ready: Ready, found: Found) -> list[Placed]:
    """The orders to write; their profiles have ids by now."""
    keys = {one: ready.batch.buyer_id(came.record) for one, came in ready.batch.orders.items()}
    buyers = {one: found.ids.get(key) for one, key in keys.items() if key}
    return orders.find(session, source, ready.batch.orders, buyers, ready.orders)


def _bill(session: Session, source: UUID, batch: Batch, found: Found) -> Billed:
    """Write invoices and payments; their part is loaded at the first one: no process needs it to start."""
    if not batch.settles:
        return Billed()
    billed: Billed = import_module("customers.settling").write(
        session, source, batch, found.ids, found.customer
    )
    return billed


def _moves(one: Placed, found: Found) -> bool:
    """Whether an order comes to a profile that it was not on before, or that is gone."""
    elsewhere = one.was is not None and (one.was[0] != one.profile or one.was_gone)
    return elsewhere or one.profile in found.gone


def _cards_of(placed: Collection[Placed]) -> set[UUID]:
    """Cards whose figures the orders change, the ones they leave included."""
    cards = {one.customer for one in placed} | {one.was[1] for one in placed if one.was}
    return {card for card in cards if card is not None}


def _gone(
    session: Session, source: UUID, batch: Batch, found: Found, placed: Sequence[Placed], billed: Billed
) -> set[UUID]:
    """Mark what the source has no more; cards on which nobody is left die, those with facts stay."""
    products.gone(session, source, batch.gone_products)
    left, cards = orders.gone(session, source, batch.gone_orders)
    left |= {one.was[0] for one in placed if one.was and one.was[0] and one.was[0] != one.profile}
    left |= billed.left
    cards |= _profiles_gone(session, source, batch.main_kind, batch.gone_people)
    cards |= _idle_buyers_gone(session, left)
    named = {one.profile for one in placed} | billed.profiles
    cards |= {card for one in found.gone & named if (card := found.customer.get(one))}
    if not cards:
        return set()
    touch_profiles(session, cards)
    return cards | graph.redraw(session, cards).cards


def _profiles_gone(session: Session, source: UUID, kind: str, gone: Mapping[str, datetime]) -> set[UUID]:
    if not gone:
        return set()
    query = text(
        "UPDATE profiles p SET gone_at = g.at FROM unnest(CAST(:ids AS text[]), CAST(:ats AS timestamptz[]))"
        " AS g (external_id, at) WHERE p.source_id = :source AND p.kind = :kind"
        " AND p.external_id = ANY(:ids) AND p.external_id = g.external_id AND p.gone_at IS NULL"
        " RETURNING p.customer_id"
    )
    values = {"source": source, "kind": kind, "ids": list(gone), "ats": list(gone.values())}
    return {card for card in session.execute(query, values).scalars() if card}


def _idle_buyers_gone(session: Session, left: Collection[UUID]) -> set[UUID]:
    """Buyers known only from orders, invoices and payments go when the last of these does."""
    if not left:
        return set()
    query = text(
        "UPDATE profiles p SET gone_at = :at WHERE p.id = ANY(:ids) AND p.gone_at IS NULL"
        " AND (p.kind = 'guest' OR p.landed_id IS NULL)"
        f" AND NOT {graph.KEPT}"
        " RETURNING p.customer_id"
    )
    rows = session.execute(query, {"at": now(), "ids": list(left)}).scalars().all()
    gone = session.execute(
        text("SELECT DISTINCT customer_id FROM profiles WHERE id = ANY(:ids) AND gone_at IS NOT NULL"),
        {"ids": list(left)},
    ).scalars()
    return {card for card in (*rows, *gone) if card}
