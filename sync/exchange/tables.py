"""What the exchange with 1C remembers: who may call, sessions, files, their imports, requests, orders out."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.clock import new_id, now
from foundation.database import Base
from foundation.tables import Time


class Partner(Base):
    """The other side of a connection that calls us: what it signs in with, and the names it has told."""

    __tablename__ = "exchange_partners"
    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    user: Mapped[str]
    password: Mapped[str]  # sealed
    names: Mapped[bytes | None] = mapped_column(LargeBinary)  # what ids of its files are called
    orders_since: Mapped[datetime] = mapped_column(Time, default=now)  # older orders don't go out
    looked_at: Mapped[datetime | None] = mapped_column(Time)  # when all of them were last looked at


class ExchangeSession(Base):
    """One sign-in of 1C; the cookie itself is kept nowhere."""

    __tablename__ = "exchange_sessions"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    connection_id: Mapped[UUID]
    type: Mapped[str]  # catalog sale: what it signed in for
    cookie: Mapped[bytes] = mapped_column(LargeBinary)  # hash
    token: Mapped[str]  # sessid
    version: Mapped[str] = mapped_column(default="")  # of the schema, as 1C said it at init; empty: old
    round: Mapped[int] = mapped_column(default=0)  # counts its inits
    files: Mapped[int] = mapped_column(default=0)
    received: Mapped[int] = mapped_column(BigInteger, default=0)  # bytes of them, repeats aside
    started_at: Mapped[datetime] = mapped_column(Time, default=now)
    seen_at: Mapped[datetime] = mapped_column(Time, default=now)
    state: Mapped[str] = mapped_column(default="open")  # open ended
    ended_why: Mapped[str] = mapped_column(default="")
    __table_args__ = (
        Index("uq_exchange_sessions_cookie", "cookie", unique=True),
        Index("ix_exchange_sessions_connection_id", "connection_id", "started_at"),
    )


class ExchangeFile(Base):
    """A file of a session, grown chunk by chunk; its bytes lie in the spool under its id."""

    __tablename__ = "exchange_files"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("exchange_sessions.id", ondelete="CASCADE"))
    round: Mapped[int]
    name: Mapped[str]
    attempt: Mapped[int] = mapped_column(default=0)  # sent anew after its import had begun
    type: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    chunks: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary), default=list)  # digests, in their order
    dropped: Mapped[bool] = mapped_column(default=False)  # its bytes were tidied away
    at: Mapped[datetime] = mapped_column(Time, default=now)
    __table_args__ = (Index("uq_exchange_files_name", "session_id", "round", "name", "attempt", unique=True),)


class ExchangeImport(Base):
    """A file that 1C asked to import: `member` is its name in a zip, `place` how many pieces have landed."""

    __tablename__ = "exchange_imports"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    connection_id: Mapped[UUID]
    file_id: Mapped[UUID] = mapped_column(ForeignKey("exchange_files.id", ondelete="CASCADE"))
    member: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="waiting")  # waiting running done failed
    place: Mapped[int] = mapped_column(default=0)
    run_id: Mapped[UUID | None]
    error: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(Time, default=now)
    __table_args__ = (
        Index("uq_exchange_imports_file_id", "file_id", "member", unique=True),
        Index(
            "ix_exchange_imports_unfinished",
            "connection_id",
            "id",
            postgresql_where=text("state IN ('waiting', 'running')"),
        ),
    )


class ExchangeRequest(Base):
    """What 1C asked and what it was answered; the same again and again is counted in one row."""

    __tablename__ = "exchange_requests"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    connection_id: Mapped[UUID]
    session_id: Mapped[UUID | None]
    at: Mapped[datetime] = mapped_column(Time, default=now)
    method: Mapped[str]
    type: Mapped[str]
    mode: Mapped[str]
    filename: Mapped[str] = mapped_column(default="")
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    answer: Mapped[str] = mapped_column(default="")  # its beginning
    ms: Mapped[int] = mapped_column(default=0)
    times: Mapped[int] = mapped_column(default=1)
    last_at: Mapped[datetime] = mapped_column(Time, default=now)
    __table_args__ = (
        Index("ix_exchange_requests_session_id", "session_id", "id"),
        Index("ix_exchange_requests_connection_id", "connection_id", "id"),
    )


class ExchangeNews(Base):
    """Orders of which something changed, for one 1C; rows are only ever inserted and deleted."""

    __tablename__ = "exchange_news"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    connection_id: Mapped[UUID]
    order_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    __table_args__ = (Index("ix_exchange_news_connection_id", "connection_id", "id"),)


class ExchangeOrder(Base):
    """A version of an order of ours that 1C is to get; the newest row of an order is its present one."""

    __tablename__ = "exchange_orders"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    connection_id: Mapped[UUID]
    order_id: Mapped[UUID]
    version: Mapped[bytes] = mapped_column(LargeBinary)
    told: Mapped[dict[str, Any]] = mapped_column(JSONB)  # what this version says, field by field
    state: Mapped[str] = mapped_column(default="waiting")  # waiting shown taken passed theirs bad
    session_id: Mapped[UUID | None]  # that was shown it
    at: Mapped[datetime] = mapped_column(Time, default=now)
    taken_at: Mapped[datetime | None] = mapped_column(Time)
    __table_args__ = (
        Index("ix_exchange_orders_order_id", "connection_id", "order_id", "id"),
        Index(
            "ix_exchange_orders_open",
            "connection_id",
            "id",
            postgresql_where=text("state IN ('waiting', 'shown')"),
        ),
    )
