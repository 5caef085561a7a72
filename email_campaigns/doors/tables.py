"""What was asked of a letter's links, as it came and with what we think of it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.clock import now
from foundation.database import Base
from foundation.tables import Time


class LetterTrace(Base):
    """A request for something of a letter; a burst changes what we think of the earlier ones."""

    __tablename__ = "letter_traces"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(index=True)
    kind: Mapped[str]  # open click view unsubscribe preferences confirm answer
    link: Mapped[int] = mapped_column(BigInteger, default=0)  # of letter_links, of a click
    at: Mapped[datetime] = mapped_column(Time, default=now)
    last_at: Mapped[datetime] = mapped_column(Time, default=now)
    times: Mapped[int] = mapped_column(default=1)
    address: Mapped[str] = mapped_column(default="")
    agent: Mapped[str] = mapped_column(Text, default="")
    alone: Mapped[str] = mapped_column(default="")  # what it looks like by itself; empty: a person's
    verdict: Mapped[str] = mapped_column(default="")  # the same, seen together with the others
