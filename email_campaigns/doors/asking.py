"""Doors by which letters ask: is this address yours, would you recommend us. GET shows, POST acts."""

from datetime import datetime
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session
from starlette.responses import Response

from email_campaigns.doors import pages, preferences, shown, tracking
from email_campaigns.doors.known import Known, tell
from email_campaigns.doors.tracking import Visit
from foundation.clock import now
from foundation.text import _

SCORES = tuple(str(score) for score in range(11))
LONGEST = 2_000  # characters of what somebody adds to a score
Named = tuple[tuple[UUID, int], Known | None]


def confirm(_doors: Any, session: Session, named: Named, visit: Visit, method: str, body: bytes) -> Response:
    """Double opt-in: the exact words that were ticked go into the ledger when the button is pressed."""
    known = named[1]
    wish = known.context.get("confirm") if known else None
    if known is None or not known.has_profile or not isinstance(wish, dict) or not wish.get("text"):
        return pages.nothing()
    if method != "POST":
        tracking.record(session, known, "confirm", visit)
    if _late(wish):
        return pages.page("late.html", 410)
    masked = preferences.masked(known.address)
    if method != "POST" or "sure" not in shown.typed(body):
        return pages.page("confirm.html", sender=known.sender, masked=masked,
                          words=str(wish["text"]))  # fmt: skip
    form = f"{wish.get('form') or 'a form'}, confirmed by a letter"
    preferences.confirm(session, known, str(wish["text"]), form, visit.address)
    return pages.page("confirmed.html", masked=masked)


def _late(wish: dict[str, Any]) -> bool:
    try:
        return datetime.fromisoformat(str(wish.get("until"))) <= now()
    except (ValueError, TypeError):  # it doesn't say, or not in a way that could be compared
        return True


def answer(_doors: Any, session: Session, named: Named, visit: Visit, method: str, body: bytes) -> Response:
    """Would you recommend us: the letter's number is chosen, the button answers; the last one counts."""
    known = named[1]
    if known is None or not known.has_profile:
        return pages.nothing()
    if method != "POST":
        tracking.record(session, known, "answer", visit)
        return _asked(known, _one(parse_qs(visit.query), "score"))
    said = shown.typed(body)
    score = _one(said, "score")
    if score not in SCORES:
        return _asked(known, "", _("Choose a number from 0 to 10.") if "sure" in said else "")
    data: dict[str, Any] = {**known.told, "score": int(score)}
    if comment := _one(said, "comment").strip()[:LONGEST]:
        data["comment"] = comment
    tell(session, known, "letter.answered", msgspec.json.encode(data).decode(), at=now(), again=True)
    return pages.page("answered.html")


def _asked(known: Known, score: str, problem: str = "") -> Response:
    return pages.page("answer.html", sender=known.sender, scores=SCORES, score=score,
                      problem=problem, longest=LONGEST)  # fmt: skip


def _one(said: dict[str, list[str]], name: str) -> str:
    return said.get(name, [""])[0].replace("\0", "")
