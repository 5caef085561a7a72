"""As whom a letter is shown: a real customer, or the invented one who has everything."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import search
from email_campaigns.letters import catalogue, variables
from email_campaigns.letters.render import Version
from foundation.clock import now

FEW = 8
_NEWEST = text(
    "SELECT id, name, email FROM customers WHERE live AND identified AND email IS NOT NULL"
    " ORDER BY id DESC LIMIT :few"
)
_ONE = text("SELECT id, name, email FROM customers WHERE id = :id AND live")
_TRIGGER = ("product", "viewed", "coupon", "links")  # what only a trigger or a sending knows


class Somebody(NamedTuple):
    """A customer to choose."""

    id: UUID
    name: str
    email: str | None


def offered(session: Session, asked: str, chosen: UUID | None) -> list[Somebody]:
    """Customers to choose from: those found by what was typed, else the newest; the chosen one among them."""
    if asked:
        found = [Somebody(one.id, one.name, one.email) for one in search.find(session, asked, FEW).rows]
    else:
        found = [Somebody(*row) for row in session.execute(_NEWEST, {"few": FEW})]
    if chosen and chosen not in [one.id for one in found]:
        found = [Somebody(*row) for row in session.execute(_ONE, {"id": chosen})] + found
    return found


def context(session: Session, version: Version, chosen: UUID | None) -> dict[str, Any]:
    """The variables of the chosen customer, with the invented one's of what only a trigger knows."""
    example = catalogue.example()
    if chosen is not None:
        known = variables.contexts(session, [chosen], now(), version).get(chosen)
        if known is not None:
            return {name: example[name] for name in _TRIGGER} | known
    shown = dict.fromkeys(version.skus, example["viewed"][0])
    return example | {"products": shown | variables.products(session, version.skus)}
