"""Sites, their keys, what the collector has taken in and refused, and what a device said of its person."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.clock import new_id, now
from foundation.database import Base
from foundation.tables import Time


class Site(Base):
    """A web shop's pages. Its id and name are those of its `customers.tables.Source` (role "site")."""

    __tablename__ = "sites"
    id: Mapped[UUID] = mapped_column(ForeignKey("sources.id"), primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)  # in the snippet's address
    domain: Mapped[str] = mapped_column(unique=True)  # lower case, IDNA; its subdomains belong to it
    origins: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)  # further hosts it is served from
    currency: Mapped[str] = mapped_column(default="")  # of events that name none
    consent: Mapped[str] = mapped_column(default="none")  # none wait deny: what the snippet does first
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)  # of the snippet; see sites.py
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    first_event_at: Mapped[datetime | None] = mapped_column(Time)
    last_event_at: Mapped[datetime | None] = mapped_column(Time)


class SiteKey(Base):
    """A write key. A public one only names the site; a secret one proves that our customer's server calls."""

    __tablename__ = "site_keys"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    secret: Mapped[bool]
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)  # SHA-256 of the key
    value: Mapped[str | None]  # a public key as it is
    sealed: Mapped[str | None]  # a secret one
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    revoked_at: Mapped[datetime | None] = mapped_column(Time)
    __table_args__ = (Index("ix_site_keys_site_id", "site_id"),)


class Captured(Base):
    """A landed bundle of events that wait for their timeline rows; gone when they have them."""

    __tablename__ = "captured"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    site_id: Mapped[UUID]
    landed_id: Mapped[int] = mapped_column(BigInteger)
    events: Mapped[int]


class Refusal(Base):
    """What the collector sent back, counted per reason; one sample is kept so that somebody can mend it."""

    __tablename__ = "refusals"
    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    origin: Mapped[str] = mapped_column(primary_key=True)
    times: Mapped[int] = mapped_column(BigInteger, default=1)
    sample: Mapped[str] = mapped_column(default="")
    first_at: Mapped[datetime] = mapped_column(Time)
    last_at: Mapped[datetime] = mapped_column(Time)


class Persona(Base):
    """Everything that was said of one profile of a site: each trait with the time it was said.

    The later word about a trait holds, in whatever order the words arrive.
    """

    __tablename__ = "personas"
    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)  # lead customer
    external_id: Mapped[str] = mapped_column(primary_key=True)
    traits: Mapped[dict[str, Any]] = mapped_column(JSONB)  # name -> [value, when]
    devices: Mapped[dict[str, str]] = mapped_column(JSONB)  # anonymous id -> first said when
    accounts: Mapped[dict[str, str]] = mapped_column(JSONB)  # user id -> first said when
    changed_at: Mapped[datetime] = mapped_column(Time)
