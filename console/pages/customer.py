"""The customer card: who it is, what matters, and its tabs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console import card as cards
from console.happenings import Told, tell
from console.pages.duplicates import pairs_of
from console.templating import link
from console.web import Call, as_id
from customers import graph, merge, search, timeline
from customers.facts import Order, OrderLine
from customers.tables import Customer, CustomerStats, Source
from foundation.errors import BadInput
from foundation.text import _

EVENTS, ORDERS = 50, 50
TABS = ("timeline", "orders", "profiles", "links")
KINDS = ("", "order", "visit", "letter")

_PROFILES = text(
    """
    SELECT p.id, p.source_id, p.kind, p.external_id, p.changed_at, p.gone_at, p.record, s.name AS source,
           s.role, h.rule, h.evidence, count(*) OVER () AS profiles
      FROM profiles p JOIN sources s ON s.id = p.source_id
      LEFT JOIN LATERAL (SELECT rule, evidence FROM profile_links l
                          WHERE l.profile_id = p.id AND l.until IS NULL
                          ORDER BY l.rule = 'manual', l.id LIMIT 1) h ON true
     WHERE p.customer_id = :card ORDER BY p.gone_at IS NOT NULL, p.kind, p.changed_at DESC LIMIT :limit
    """
)
_CONSENTS = text(
    """
    SELECT DISTINCT ON (c.channel) c.channel, c.given, c.at FROM consents c
      JOIN profiles p ON p.id = c.profile_id
     WHERE p.customer_id = :card AND c.purpose = 'marketing' ORDER BY c.channel, c.given, c.at DESC
    """
)
_LINKS = text(
    """
    SELECT l.rule, l.evidence, l.actor, l.since, l.until, l.operation_id, p.external_id, s.name AS source
      FROM profile_links l JOIN profiles p ON p.id = l.profile_id JOIN sources s ON s.id = p.source_id
     WHERE p.customer_id = :card ORDER BY l.id DESC LIMIT 200
    """
)


@dataclass(frozen=True)
class Light:
    """Whether we may write on one channel."""

    words: str
    given: bool
    at: datetime | None


@dataclass(frozen=True)
class Event:
    """A line of the timeline."""

    at: datetime
    source: str
    told: Told
    operation: UUID | None = None


def show(call: Call) -> Response:
    """The card on one of its tabs; the id of a merged card leads to the one it went into."""
    found = call.db.execute(
        select(Customer, CustomerStats)
        .outerjoin(CustomerStats, CustomerStats.customer_id == Customer.id)
        .where(Customer.id == call.id())
    ).first()
    if found is None:
        raise HTTPException(404)
    card, stats = found
    if not card.live:
        return _elsewhere(call, card)
    tab = call.query("tab") if call.query("tab") in TABS else "timeline"
    rows = call.db.execute(_PROFILES, {"card": card.id, "limit": cards.SHOWN}).all()
    profiles = [cards.profile_of(row) for row in rows]
    count = rows[0].profiles if rows else 0
    return call.page(
        "customer.html",
        card=card,
        stats=stats,
        others=_other_sums(stats),
        tab=tab,
        tabs=_tabs(stats, count),
        profiles=profiles,
        profile_count=count,
        sources={profile.source_id for profile in profiles},
        golden=cards.golden_fields(card, profiles, call.reader),
        consents=_lights(call.db, card.id),
        duplicates=pairs_of(call, card) if tab in ("timeline", "profiles") else [],
        **_tab(call, card, tab, profiles),
    )


def _elsewhere(call: Call, card: Customer) -> Response:
    """A card that went into another answers with it for ever; one of which nothing is left says so."""
    try:
        return call.go(f"/customers/{graph.survivor(call.db, card.id)}")
    except BadInput:
        raise HTTPException(404, _("Nothing is left of this card: its sources have it no more.")) from None


def _tabs(stats: CustomerStats | None, profiles: int) -> list[tuple[str, str, int | None]]:
    return [
        ("timeline", _("Timeline"), None),
        ("orders", _("Orders"), stats.orders if stats else 0),
        ("profiles", _("Profiles"), profiles),
        ("links", _("Why one card"), None),
    ]


def _other_sums(stats: CustomerStats | None) -> list[tuple[str, Decimal]]:
    """What was bought in other currencies than the card's main one."""
    sums = (stats.sums or {}) if stats else {}
    return [
        (code, Decimal(total)) for code, total in sorted(sums.items()) if stats and code != stats.currency
    ]


def _lights(db: Session, card: UUID) -> list[Light]:
    """The strictest word on each channel."""
    names = {"email": _("E-mail"), "sms": _("SMS"), "phone": _("Phone"), "push": _("Push"), "post": _("Post")}
    lights = []
    for row in db.execute(_CONSENTS, {"card": card}):
        words = _("%s: consent since") if row.given else _("%s: withdrawn")
        lights.append(Light(words % names.get(row.channel, row.channel), row.given, row.at))
    return lights


def _tab(call: Call, card: Customer, tab: str, profiles: Sequence[cards.ProfileShown]) -> dict[str, Any]:
    """What only the open tab needs."""
    if tab == "timeline":
        return _timeline(call, card.id)
    if tab == "orders":
        return _orders(call, card.id)
    if tab == "profiles":
        return {"sides": cards.sides(profiles, call.reader)}
    rows = call.db.execute(_LINKS, {"card": card.id})
    return {
        "links": [{**row._mapping, "because": cards.because(row.rule, row.evidence or {})} for row in rows]
    }


def _timeline(call: Call, card: UUID) -> dict[str, Any]:
    kind = call.query("kind") if call.query("kind") in KINDS else ""
    before = call.query("before") or None
    page = timeline.page(call.db, card, before, (kind,) if kind else (), EVENTS)
    days: list[tuple[str, list[Event]]] = []
    for row in page.events:
        day = call.reader.day(row.occurred_at)
        if not days or days[-1][0] != day:
            days.append((day, []))
        days[-1][1].append(Event(row.occurred_at, row.source or "", tell(row.kind, row.data)))
    here = f"/customers/{card}"
    names = {"": _("All"), "order": _("Orders"), "visit": _("Visits"), "letter": _("Letters")}
    return {
        "days": days,
        "kind": kind,
        "kinds": [(key, names[key]) for key in ("", "order")],
        "older": link(here, kind=kind, before=page.next) if page.next else "",
        "newer": link(here, kind=kind) if before else "",
    }


def _orders(call: Call, card: UUID) -> dict[str, Any]:
    placed = func.coalesce(Order.placed_at, Order.changed_at)
    query = (
        select(Order.id, Order.number, Order.state, Order.currency, Order.total, Order.refunded, Order.placed_at,
               placed.label("at"), Source.name.label("source"))
        .join(Source, Source.id == Order.source_id)
        .where(Order.customer_id == card, Order.gone_at.is_(None))
        .order_by(placed.desc(), Order.id.desc())
        .limit(ORDERS + 1)
    )  # fmt: skip
    before = call.query("before")
    if before:
        at, last = timeline_place(before)
        query = query.where(tuple_(placed, Order.id) < (at, last))
    rows = call.db.execute(query).all()
    here = f"/customers/{card}"
    more = ""
    if len(rows) > ORDERS:
        last_row = rows[ORDERS - 1]
        more = link(here, tab="orders", before=f"{last_row.at.isoformat()}~{last_row.id}")
    return {"orders": rows[:ORDERS], "older": more, "newer": link(here, tab="orders") if before else ""}


def timeline_place(said: str) -> tuple[datetime, UUID]:
    """The place in the list of orders that a page named; BadInput for anything else."""
    at, _tilde, last = said.rpartition("~")
    try:
        return datetime.fromisoformat(at), UUID(last)
    except ValueError:
        raise BadInput(_("This is no place in the list of orders. Open its first page."), "before") from None


def order(call: Call) -> Response:
    """One order with its lines."""
    found = call.db.execute(
        select(Order, Source).join(Source, Source.id == Order.source_id).where(Order.id == call.id())
    ).first()
    if found is None:
        raise HTTPException(404)
    one, source = found
    lines = call.db.scalars(
        select(OrderLine).where(OrderLine.order_id == one.id).order_by(OrderLine.position).limit(1000)
    )
    customer = call.db.get(Customer, one.customer_id) if one.customer_id else None
    return call.page(
        "order.html", order=one, source=source, lines=list(lines), customer=customer, details=_details(one)
    )


def _details(one: Order) -> list[tuple[str, str]]:
    """Coupons, addresses and notes of an order as text."""
    labels = {
        "coupons": _("Coupons"),
        "billing": _("Billed to"),
        "delivery": _("Delivered to"),
        "note": _("Note"),
    }
    shown = []
    for key, label in labels.items():
        value = (one.details or {}).get(key)
        if isinstance(value, dict):
            names = ("name", "line", "postcode", "city", "region", "country")
            parts = [value.get(name) for name in names]
            value = ", ".join(str(part) for part in parts if part)
        elif isinstance(value, list):
            value = ", ".join(map(str, value))
        if value:
            shown.append((label, str(value)))
    return shown


def merge_form(call: Call) -> Response:
    """Find the other card, then both side by side before anything happens."""
    card = _live(call, call.id())
    other = call.query("with")
    if other:
        right = _live(call, as_id(other))
        if right.id == card.id:
            raise BadInput(_("These two are one card already."), "with")
        return call.page(
            "merge.html", card=card, find="", found=[], pair=cards.pair(card, right, call.reader)
        )
    find = call.query("find")
    found = search.find(call.db, find, limit=12).rows if find else []
    return call.page(
        "merge.html", card=card, find=find, found=[row for row in found if row.id != card.id], pair=None
    )


def merge_them(call: Call) -> Response:
    """Merge the other card into this one; the older one's address stays."""
    operation = merge.merge(call.db, call.id(), as_id(call.text("with")), call.actor)
    keep = graph.survivor(call.db, call.id())
    return call.go(f"/customers/{keep}", _("The two cards are one now."), operation.id)


def split(call: Call) -> Response:
    """Take the ticked profiles out onto a card of their own."""
    ids = {as_id(one) for one in call.texts("profile")}
    if not ids:
        raise BadInput(_("Tick the profiles that are somebody else first."), "profile")
    operation = merge.split(call.db, ids, call.actor)
    return call.go(f"/customers/{graph.survivor(call.db, call.id())}?tab=profiles",
                   _("What was ticked has a card of its own now."), operation.id)  # fmt: skip


def _live(call: Call, customer_id: UUID) -> Customer:
    """The card that stands for an id; 404 when there is none."""
    try:
        return call.db.get_one(Customer, graph.survivor(call.db, customer_id))
    except BadInput:
        raise HTTPException(404) from None
