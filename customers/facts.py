"""What happened to a profile: orders, products, invoices, consents and the timeline."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, LargeBinary, literal_column, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from customers.tables import Money
from foundation.clock import new_id, now
from foundation.database import Base
from foundation.tables import Time

# of an index for looking at the newest rows of what is only ever added to: next to nothing to keep
NEWEST = {"pages_per_range": 16, "autosummarize": "on"}
# of letters' timeline rows; an index of them is found by the one kind a question names, as LIKE would not be
LETTERS = (
    "'letter.sent', 'letter.opened', 'letter.clicked', 'letter.bounced', 'letter.complained',"
    " 'letter.unsubscribed', 'letter.replied', 'letter.answered'"
)
# and of those that say who wanted a product
WANTED = (
    "'browse.abandoned', 'cart.abandoned', 'checkout.abandoned', 'web.product_added_to_wishlist',"
    " 'web.back_in_stock_asked'"
)


class Order(Base):
    """An order. `customer_id` is derived and follows the profile's links."""

    __tablename__ = "orders"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source_id: Mapped[UUID]
    external_id: Mapped[str]
    number: Mapped[str]
    profile_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None]
    copy_of: Mapped[UUID | None]  # the order of ours that a ledger sends back: it is counted there
    state: Mapped[str]
    source_state: Mapped[str] = mapped_column(default="")
    currency: Mapped[str]
    total: Mapped[Decimal] = mapped_column(Money)
    discount: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    shipping: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    tax: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    refunded: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)  # coupons, addresses, note, extra
    placed_at: Mapped[datetime | None] = mapped_column(Time)
    changed_at: Mapped[datetime] = mapped_column(Time)
    landed_id: Mapped[int | None] = mapped_column(BigInteger)
    record_hash: Mapped[bytes] = mapped_column(LargeBinary)
    gone_at: Mapped[datetime | None] = mapped_column(Time)
    __table_args__ = (
        Index("uq_orders_source_id_external_id", "source_id", "external_id", unique=True),
        Index("ix_orders_customer_id", "customer_id", "placed_at"),
        Index("ix_orders_profile_id", "profile_id", "placed_at"),
        Index("ix_orders_number", "number"),
        Index("ix_orders_placed_at", "placed_at"),
        Index("ix_orders_copy_of", "copy_of", postgresql_where=text("copy_of IS NOT NULL")),
        Index(
            "ix_orders_unsettled",
            "source_id",
            "placed_at",
            postgresql_where=text("state IN ('open', 'paid', 'shipped') AND gone_at IS NULL"),
        ),
    )


class OrderLine(Base):
    """One line of an order; money in the order's currency."""

    __tablename__ = "order_lines"
    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    product_external_id: Mapped[str] = mapped_column(default="")
    sku: Mapped[str] = mapped_column(default="")
    name: Mapped[str] = mapped_column(default="")
    quantity: Mapped[Decimal] = mapped_column(Money)
    unit_price: Mapped[Decimal] = mapped_column(Money)
    discount: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    tax: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    total: Mapped[Decimal] = mapped_column(Money)


class Product(Base):
    """A nomenclature item as one source knows it."""

    __tablename__ = "products"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source_id: Mapped[UUID]
    external_id: Mapped[str]
    name: Mapped[str]
    sku: Mapped[str] = mapped_column(default="")
    price: Mapped[Decimal | None] = mapped_column(Money)
    currency: Mapped[str] = mapped_column(default="")
    record: Mapped[dict[str, Any]] = mapped_column(JSONB)
    record_hash: Mapped[bytes] = mapped_column(LargeBinary)
    changed_at: Mapped[datetime] = mapped_column(Time)
    landed_id: Mapped[int | None] = mapped_column(BigInteger)
    gone_at: Mapped[datetime | None] = mapped_column(Time)
    __table_args__ = (
        Index("uq_products_source_id_external_id", "source_id", "external_id", unique=True),
        Index("ix_products_sku", "sku"),
    )


class ProductMove(Base):
    """A product's price became another, or it can be bought again; append-only, none for a new product."""

    __tablename__ = "product_moves"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    product_id: Mapped[UUID]
    what: Mapped[str]  # price back
    was: Mapped[Decimal | None] = mapped_column(Money)  # the prices; of what is back they may be equal
    now: Mapped[Decimal | None] = mapped_column(Money)
    currency: Mapped[str]
    at: Mapped[datetime] = mapped_column(Time)  # when we learned of it
    __table_args__ = (Index("ix_product_moves_at", "at"), Index("ix_product_moves_product_id", "product_id"))


class Invoice(Base):
    """A bill to a counterparty. `said_*` is its source's word; `state` and `paid` are that and its payments.

    `order_number` names an order of any shop that is on the same card.
    """

    __tablename__ = "invoices"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source_id: Mapped[UUID]
    external_id: Mapped[str]
    number: Mapped[str]
    profile_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None]
    state: Mapped[str]  # draft open paid cancelled gone
    currency: Mapped[str]
    total: Mapped[Decimal] = mapped_column(Money)
    paid: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    said_state: Mapped[str] = mapped_column(server_default="open")
    said_paid: Mapped[Decimal] = mapped_column(Money, server_default="0")
    received: Mapped[Decimal] = mapped_column(Money, server_default="0")  # its payments
    order_number: Mapped[str] = mapped_column(server_default="")
    issued_at: Mapped[datetime | None] = mapped_column(Time)
    due_at: Mapped[datetime | None] = mapped_column(Time)
    settled_at: Mapped[datetime | None] = mapped_column(Time)  # since when it is paid
    changed_at: Mapped[datetime | None] = mapped_column(Time)
    landed_id: Mapped[int | None] = mapped_column(BigInteger)
    record_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    gone_at: Mapped[datetime | None] = mapped_column(Time)
    __table_args__ = (
        Index("uq_invoices_source_id_external_id", "source_id", "external_id", unique=True),
        Index("ix_invoices_customer_id", "customer_id", "issued_at"),
        Index("ix_invoices_profile_id", "profile_id"),
        Index("ix_invoices_issued_at", "issued_at", "id"),
        Index("ix_invoices_number", "number", postgresql_where=text("number <> ''")),
        Index("ix_invoices_order_number", "order_number", postgresql_where=text("order_number <> ''")),
        Index("ix_invoices_due_at", "due_at"),
    )


class InvoiceLine(Base):
    """One line of an invoice; money in the invoice's currency."""

    __tablename__ = "invoice_lines"
    invoice_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    product_external_id: Mapped[str] = mapped_column(default="")
    sku: Mapped[str] = mapped_column(default="")
    name: Mapped[str] = mapped_column(default="")
    quantity: Mapped[Decimal] = mapped_column(Money)
    unit_price: Mapped[Decimal] = mapped_column(Money)
    discount: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    tax: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))
    total: Mapped[Decimal] = mapped_column(Money)


class InvoiceMove(Base):
    """What its source says of an invoice became another; append-only, a new invoice has the first row."""

    __tablename__ = "invoice_moves"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    invoice_id: Mapped[UUID]
    state: Mapped[str]
    paid: Mapped[Decimal] = mapped_column(Money)
    at: Mapped[datetime] = mapped_column(Time)  # when it happened, as far as the source says
    received_at: Mapped[datetime] = mapped_column(Time)
    __table_args__ = (Index("ix_invoice_moves_invoice_id", "invoice_id"),)


class Payment(Base):
    """Money received from a counterparty (positive) or given back (negative)."""

    __tablename__ = "payments"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source_id: Mapped[UUID]
    external_id: Mapped[str]
    profile_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None]
    currency: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(Money)
    number: Mapped[str] = mapped_column(default="")
    invoice_external_id: Mapped[str] = mapped_column(default="")
    order_number: Mapped[str] = mapped_column(default="")
    invoice_id: Mapped[UUID | None]  # the one it pays, found by the two above
    paid_at: Mapped[datetime] = mapped_column(Time)  # as its source says, else when it was received
    landed_id: Mapped[int | None] = mapped_column(BigInteger)
    record_hash: Mapped[bytes] = mapped_column(LargeBinary)
    gone_at: Mapped[datetime | None] = mapped_column(Time)
    __table_args__ = (
        Index("uq_payments_source_id_external_id", "source_id", "external_id", unique=True),
        Index("ix_payments_customer_id", "customer_id", "paid_at"),
        Index("ix_payments_profile_id", "profile_id"),
        Index("ix_payments_paid_at", "paid_at", "id"),
        Index("ix_payments_invoice_id", "invoice_id", postgresql_where=text("invoice_id IS NOT NULL")),
        Index("ix_payments_invoice_external_id", "invoice_external_id", "source_id",
              postgresql_where=text("invoice_external_id <> ''")),
        Index("ix_payments_order_number", "order_number", postgresql_where=text("order_number <> ''")),
    )  # fmt: skip


class ConsentRow(Base):
    """One consent given or withdrawn, append-only; hangs on the profile, so a split takes it along."""

    __tablename__ = "consents"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    profile_id: Mapped[UUID]
    channel: Mapped[str]
    purpose: Mapped[str]
    given: Mapped[bool]
    at: Mapped[datetime] = mapped_column(Time)
    text: Mapped[str] = mapped_column(default="")
    form: Mapped[str] = mapped_column(default="")
    ip: Mapped[str] = mapped_column(default="")
    source_key: Mapped[str]  # repeats of the same statement are one row
    received_at: Mapped[datetime] = mapped_column(Time, default=now)
    __table_args__ = (
        Index("uq_consents_profile_id_source_key", "profile_id", "source_key", unique=True),
        Index("ix_consents_received_at", "received_at", postgresql_using="brin", postgresql_with=NEWEST),
    )


class TimelineRow(Base):
    """Something that happened to a profile, append-only, once per source key."""

    __tablename__ = "timeline"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    source_id: Mapped[UUID]
    source_key: Mapped[str]
    profile_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None]  # derived, follows the profile's links
    kind: Mapped[str]  # order.placed order.paid order.shipped order.refunded order.cancelled …
    occurred_at: Mapped[datetime] = mapped_column(Time)
    received_at: Mapped[datetime] = mapped_column(Time, default=now)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    __table_args__ = (
        Index("uq_timeline_source_id_source_key", "source_id", "source_key", unique=True),
        Index("ix_timeline_customer_id", "customer_id", "occurred_at", "id"),
        Index("ix_timeline_profile_id", "profile_id"),
        Index(
            "ix_timeline_form",
            "source_id",
            text("((data -> 'properties'::text) ->> 'form_id'::text)"),
            "id",
            postgresql_where=text("kind = 'web.lead' AND data -> 'properties' ? 'form_id'"),
        ),
        Index("ix_timeline_web", "source_id", "id", postgresql_where=text("kind LIKE 'web.%'")),
        Index(
            "ix_timeline_letters", "kind", "occurred_at", "customer_id",
            postgresql_where=text(f"kind IN ({LETTERS})"),
        ),
        Index("ix_timeline_received_at", "received_at", postgresql_using="brin", postgresql_with=NEWEST),
        Index(
            "ix_timeline_wanted",
            literal_column("COALESCE(data -> 'lines'::text, data -> 'products'::text)").label("wanted"),
            postgresql_using="gin", postgresql_ops={"wanted": "jsonb_path_ops"},
            postgresql_where=text(f"kind IN ({WANTED})"),
        ),
    )  # fmt: skip
