"""The unified customer record: sources, profiles, the links that make cards of them, facts and the cards.

What the store writes in bulk has no foreign keys: it is written under `GRAPH_LOCK`, nothing is removed, and
the checks cost as much as the rows (benchmarks/load.py). A test looks for orphans instead.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Numeric,
    SmallInteger,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from foundation.clock import new_id, now
from foundation.database import Base
from foundation.tables import Time

Money = Numeric(18, 4)
Texts = ARRAY(Text)


class Source(Base):
    """Where knowledge comes from: the identity of a connection as the customer record knows it."""

    __tablename__ = "sources"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]  # the connector's kind: vendure, woocommerce, spreadsheet …
    role: Mapped[str]  # shop accounting file site mailbox: what field policies speak of
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    removed_at: Mapped[datetime | None] = mapped_column(Time)


class Ours(Base):
    """Who we are, one row; empty texts where nobody has said."""

    __tablename__ = "our_company"
    id: Mapped[int] = mapped_column(primary_key=True)  # always 1
    name: Mapped[str] = mapped_column(default="")
    tax_number: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")


class Customer(Base):
    """The card. Golden fields are computed from profiles; `origins` names the profile each came from."""

    __tablename__ = "customers"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    live: Mapped[bool] = mapped_column(default=True)  # false: merged into another, or nothing of it is left
    merged_into: Mapped[UUID | None]  # dead ids answer for ever
    identified: Mapped[bool] = mapped_column(default=False)  # more than an anonymous visitor
    kind: Mapped[str] = mapped_column(default="person")  # person company
    name: Mapped[str] = mapped_column(default="")
    given_name: Mapped[str] = mapped_column(default="")
    family_name: Mapped[str] = mapped_column(default="")
    latin_name: Mapped[str] = mapped_column(default="")  # search form
    email: Mapped[str | None]
    phone: Mapped[str | None]  # E.164
    tax_number: Mapped[str | None]
    country: Mapped[str | None]
    city: Mapped[str | None]
    address: Mapped[str | None]
    language: Mapped[str | None]
    birthday: Mapped[date | None]
    tags: Mapped[list[str]] = mapped_column(Texts, default=list)
    origins: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)  # field -> profile id
    email_consent: Mapped[str | None]  # given withdrawn, for e-mail marketing; the strictest profile wins
    sms_consent: Mapped[str | None]
    search: Mapped[str] = mapped_column(TSVECTOR, default="")
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    changed_at: Mapped[datetime] = mapped_column(Time, default=now)
    __table_args__ = (
        Index("ix_customers_search", "search", postgresql_using="gin"),
        Index("ix_customers_merged_into", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
        Index("ix_customers_live_id", "id", postgresql_where=text("live")),
        Index("ix_customers_city", "city", "id", postgresql_where=text("live")),
        Index("ix_customers_country", "country", "id", postgresql_where=text("live")),
        Index(
            "ix_customers_email_consent",
            "email_consent",
            "id",
            postgresql_where=text("email_consent IS NOT NULL"),
        ),
        Index(
            "ix_customers_sms_consent", "sms_consent", "id", postgresql_where=text("sms_consent IS NOT NULL")
        ),
        Index(
            "ix_customers_birthday",
            text("((EXTRACT(month FROM birthday) * 100::numeric + EXTRACT(day FROM birthday))::integer)"),
            postgresql_where=text("live AND birthday IS NOT NULL"),
        ),
        Index("ix_customers_tags", "tags", postgresql_using="gin", postgresql_where=text("tags <> '{}'")),
    )


class CustomerStats(Base):
    """What a card adds up to; sums are in `currency`, the one most of its orders have, others in `sums`."""

    __tablename__ = "customer_stats"
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    profiles: Mapped[int] = mapped_column(default=0)
    orders: Mapped[int] = mapped_column(default=0)
    spent: Mapped[Decimal] = mapped_column(Money, default=Decimal(0))  # less refunds
    currency: Mapped[str | None]
    sums: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    invoices: Mapped[int] = mapped_column(server_default="0")
    debts: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")  # open invoices, per currency
    first_order_at: Mapped[datetime | None] = mapped_column(Time)
    last_order_at: Mapped[datetime | None] = mapped_column(Time)
    last_seen_at: Mapped[datetime | None] = mapped_column(Time)
    recency: Mapped[int | None] = mapped_column(SmallInteger)  # RFM: 5 is best
    frequency: Mapped[int | None] = mapped_column(SmallInteger)
    monetary: Mapped[int | None] = mapped_column(SmallInteger)
    __table_args__ = (
        Index("ix_customer_stats_last_seen", "last_seen_at", "customer_id"),
        Index("ix_customer_stats_spent", "spent", "customer_id"),
        Index("ix_customer_stats_orders", "orders", "customer_id"),
    )


class LateStats(Base):
    """A card whose figures are to be counted when a load is over."""

    __tablename__ = "late_stats"
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)


class Profile(Base):
    """One person or company as one source knows them."""

    __tablename__ = "profiles"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source_id: Mapped[UUID]
    kind: Mapped[str]  # customer guest visitor counterparty
    external_id: Mapped[str]
    customer_id: Mapped[UUID | None]  # derived from the links
    landed_id: Mapped[int | None] = mapped_column(BigInteger)  # the version it was read from
    record: Mapped[dict[str, Any]] = mapped_column(JSONB)  # foundation.records.Person
    record_hash: Mapped[bytes] = mapped_column(LargeBinary)
    changed_at: Mapped[datetime] = mapped_column(Time)  # at the source, else when received
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    gone_at: Mapped[datetime | None] = mapped_column(Time)  # the source has it no more
    set_aside: Mapped[dict[str, str] | None] = mapped_column(JSONB)  # field -> a value that counts last
    __table_args__ = (
        Index("uq_profiles_source_id_kind_external_id", "source_id", "kind", "external_id", unique=True),
        Index("ix_profiles_customer_id", "customer_id"),
    )


class ProfilesTouched(Base):
    """Cards of which a profile came, changed, moved, ordered or went, for matching; an array a batch.

    Rows are only ever inserted and deleted, like those of `segment_touched`.
    """

    __tablename__ = "profiles_touched"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    cards: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    at: Mapped[datetime] = mapped_column(Time, default=now)


class ProfileKey(Base):
    """An exact key read from a profile: e-mail, phone, tax number, account or device."""

    __tablename__ = "profile_keys"
    profile_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    strong: Mapped[bool] = mapped_column(default=True)  # a weak key finds its owner but joins nobody
    __table_args__ = (Index("ix_profile_keys_kind_value", "kind", "value"),)


class SharedKey(Base):
    """A key that several different people use: it stops being a key."""

    __tablename__ = "shared_keys"
    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    since: Mapped[datetime] = mapped_column(Time, default=now)


class ProfileLink(Base):
    """Why a profile belongs to a card. Cards are the connected components of the links in force.

    The first link of a profile is its home. A merge adds a link from a profile of one card to the other
    card (rule "manual" or "model"; `evidence["card"]` names the first); an undo ends it. So merges can be
    undone in any order and each half gets back its own. A link that a split or a verdict holds back has
    `until` and `ended_by` = that operation, and returns when it is undone; one that ended for good has
    `ended_by` equal to its own `operation_id` (undone) or null (its reason went away).
    """

    __tablename__ = "profile_links"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    profile_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    rule: Mapped[str]  # new email phone tax account manual split …
    score: Mapped[float | None]
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    actor: Mapped[str] = mapped_column(default="resolve")
    operation_id: Mapped[UUID | None]
    since: Mapped[datetime] = mapped_column(Time, default=now)
    until: Mapped[datetime | None] = mapped_column(Time)
    ended_by: Mapped[UUID | None]  # the operation that ended it
    __table_args__ = (
        Index("ix_profile_links_profile_id", "profile_id"),
        Index("ix_profile_links_customer_id", "customer_id"),
        Index(
            "ix_profile_links_operation_id", "operation_id", postgresql_where=text("operation_id IS NOT NULL")
        ),
        Index("ix_profile_links_ended_by", "ended_by", postgresql_where=text("ended_by IS NOT NULL")),
    )


class Verdict(Base):
    """A lasting fact about two home cards: not the same person. Ended only by undoing its operation."""

    __tablename__ = "verdicts"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    left_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))  # left_id < right_id
    right_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    actor: Mapped[str]
    operation_id: Mapped[UUID | None]
    since: Mapped[datetime] = mapped_column(Time, default=now)
    until: Mapped[datetime | None] = mapped_column(Time)
    __table_args__ = (
        Index("ix_verdicts_left_id", "left_id", postgresql_where=text("until IS NULL")),
        Index("ix_verdicts_right_id", "right_id", postgresql_where=text("until IS NULL")),
    )


class Duplicate(Base):
    """Two home cards that share a key but may be different people: waiting for a person's decision."""

    __tablename__ = "duplicates"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    left_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))  # left_id < right_id
    right_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    rule: Mapped[str]
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    state: Mapped[str] = mapped_column(default="waiting")  # waiting joined different
    found_at: Mapped[datetime] = mapped_column(Time, default=now)
    decided_at: Mapped[datetime | None] = mapped_column(Time)
    operation_id: Mapped[UUID | None]
    __table_args__ = (
        Index("uq_duplicates_left_id_right_id", "left_id", "right_id", unique=True),
        Index("ix_duplicates_right_id", "right_id"),
        Index("ix_duplicates_waiting", "id", postgresql_where=text("state = 'waiting'")),
    )


class FieldPolicy(Base):
    """Which source wins a golden field. The newest row of a field is in force; older ones stay."""

    __tablename__ = "field_policies"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    field: Mapped[str]
    order: Mapped[list[str]] = mapped_column(Texts)  # roles or source ids, best first; then the newest
    operation_id: Mapped[UUID | None]
    since: Mapped[datetime] = mapped_column(Time, default=now)
    until: Mapped[datetime | None] = mapped_column(Time)
