"""What the writers of visits, carts and their like are told of a captured event: what it is and whose."""

from typing import Any, NamedTuple
from uuid import UUID

from web_capture.messages import Message
from web_capture.people import Actor


class Happened(NamedTuple):
    """A captured event as its timeline row has it."""

    message: Message
    actor: Actor | None
    profile: UUID | None
    card: UUID | None
    kind: str  # of the timeline: web.product_viewed …
    data: dict[str, Any]
    bot: str | None  # why it is no visitor's
