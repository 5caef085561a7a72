"""Visits, carts, orders that pages told of, what was abandoned, and what advertising cost.

Everything but the costs is computed from captured events by `visits`, `carts` and `abandonment`.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from customers.tables import Money
from foundation.clock import new_id
from foundation.database import Base
from foundation.tables import Time


class Visit(Base):
    """What one device did on a site without a long pause, and where it came from."""

    __tablename__ = "visits"
    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    device: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(Time, primary_key=True)
    ended_at: Mapped[datetime] = mapped_column(Time)
    channel: Mapped[str]  # see origins.CHANNELS
    source: Mapped[str]  # empty, like the medium: nobody knows, "direct"
    medium: Mapped[str]
    campaign: Mapped[str]
    term: Mapped[str]
    content: Mapped[str]
    clicks: Mapped[str]  # advertisers' click ids, as in a query: gclid=…
    referrer: Mapped[str]  # host
    landing: Mapped[str]  # address of the first page
    pages: Mapped[int]
    events: Mapped[int]
    orders: Mapped[list[list[str]]] = mapped_column(JSONB)  # [id, amount, currency]
    value: Mapped[Decimal] = mapped_column(Money)  # of those in `currency`
    currency: Mapped[str]  # of the first order
    trail: Mapped[bytes] = mapped_column(LargeBinary)  # see trails.py
    __table_args__ = (Index("ix_visits_started_at", "started_at"),)


class Cart(Base):
    """The present cart of a visitor: by the shop's cart id and the device, else by the device."""

    __tablename__ = "carts"
    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)  # c:<cart id> <device>, d:<device>, p:<profile>
    cart_id: Mapped[str]  # the shop's, else empty
    device: Mapped[str]
    profile_id: Mapped[UUID | None]
    state: Mapped[str]  # open ordered abandoned emptied
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    items: Mapped[Decimal] = mapped_column(Money)
    value: Mapped[Decimal | None] = mapped_column(Money)  # None: prices are not known
    currency: Mapped[str]
    url: Mapped[str]  # where it can be seen again
    since: Mapped[datetime] = mapped_column(Time)  # when this filling of it began
    changed_at: Mapped[datetime] = mapped_column(Time)
    acted_at: Mapped[datetime | None] = mapped_column(Time)  # the same without clicks in our own letters
    active_at: Mapped[datetime | None] = mapped_column(Time)  # the same without mere looks at the cart
    checkout_at: Mapped[datetime | None] = mapped_column(Time)
    checkout_id: Mapped[str]
    order_id: Mapped[str]  # of the checkout or the order
    ordered_at: Mapped[datetime | None] = mapped_column(Time)
    abandoned_at: Mapped[datetime | None] = mapped_column(Time)  # its `acted_at` when it was given up
    due_at: Mapped[datetime | None] = mapped_column(Time)  # when to look whether it is
    log: Mapped[bytes] = mapped_column(LargeBinary)  # see carts/log.py
    __table_args__ = (
        Index("ix_carts_device", "site_id", "device"),
        Index("ix_carts_cart_id", "site_id", "cart_id", postgresql_where=text("cart_id <> ''")),
        Index("ix_carts_changed_at", "changed_at", "key"),
        Index("ix_carts_profile_id", "profile_id"),  # segments ask for a customer's cart
        Index("ix_carts_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )


class Browsing(Base):
    """The products that a device looked at last."""

    __tablename__ = "browsings"
    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    device: Mapped[str] = mapped_column(primary_key=True)
    profile_id: Mapped[UUID | None]
    viewed_at: Mapped[datetime] = mapped_column(Time)
    due_at: Mapped[datetime | None] = mapped_column(Time)
    log: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (Index("ix_browsings_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),)


class WebOrder(Base):
    """An order that an event told of. The earliest word about an order id holds, proved ones before all."""

    __tablename__ = "web_orders"
    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Time)
    device: Mapped[str]
    profile_id: Mapped[UUID | None]
    cart_id: Mapped[str]
    checkout_id: Mapped[str]
    total: Mapped[Decimal | None] = mapped_column(Money)
    currency: Mapped[str]
    proved: Mapped[bool]  # told with the site's secret key; else anybody may have said it
    __table_args__ = (
        Index("ix_web_orders_device", "site_id", "device"),
        Index("ix_web_orders_cart_id", "site_id", "cart_id", postgresql_where=text("cart_id <> ''")),
        Index(
            "ix_web_orders_checkout_id", "site_id", "checkout_id", postgresql_where=text("checkout_id <> ''")
        ),
        Index("ix_web_orders_profile_id", "profile_id"),
        Index("ix_web_orders_at", "at"),
        Index("ix_web_orders_order_id", "order_id"),
    )


class WebReturn(Base):
    """Money of an order that went back, as the shop's own server told it."""

    __tablename__ = "web_returns"
    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(primary_key=True)
    cancelled: Mapped[bool]  # the whole order; else a refund
    amount: Mapped[Decimal | None] = mapped_column(Money)  # None: all of it
    currency: Mapped[str]


class Abandonment(Base):
    """Something given up, told on the timeline once, and whether an order came of it after all."""

    __tablename__ = "abandonments"
    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    source_key: Mapped[str] = mapped_column(primary_key=True)  # of the timeline row
    kind: Mapped[str]  # cart checkout browse
    subject: Mapped[str]  # the cart's key; of a browse the device's
    device: Mapped[str]
    profile_id: Mapped[UUID | None]
    since: Mapped[datetime] = mapped_column(Time)
    acted_at: Mapped[datetime] = mapped_column(Time)
    at: Mapped[datetime] = mapped_column(Time)  # when the silence was long enough
    cart_id: Mapped[str]
    checkout_id: Mapped[str]
    order_id: Mapped[str]
    value: Mapped[Decimal | None] = mapped_column(Money)
    currency: Mapped[str]
    looked_at: Mapped[datetime] = mapped_column(Time)  # for an order, the last time
    look_at: Mapped[datetime | None] = mapped_column(Time)  # the next time
    recovered_at: Mapped[datetime | None] = mapped_column(Time)
    recovered_by: Mapped[str]  # cart checkout order device person: what the order and it have in common
    __table_args__ = (
        Index("ix_abandonments_subject", "site_id", "subject"),
        Index("ix_abandonments_device", "site_id", "device"),
        Index("ix_abandonments_profile_id", "profile_id"),
        Index(
            "ix_abandonments_checkout_id",
            "site_id",
            "checkout_id",
            postgresql_where=text("checkout_id <> ''"),
        ),
        Index("ix_abandonments_order_id", "site_id", "order_id", postgresql_where=text("order_id <> ''")),
        Index("ix_abandonments_at", "at"),
        Index("ix_abandonments_look_at", "look_at", postgresql_where=text("look_at IS NOT NULL")),
    )


class SoftVisitor(Base):
    """A device that came by a letter, and for whom that was written: a hint, no link."""

    __tablename__ = "soft_visitors"
    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    device: Mapped[str] = mapped_column(primary_key=True)
    profile_id: Mapped[UUID] = mapped_column(primary_key=True)
    first_at: Mapped[datetime] = mapped_column(Time)
    last_at: Mapped[datetime] = mapped_column(Time)
    __table_args__ = (Index("ix_soft_visitors_profile_id", "profile_id"),)


class AdCost(Base):
    """What a campaign cost on a day. A row that another import replaced stays, for the undo."""

    __tablename__ = "ad_costs"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    day: Mapped[date]
    source: Mapped[str]
    medium: Mapped[str]
    campaign: Mapped[str]
    currency: Mapped[str]
    cost: Mapped[Decimal] = mapped_column(Money)
    operation_id: Mapped[UUID]
    replaced_by: Mapped[UUID | None]  # the operation
    __table_args__ = (
        Index(
            "uq_ad_costs_in_force", "day", "source", "medium", "campaign", "currency", unique=True,
            postgresql_where=text("replaced_by IS NULL"),
        ),
        Index("ix_ad_costs_operation_id", "operation_id"),
        Index("ix_ad_costs_replaced_by", "replaced_by", postgresql_where=text("replaced_by IS NOT NULL")),
    )  # fmt: skip
