"""What matching keeps ready, so that somebody who arrives is weighed against all others in milliseconds.

All of it is derived from `profiles` and their orders. One at a time writes it, under `kept.ARRIVAL_LOCK`.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, LargeBinary, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database import Base
from foundation.tables import Time


class MatchArrivals(Base):
    """Whether those who arrive are matched; one row at most, none while nobody has asked for it."""

    __tablename__ = "match_arrivals"
    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, default=1)
    state: Mapped[str]  # filling ready off
    joins: Mapped[bool] = mapped_column(default=False)  # what is certain is joined without a person
    form: Mapped[int]  # `kept.FORM` that the records are kept in
    after: Mapped[UUID]  # cards up to this one are kept ready
    records: Mapped[int] = mapped_column(default=0)  # how many are kept
    filled_at: Mapped[datetime | None] = mapped_column(Time)


class MatchRecord(Base):
    """A record ready to be weighed; of profiles of one card that say the same, the first stands for all."""

    __tablename__ = "match_records"
    profile_id: Mapped[UUID] = mapped_column(primary_key=True)
    card_id: Mapped[UUID] = mapped_column(index=True)
    mark: Mapped[bytes] = mapped_column(LargeBinary)  # the beginning of the profile's record_hash
    claimed: Mapped[bool]  # only a browser says it
    record: Mapped[bytes] = mapped_column(LargeBinary)  # customers.matching.prepared.Prepared as MessagePack
    goods: Mapped[list[str] | None] = mapped_column(ARRAY(Text))  # its goods, which it is kept without


class MatchKey(Base):
    """A blocking key of a record, as a number; its lowest bit tells how many may share it."""

    __tablename__ = "match_keys"
    key: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    profile_id: Mapped[UUID] = mapped_column(primary_key=True)


class MatchWord(Base):
    """In how many records a word of a name or goods stand, and as what: customers.matching.counts.Word."""

    __tablename__ = "match_words"
    word: Mapped[str] = mapped_column(primary_key=True)
    records: Mapped[int]
    given: Mapped[int]
    family: Mapped[int]
