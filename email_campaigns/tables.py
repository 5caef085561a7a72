"""The send ledger, here from the first migration because it can't be added later."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from foundation.clock import new_id, now
from foundation.database import Base
from foundation.tables import Time


class Delivery(Base):
    """One letter to one person for one mailing or journey step, claimed before it is handed over."""

    __tablename__ = "deliveries"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    step: Mapped[str]  # the mailing or journey step
    profile_id: Mapped[UUID] = mapped_column(ForeignKey("profiles.id"))
    customer_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(
        default="planned"
    )  # claimed handed_over accepted deferred failed unknown
    reason: Mapped[str] = mapped_column(default="")
    planned_at: Mapped[datetime] = mapped_column(Time, default=now)
    __table_args__ = (Index("uq_deliveries_step_profile_id", "step", "profile_id", unique=True),)
