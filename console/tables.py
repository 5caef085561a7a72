"""Who may enter: staff, their sessions, tokens for programs, and failed sign-ins for the throttle."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from foundation.clock import new_id, now
from foundation.database import Base
from foundation.tables import Time


class User(Base):
    """A member of staff."""

    __tablename__ = "users"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[str] = mapped_column(default="owner")
    locale: Mapped[str] = mapped_column(default="en")
    zone: Mapped[str] = mapped_column(default="UTC")
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    disabled_at: Mapped[datetime | None] = mapped_column(Time)


class UserSession(Base):
    """A signed-in browser; the cookie holds a random token, we keep only its SHA-256."""

    __tablename__ = "user_sessions"
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    csrf: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    seen_at: Mapped[datetime] = mapped_column(Time, default=now)
    agent: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    __table_args__ = (Index("ix_user_sessions_user_id", "user_id"),)


class ApiToken(Base):
    """A program's bearer token; shown once, kept as a SHA-256."""

    __tablename__ = "api_tokens"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    used_at: Mapped[datetime | None] = mapped_column(Time)
    revoked_at: Mapped[datetime | None] = mapped_column(Time)


class SignInAttempt(Base):
    """A failed sign-in, counted per account and per address for the throttle."""

    __tablename__ = "sign_in_attempts"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    email: Mapped[str]
    address: Mapped[str]
    at: Mapped[datetime] = mapped_column(Time, default=now)
    __table_args__ = (Index("ix_sign_in_attempts_at", "at"),)


class OneTimeLink(Base):
    """A link the terminal prints that works once: to set up the owner, or to sign in. Kept as a SHA-256."""

    __tablename__ = "one_time_links"
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    purpose: Mapped[str]  # set-up sign-in
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    until: Mapped[datetime | None] = mapped_column(Time)  # None: until used or replaced
    used_at: Mapped[datetime | None] = mapped_column(Time)


class IdempotentAnswer(Base):
    """What the API answered to a POST with an `Idempotency-Key`, so that a repeat gets the same."""

    __tablename__ = "idempotent_answers"
    token_id: Mapped[UUID] = mapped_column(ForeignKey("api_tokens.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    asked: Mapped[bytes] = mapped_column(LargeBinary)  # hash of method, path and body
    status: Mapped[int]
    location: Mapped[str]  # where to look for the end of what goes on in the background; empty without
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Time, default=now)
    __table_args__ = (Index("ix_idempotent_answers_created_at", "token_id", "created_at"),)
