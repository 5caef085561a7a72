"""Who sends, what is sent, to whom: senders, letters, mailings, and the ledger of deliveries.

The ledger is the truth about sending: a letter leaves only for a row of it, claimed before the hand-over, and
whoever gets none has a row that says why.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, Numeric, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as Uuid
from sqlalchemy.orm import Mapped, mapped_column

from foundation.clock import new_id, now
from foundation.database import Base
from foundation.tables import Time

MAIL_SOURCE = "mail"  # kind of the one source that letters' timeline rows come from
_Ids = ARRAY(Uuid)


class MailSwitch(Base):
    """What holds for all sending; one row, made on demand."""

    __tablename__ = "mail_switch"
    id: Mapped[int] = mapped_column(primary_key=True)  # always 1
    secret: Mapped[str]  # sealed: signs links, keys the suppression list
    stopped: Mapped[bool] = mapped_column(default=False)  # the global stop switch
    stopped_reason: Mapped[str] = mapped_column(default="")
    stopped_by: Mapped[str] = mapped_column(default="")
    changed_at: Mapped[datetime] = mapped_column(Time, default=now)
    home: Mapped[str] = mapped_column(
        default=""
    )  # the installation that may send; another is a restored copy
    cap: Mapped[int] = mapped_column(default=4)  # marketing letters a person gets in `cap_days`; 0: no cap
    cap_days: Mapped[int] = mapped_column(default=7)
    quiet_from: Mapped[int] = mapped_column(default=21)  # hours of the recipient's day; equal: none
    quiet_until: Mapped[int] = mapped_column(default=9)
    zone: Mapped[str] = mapped_column(default="UTC")  # for people whose zone isn't known


class Transport(Base):
    """A way letters leave by: an SMTP server, a provider, a folder."""

    __tablename__ = "transports"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]  # smtp file
    settings: Mapped[str]  # sealed JSON
    per_hour: Mapped[int | None]  # all letters; None: as fast as it takes them
    warm_up_from: Mapped[datetime | None] = mapped_column(Time)
    # recipient domain -> {"per_hour"} set by a person, {"slower", "until"} by what its servers answered
    domains: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    state: Mapped[str] = mapped_column(default="on")  # on paused
    reason: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(Time, default=now)


class MailDomain(Base):
    """A domain letters are sent from: its DKIM keys and what was last found in DNS."""

    __tablename__ = "mail_domains"
    domain: Mapped[str] = mapped_column(primary_key=True)
    selector: Mapped[str]
    rsa_key: Mapped[str]  # sealed PEM
    ed25519_key: Mapped[str]  # sealed PEM
    findings: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    checked_at: Mapped[datetime | None] = mapped_column(Time)
    created_at: Mapped[datetime] = mapped_column(Time, default=now)


class Sender(Base):
    """Who letters are from."""

    __tablename__ = "senders"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]  # as people see it
    address: Mapped[str]
    reply_to: Mapped[str] = mapped_column(default="")
    transport_id: Mapped[UUID] = mapped_column(ForeignKey("transports.id"))
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    removed_at: Mapped[datetime | None] = mapped_column(Time)


class Letter(Base):
    """A letter by name; its texts are in its versions."""

    __tablename__ = "letters"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    purpose: Mapped[str] = mapped_column(default="marketing")  # marketing transactional
    topic: Mapped[str] = mapped_column(default="")  # what people may unsubscribe from by itself
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    created_by: Mapped[str] = mapped_column(default="")
    archived_at: Mapped[datetime | None] = mapped_column(Time)


class LetterVersion(Base):
    """What a letter says since somebody saved it; never changed, so what was sent can be read again."""

    __tablename__ = "letter_versions"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    letter_id: Mapped[UUID] = mapped_column(ForeignKey("letters.id"))
    number: Mapped[int]
    language: Mapped[str]  # for people whose language isn't among them
    # language -> {"subject", "preheader", "blocks", "text", "html"}; html is compiled
    texts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    created_by: Mapped[str] = mapped_column(default="")
    __table_args__ = (Index("uq_letter_versions_letter_id_number", "letter_id", "number", unique=True),)


class Mailing(Base):
    """A letter to an audience at a time."""

    __tablename__ = "mailings"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    # draft scheduled freezing sending paused asking done cancelled
    state: Mapped[str] = mapped_column(default="draft")
    letter_id: Mapped[UUID | None] = mapped_column(ForeignKey("letters.id"))
    sender_id: Mapped[UUID | None] = mapped_column(ForeignKey("senders.id"))
    include: Mapped[list[UUID]] = mapped_column(_Ids, default=list)  # segments
    exclude: Mapped[list[UUID]] = mapped_column(_Ids, default=list)
    # {"kind": "now" | "at" | "local" | "best", "wall": "2026-12-01T10:00", "zone": "Asia/Almaty"}
    schedule: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    late_hours: Mapped[int] = mapped_column(default=6)  # found later than that it asks instead of firing
    per_hour: Mapped[int | None]
    holdout: Mapped[Decimal] = mapped_column(Numeric(5, 2), default=Decimal(0))  # percent who get none
    # [{"name", "letter_id", "subjects": {language: text}, "share"}], empty: one letter
    variants: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    winner: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)  # {"by", "after_hours", "chosen"}
    frozen: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)  # versions and segments as started
    plan_hash: Mapped[str] = mapped_column(default="")
    starts_at: Mapped[datetime | None] = mapped_column(Time)  # the instant, computed from the wall time
    started_at: Mapped[datetime | None] = mapped_column(Time)
    finished_at: Mapped[datetime | None] = mapped_column(Time)
    reason: Mapped[str] = mapped_column(default="")  # why it is paused, asks or was cancelled
    operation_id: Mapped[UUID | None]
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)  # results as counted last, for lists
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    created_by: Mapped[str] = mapped_column(default="")
    __table_args__ = (
        Index("ix_mailings_due", "starts_at", postgresql_where=text("state = 'scheduled'")),
        Index("ix_mailings_created_at", "created_at", "id"),
    )


class MailingPerson(Base):
    """Somebody of a mailing's frozen audience, until the ledger has a row that says what becomes of them."""

    __tablename__ = "mailing_people"
    mailing_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)


class Delivery(Base):
    """One letter to one person for one mailing or journey step, claimed before it is handed over.

    States: planned claimed handed_over accepted deferred failed unknown, and without a letter: skipped
    cancelled holdout. `unknown` was handed over when its worker died: it is never sent again by itself.
    """

    __tablename__ = "deliveries"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    step: Mapped[str]  # "mailing:<id>" or "journey:<id>:<version>:<step>:<occurrence>"
    profile_id: Mapped[UUID]  # whose address it is
    customer_id: Mapped[UUID | None]  # derived: follows merges
    address: Mapped[str]  # normalised
    domain: Mapped[str]  # of the address
    purpose: Mapped[str]  # marketing transactional
    topic: Mapped[str] = mapped_column(default="")
    sender_id: Mapped[UUID]
    transport_id: Mapped[UUID]
    letter_version_id: Mapped[UUID]
    variant: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="planned")
    reason: Mapped[str] = mapped_column(default="")  # a code; guards.py has its sentence
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    due_at: Mapped[datetime] = mapped_column(Time, default=now)
    attempts: Mapped[int] = mapped_column(default=0)
    token: Mapped[int] = mapped_column(BigInteger, default=0)  # fencing: raised by each claim
    lease_until: Mapped[datetime | None] = mapped_column(Time)
    planned_at: Mapped[datetime] = mapped_column(Time, default=now)
    handed_at: Mapped[datetime | None] = mapped_column(Time)
    finished_at: Mapped[datetime | None] = mapped_column(Time)
    reply: Mapped[str] = mapped_column(default="")  # what the server said last
    subject: Mapped[str] = mapped_column(default="")  # as it was sent
    context: Mapped[dict[str, Any]] = mapped_column(
        JSONB, default=dict
    )  # of a trigger: the cart, the order …
    __table_args__ = (
        # whose and where to first: they answer "which letters did this person get" as well
        Index("uq_deliveries_profile_id_step", "profile_id", "step", unique=True),
        Index("uq_deliveries_address_step", "address", "step", unique=True),
        # a paused mailing's rows lie apart, so that nobody has to step over them
        Index(
            "ix_deliveries_due_of_mailing",
            "step",
            "due_at",
            postgresql_where=text("state IN ('planned', 'deferred') AND left(step, 8) = 'mailing:'"),
        ),
        Index(
            "ix_deliveries_due",
            "transport_id",
            "due_at",
            postgresql_where=text("state IN ('planned', 'deferred') AND left(step, 8) <> 'mailing:'"),
        ),
        Index(
            "ix_deliveries_lease",
            "lease_until",
            postgresql_where=text("state IN ('claimed', 'handed_over')"),
        ),
        Index(
            "ix_deliveries_handed",
            "transport_id",
            "handed_at",
            postgresql_where=text("handed_at IS NOT NULL"),
        ),
        Index("ix_deliveries_step_state", "step", "state", "id"),
        Index(
            "ix_deliveries_told",
            "state",
            "id",
            postgresql_where=text("state NOT IN ('planned', 'claimed', 'handed_over', 'accepted')"),
        ),
    )


class Suppression(Base):
    """An address that gets no letters, by a keyed hash: it outlives the person's erasure and any import."""

    __tablename__ = "suppressions"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary)  # HMAC-SHA256 of the normalised address
    scope: Mapped[str] = mapped_column(default="")  # "": every letter, "marketing", or a topic
    reason: Mapped[str]  # bounce complaint unsubscribed manual erased soft_bounces
    detail: Mapped[str] = mapped_column(Text, default="")
    delivery_id: Mapped[UUID | None]
    actor: Mapped[str] = mapped_column(default="")
    since: Mapped[datetime] = mapped_column(Time, default=now)
    until: Mapped[datetime | None] = mapped_column(Time)  # None: for good
    __table_args__ = (Index("ix_suppressions_key", "key"),)


class LetterLink(Base):
    """An address that letters of a version link to; clicks name it by number, so none can be made up."""

    __tablename__ = "letter_links"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)  # SHA-256 of the address
    url: Mapped[str] = mapped_column(Text)
