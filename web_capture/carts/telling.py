"""What was given up and what was bought after all, as timeline rows that can be written once only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from customers.touched import touch
from web_capture.carts.silence import silences
from web_capture.tables import Site
from web_capture.visits.sessions import microseconds
from web_capture.visits.tables import Abandonment

FIRST_LOOK = timedelta(minutes=10)  # for an order after all; new orders are looked at besides
_TELL = text(
    "INSERT INTO timeline (source_id, source_key, profile_id, customer_id, kind, occurred_at, data,"
    " received_at) SELECT w.*, :now FROM unnest(CAST(:sites AS uuid[]), CAST(:keys AS text[]),"
    " CAST(:profiles AS uuid[]), CAST(:cards AS uuid[]), CAST(:kinds AS text[]), CAST(:ats AS timestamptz[]),"
    " CAST(CAST(:datas AS text[]) AS jsonb[])) AS w ON CONFLICT (source_id, source_key) DO NOTHING"
)
_COLUMNS = ("sites", "keys", "profiles", "cards", "kinds", "ats", "datas")
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class GivenUp:
    """A cart, checkout or browse that nobody went on with."""

    kind: str  # cart checkout browse
    site: UUID
    subject: str
    device: str
    profile: UUID | None
    card: UUID | None
    since: datetime
    acted_at: datetime
    at: datetime  # when the silence was long enough
    data: Mapping[str, Any]
    value: Decimal | None = None
    currency: str = ""
    cart: str = ""
    checkout: str = ""
    order: str = ""

    @property
    def key(self) -> str:
        """The timeline row's: the same for the same filling of a cart."""
        return f"{self.kind}.abandoned:{self.subject}:{microseconds(self.since)}"


@dataclass
class Telling:
    """Timeline rows of one transaction."""

    session: Session
    now: datetime
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    kept: list[dict[str, Any]] = field(default_factory=list)

    def give_up(self, one: GivenUp) -> None:
        """Tell that something was given up, and keep it to be watched."""
        data = {name: value for name, value in one.data.items() if value not in ("", None, [])}
        self.rows.append(
            (
                one.site,
                one.key,
                one.profile,
                one.card,
                f"{one.kind}.abandoned",
                one.at,
                _encode(data).decode(),
            )
        )
        self.kept.append(
            {"site_id": one.site, "source_key": one.key, "kind": one.kind, "subject": one.subject,
             "device": one.device, "profile_id": one.profile, "since": one.since, "acted_at": one.acted_at,
             "at": one.at, "cart_id": one.cart, "checkout_id": one.checkout, "order_id": one.order,
             "value": one.value, "currency": one.currency, "looked_at": self.now,
             "look_at": self.now + FIRST_LOOK, "recovered_by": ""}
        )  # fmt: skip

    def recover(self, one: Abandonment, card: UUID | None, at: datetime, order: str, by: str) -> None:
        """Tell that an order took it back."""
        data = {"abandoned": one.kind, "since": one.since, "order": order, "by": by, "device": one.device}
        self.rows.append(
            (one.site_id, f"recovered:{one.source_key}", one.profile_id, card, "cart.recovered", at,
             _encode(data).decode())
        )  # fmt: skip

    def write(self) -> None:
        """Write what was told."""
        if self.rows:
            columns = [list(column) for column in zip(*self.rows, strict=True)]
            self.session.execute(_TELL, {"now": self.now, **dict(zip(_COLUMNS, columns, strict=True))})
            touch(self.session, {row[3] for row in self.rows if row[3]})
        if self.kept:
            self.session.execute(insert(Abandonment), self.kept)


def silences_of(session: Session, sites: Sequence[UUID]) -> dict[UUID, dict[str, timedelta]]:
    """How long nothing must happen, per site."""
    found = session.scalars(select(Site).where(Site.id.in_(set(sites))))
    return {site.id: silences(site) for site in found}
