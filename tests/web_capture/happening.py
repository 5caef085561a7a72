"""Captured events made by hand, as the resolver hands them to the writers of visits and carts."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from web_capture import commerce, messages
from web_capture.happened import Happened
from web_capture.people import Actor

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
_numbers = count(1)


def happen(minute: float, event: str = "", device: str = "d1", **said: Any) -> Happened:
    """An event so many minutes after START: a track call of that name, without one a page call."""
    profile: UUID | None = said.pop("profile", None)
    bot: str | None = said.pop("bot", None)
    number = said.pop("number", None) or next(_numbers)
    at = START + timedelta(minutes=minute)
    secret: bool = said.pop("secret", False)
    message = messages.read(number, _landed(at, event, device, secret, said))
    actor = Actor("visitor", device) if device else None
    data = commerce.data_of(message, "KZT")
    return Happened(message, actor, profile, None, commerce.kind_of(message), data, bot)


def _landed(at: datetime, event: str, device: str, secret: bool, said: dict[str, Any]) -> str:
    context: dict[str, Any] = {}
    page = {name: said.pop(name) for name in ("url", "referrer") if name in said}
    if page:
        context["page"] = page
    if "utm" in said:
        source, medium, *name = said.pop("utm")
        context["campaign"] = {"source": source, "medium": medium, "name": name[0] if name else "spring"}
    body = {"messageId": said.pop("id", f"m{next(_numbers)}"), "anonymousId": device, "context": context,
            "timestamp": at.isoformat(), "properties": said, "event": event}  # fmt: skip
    kind = "track" if event else "page"
    return json.dumps({"at": at.isoformat(), "ua": "Firefox", "kind": kind, "secret": secret, "said": body})
