"""The customer card: who it is, what matters, and its tabs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.orm import aliased
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console import captured, pairs
from console import card as cards
from console.happenings import Told, tell
from console.pages import customer_letters, journey_people, money
from console.pages.duplicates import pairs_of
from console.templating import link
from console.web import Call, as_id
from console.whose import BROWSERS
from customers import bills, card, graph, merge, search, timeline
from customers.card import Card, ConsentView, ProfileView
from customers.facts import Order, OrderLine
from customers.segments import people
from customers.tables import Customer, Source
from foundation.clock import now
from foundation.errors import BadInput
from foundation.records import Shipment
from foundation.text import _

EVENTS, ORDERS = 50, 50
TABS = ("timeline", "orders", "money", "letters", "profiles", "segments", "journeys", "links")
KINDS = ("", "order", "money", "web", "letter")
MONEY = ("invoice", "payment")


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
    unverified: bool = False  # said by a browser, of somebody it only claims to be
    details: str = ""  # where it is explained


def show(call: Call) -> Response:
    """The card on one of its tabs; the id of a merged card leads to the one it went into."""
    tab = call.query("tab") if call.query("tab") in TABS else "timeline"
    first = tab == "orders" and not call.query("before")
    try:
        one = card.read(call.db, call.id(), ORDERS if first else 0)
    except BadInput:
        raise HTTPException(404) from None
    if one.id != one.asked:
        return call.go(f"/customers/{one.id}")
    if not one.live:
        raise HTTPException(404, _("Nothing is left of this card: its sources have it no more."))
    profiles = one.profiles[: cards.SHOWN]
    return call.page(
        "customer.html",
        card=one,
        value={name: field.value for name, field in one.fields.items()},
        others=_other_sums(one),
        debts=_debts(one),
        late=one.stats.due_at is not None and one.stats.due_at < now(),
        tab=tab,
        tabs=_tabs(one),
        profiles=profiles,
        sources={profile.source for profile in one.profiles},
        golden=cards.golden_fields(one, call.reader),
        consents=_lights(one),
        duplicates=pairs_of(call, one.id) if tab in ("timeline", "profiles") else [],
        **_tab(call, one, tab, profiles),
    )


def _tabs(one: Card) -> list[tuple[str, str, int | None]]:
    return [
        ("timeline", _("Timeline"), None),
        ("orders", _("Orders"), one.stats.orders),
        ("money", _("Money"), one.stats.invoices or None),  # there may be payments without one
        ("letters", _("Letters"), None),
        ("profiles", _("Profiles"), one.stats.profiles),
        ("segments", _("Segments"), None),
        ("journeys", _("Journeys"), None),
        ("links", _("Why one card"), None),
    ]


def _other_sums(one: Card) -> list[tuple[str, Decimal]]:
    """What was bought in other currencies than the card's main one."""
    sums = sorted(one.stats.sums.items())
    return [(code, Decimal(total)) for code, total in sums if code != one.stats.currency]


def _debts(one: Card) -> list[tuple[str, Decimal]]:
    """What is owed, the card's main currency first."""
    debts = sorted(one.stats.debts.items(), key=lambda debt: (debt[0] != one.stats.currency, debt[0]))
    return [(code, Decimal(owed)) for code, owed in debts]


def _lights(one: Card) -> list[Light]:
    """The strictest word on each channel: the newest of each profile, a withdrawal before a consent."""
    names = {"email": _("E-mail"), "sms": _("SMS"), "phone": _("Phone"), "push": _("Push"), "post": _("Post")}
    said: dict[tuple[UUID, str], ConsentView] = {}
    for row in one.consents:  # the newest first
        if row.purpose == "marketing":
            said.setdefault((row.profile_id, row.channel), row)
    strictest: dict[str, ConsentView] = {}
    for row in said.values():
        before = strictest.get(row.channel)
        if before is None or (before.given and not row.given):
            strictest[row.channel] = row
    words = {True: _("%s: consent since"), False: _("%s: withdrawn")}
    return [
        Light(words[row.given] % names.get(row.channel, row.channel), row.given, row.at)
        for row in sorted(strictest.values(), key=lambda row: list(names).index(row.channel))
    ]


def _tab(call: Call, one: Card, tab: str, profiles: Sequence[ProfileView]) -> dict[str, Any]:
    """What only the open tab needs."""
    if tab == "timeline":
        return _timeline(call, one.id, _claimed(one))
    if tab == "orders":
        return _orders(call, one)
    if tab == "money":
        return money.tab(call, one.id)
    if tab == "profiles":
        return {"sides": cards.sides(profiles, call.reader), "reasons": cards.reasons(one),
                "kinds": cards.kind_words}  # fmt: skip
    if tab == "letters":
        return customer_letters.tab(call, one.id)
    if tab == "segments":
        return {"standings": people.of_customer(call.db, one.id)}
    if tab == "journeys":
        return journey_people.of_card(call.db, one.id)
    return {"because": cards.because, "weights": pairs.weights}


def _claimed(one: Card) -> set[UUID]:
    """The profiles that a browser only claims to be: none beside somebody known (docs/decisions/0013)."""
    kinds = {profile.kind for profile in one.profiles if profile.gone_at is None}
    leads = {profile.id for profile in one.profiles if profile.kind == "lead"}
    return leads if kinds <= {*BROWSERS} else set()


def _timeline(call: Call, customer: UUID, claimed: Collection[UUID]) -> dict[str, Any]:
    kind = call.query("kind") if call.query("kind") in KINDS else ""
    before = call.query("before") or None
    kinds = MONEY if kind == "money" else (kind,) if kind else ()
    page = timeline.page(call.db, customer, before, kinds, EVENTS)
    days: list[tuple[str, list[Event]]] = []
    for row in page.events:
        day = call.reader.day(row.occurred_at)
        if not days or days[-1][0] != day:
            days.append((day, []))
        days[-1][1].append(_event(row, claimed))
    here = f"/customers/{customer}"
    return {
        "days": days,
        "kind": kind,
        "kinds": [
            ("", _("All")),
            ("order", _("Orders")),
            ("money", _("Invoices and payments")),
            ("web", _("On the site")),
            ("letter", _("Letters")),
        ],
        "older": link(here, kind=kind, before=page.next) if page.next else "",
        "newer": link(here, kind=kind) if before else "",
    }


def _event(row: timeline.Event, claimed: Collection[UUID]) -> Event:
    details = f"/sites/{row.source_id}/events/{row.id}" if row.kind.startswith(captured.PREFIX) else ""
    unverified = row.profile_id in claimed
    return Event(row.occurred_at, row.source or "", tell(row.kind, row.data), unverified, details)


def _orders(call: Call, one: Card) -> dict[str, Any]:
    before = call.query("before")
    rows, more = list(one.orders), one.more_orders
    if before:
        rows, more = card.orders(call.db, one.id, before, ORDERS)
    here = f"/customers/{one.id}"
    return {
        "orders": rows,
        "older": link(here, tab="orders", before=more) if more else "",
        "newer": link(here, tab="orders") if before else "",
    }


def order(call: Call) -> Response:
    """One order with its lines; an order that a ledger sent back beside the one it is."""
    twin, keeper = aliased(Order), aliased(Source)
    found = call.db.execute(
        select(Order, Source, Customer, twin, keeper)
        .join(Source, Source.id == Order.source_id)
        .outerjoin(Customer, Customer.id == Order.customer_id)
        .outerjoin(twin, or_(twin.copy_of == Order.id, twin.id == Order.copy_of))
        .outerjoin(keeper, keeper.id == twin.source_id)
        .where(Order.id == call.id())
        .order_by(twin.changed_at.desc())
    ).first()
    if found is None:
        raise HTTPException(404)
    one, source, customer, other, other_source = found
    lines = call.db.scalars(
        select(OrderLine).where(OrderLine.order_id == one.id).order_by(OrderLine.position).limit(1000)
    )
    return call.page(
        "order.html", order=one, source=source, lines=list(lines), customer=customer, details=_details(one),
        twin=other, keeper=other_source, bills=bills.of_order(call.db, one.id), at=now(),
        shipments=msgspec.convert((one.details or {}).get("shipments", ()), tuple[Shipment, ...]),
    )  # fmt: skip


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
    left = _live(call, call.id())
    other = call.query("with")
    if other:
        right = _live(call, as_id(other))
        if right.id == left.id:
            raise BadInput(_("These two are one card already."), "with")
        return call.page(
            "merge.html", card=left, find="", found=[], pair=pairs.pair(left, right, call.reader)
        )
    find = call.query("find")
    found = search.find(call.db, find, limit=12).rows if find else []
    return call.page(
        "merge.html", card=left, find=find, found=[row for row in found if row.id != left.id], pair=None
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
