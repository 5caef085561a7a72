"""What came in through a form, newest first, from the timeline.

What any page may say of a form is on the timeline, too, but in no list that somebody writes to.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from web_capture.forms.tables import Form

_KNOWN = ("email", "phone", "name", "firstName", "lastName", "birthday")
_PAGE = text(
    "SELECT id, occurred_at, customer_id, data FROM timeline WHERE source_id = :site AND kind = 'web.lead'"
    " AND data->'properties' ? 'form_id' AND data->'properties'->>'form_id' = :form"
    " AND data ? 'vouched' AND (CAST(:before AS bigint) IS NULL OR id < :before)"
    " ORDER BY id DESC LIMIT :limit"
)


class Submission(NamedTuple):
    """One submission. Everything in it is a stranger's word."""

    id: int
    at: datetime
    customer_id: UUID | None
    values: dict[str, str]  # the fields everybody knows, by their names
    own: dict[str, str]  # the form's own, by their labels
    consents: list[str]  # channels
    variant: str
    version: str
    url: str


def page(session: Session, form: Form, before: int | None = None, limit: int = 20) -> list[Submission]:
    """Some submissions, the newest first; those before an id when one is given. One query."""
    values = {"site": form.site_id, "form": form.key, "before": before, "limit": limit}
    return [_submission(*row) for row in session.execute(_PAGE, values)]


def _submission(row: int, at: datetime, customer: UUID | None, data: dict[str, Any]) -> Submission:
    said = data.get("properties")
    said = said if isinstance(said, dict) else {}
    own, consents = said.get("fields"), said.get("consent")
    return Submission(
        row,
        at,
        customer,
        {name: _text(said[name]) for name in _KNOWN if said.get(name)},
        {str(name): _text(value) for name, value in own.items()} if isinstance(own, dict) else {},
        [_text(one.get("channel")) for one in consents if isinstance(one, dict)]
        if isinstance(consents, list)
        else [],
        _text(said.get("variant")),
        _text(said.get("version")),
        _text(data.get("url")),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
