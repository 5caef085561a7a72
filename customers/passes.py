"""Passes: for whom a link was written, carried from the click in a letter to the page that it leads to.

A pass is a hint and never a proof: letters are forwarded, addresses copied. So it is good for ten minutes,
for whoever shows it first, and what comes of it joins no profiles and opens nothing.
"""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.clock import now
from foundation.database import Base
from foundation.tables import Time

PARAMETER = "_kl"  # of an address that carries one
GOOD = timedelta(minutes=10)
_TAKE = text(
    "DELETE FROM letter_passes WHERE code = ANY(:codes) AND given_at > :since RETURNING code, profile_id"
)


class LetterPass(Base):
    """A pass that nobody has shown yet."""

    __tablename__ = "letter_passes"
    code: Mapped[str] = mapped_column(primary_key=True)
    profile_id: Mapped[UUID]
    given_at: Mapped[datetime] = mapped_column(Time)
    __table_args__ = (Index("ix_letter_passes_given_at", "given_at"),)


def give(session: Session, profile: UUID) -> str:
    """A new pass; older ones that nobody showed in time are thrown away."""
    session.execute(text("DELETE FROM letter_passes WHERE given_at <= :since"), {"since": now() - GOOD})
    code = secrets.token_urlsafe(12)
    session.add(LetterPass(code=code, profile_id=profile, given_at=now()))
    session.flush()
    return code


def take(session: Session, codes: Collection[str]) -> dict[str, UUID]:
    """The profiles of passes that are good, which they are no more afterwards."""
    rows = session.execute(_TAKE, {"codes": sorted(codes), "since": now() - GOOD})
    return {row.code: row.profile_id for row in rows}
