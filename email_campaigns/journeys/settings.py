"""A trigger's settings as somebody gave them, read by the fields it declares."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from customers.segments.tables import Segment
from email_campaigns.journeys.reading import choice, entry, listed, number, refuse, words
from email_campaigns.triggers.base import Field, Trigger
from foundation.text import _

_LOWEST, _HIGHEST, _LONGEST, _MOST = 0, 100_000, 200, 200


def read(session: Session, trigger: Trigger, said: Any, at: str) -> dict[str, Any]:
    """Every setting of the trigger, by default where nothing is said; `BadInput` names what can't be used."""
    said = entry(said, at)
    known = {one.name for one in trigger.fields}
    for name in said:
        if name not in known:
            refuse(_("This trigger has no such setting."), f"{at}/{str(name)[:40]}")
    return {one.name: _value(session, one, said, f"{at}/{one.name}") for one in trigger.fields}


def _value(session: Session, field: Field, said: Mapping[str, Any], at: str) -> Any:
    value = said.get(field.name)
    if value in (None, "", []):
        if field.required:
            refuse(_("This has to be said."), at)
        return list(field.default) if isinstance(field.default, tuple) else field.default  # as JSON has it
    if field.kind in ("number", "hours", "days"):
        least = _LOWEST if field.lowest is None else field.lowest
        return number(value, least, _HIGHEST if field.highest is None else field.highest, at)
    if field.kind == "choice":
        return choice(value, field.choices() if field.choices else {}, at, _("There is no such choice."))
    if field.kind == "segment":
        found = session.scalar(
            select(Segment.id).where(Segment.id == _id(value, at), Segment.archived_at.is_(None))
        )
        if found is None:
            refuse(_("The segment is gone."), at)
        return str(found)
    if field.kind == "skus":
        several = listed(value.split() if isinstance(value, str) else value, at)
        if len(several) > _MOST:
            refuse(_("At most %d products.") % _MOST, at)
        return [words(one, _LONGEST, at) for one in several]
    return words(value, field.highest or _LONGEST, at)


def _id(value: Any, at: str) -> Any:
    try:
        return value if not isinstance(value, str) else UUID(value)
    except ValueError:
        refuse(_("The segment is gone."), at)
