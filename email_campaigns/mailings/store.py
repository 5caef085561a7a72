"""Mailings as they are kept: make, change while they are drafts, clone, delete, list."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, tuple_
from sqlalchemy.orm import Session

from customers.segments.tables import Segment
from email_campaigns.mailings import schedule, states, variants
from email_campaigns.tables import Letter, Mailing, Sender
from foundation.clock import now
from foundation.errors import BadInput
from foundation.text import _

LONGEST_NAME = 120
MOST_HOLDOUT = 50
MOST_LATE, MOST_PER_HOUR = 168, 10_000_000
_COPIED = ("letter_id", "sender_id", "include", "exclude", "late_hours", "per_hour", "holdout", "variants")


def create(session: Session, name: str, actor: str) -> Mailing:
    """A draft with nothing but a name."""
    mailing = Mailing(name=_name(name), created_by=actor, schedule={"kind": "now"}, created_at=now())
    session.add(mailing)
    session.flush()
    return mailing


def step(mailing_id: UUID) -> str:
    """How the ledger names a mailing."""
    return f"mailing:{mailing_id}"


def find(session: Session, said: str | UUID) -> Mailing:
    """A mailing by its id, or by its name when only one has it; `BadInput` when there is none."""
    as_id = said if isinstance(said, UUID) else _as_id(said)
    found = session.get(Mailing, as_id) if as_id else None
    if found is None and isinstance(said, str):
        named = session.scalars(select(Mailing).where(Mailing.name == said).limit(2)).all()
        if len(named) > 1:
            raise BadInput(_("Several mailings are called “%s”: give the id.") % said[:100], "mailing")
        found = named[0] if named else None
    if found is None:
        raise BadInput(
            _("There is no mailing “%s”. List them: kartoteka mailing list") % str(said)[:100], "mailing"
        )
    return found


def _as_id(said: str) -> UUID | None:
    try:
        return UUID(said)
    except ValueError:
        return None


def page(
    session: Session, after: UUID | None = None, limit: int = 50, *, segment: UUID | None = None
) -> tuple[list[Mailing], UUID | None]:
    """Mailings, the newest first, perhaps those to a segment only; and where the next page begins."""
    query = select(Mailing).order_by(Mailing.created_at.desc(), Mailing.id.desc()).limit(limit + 1)
    if segment is not None:
        query = query.where(Mailing.include.contains([segment]))
    last = session.get(Mailing, after) if after else None
    if last is not None:
        query = query.where(tuple_(Mailing.created_at, Mailing.id) < (last.created_at, last.id))
    rows = list(session.scalars(query))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def change(session: Session, mailing: Mailing, **parts: Any) -> None:
    """Set parts of a draft; `BadInput` names the one that can't be used, or says that it is no draft.

    Parts: name, include, exclude, sender_id, letter_id, variants, winner, schedule, late_hours, per_hour,
    holdout.
    """
    mailing = states.held(session, mailing.id)
    if mailing.state != "draft":
        said = _("“%(name)s” is %(state)s: only a draft can be changed.")
        raise BadInput(said % {"name": mailing.name, "state": states.words()[mailing.state]}, "state")
    for name, value in parts.items():
        setattr(mailing, name, _READERS[name](session, value))
    session.flush()


def clone(session: Session, mailing: Mailing, actor: str) -> Mailing:
    """A draft that says the same, without a date: nothing of it is sent before somebody starts it."""
    name = _("%s (copy)") % mailing.name
    made = create(session, name[:LONGEST_NAME], actor)
    for one in _COPIED:
        setattr(made, one, getattr(mailing, one))
    made.winner = {key: value for key, value in mailing.winner.items() if key in ("by", "after_hours")}
    made.schedule = {"kind": "now"}
    session.flush()
    return made


def delete(session: Session, mailing: Mailing) -> None:
    """Remove a draft; `BadInput` for whatever was started once: it stays for what was done with it."""
    mailing = states.held(session, mailing.id)
    if mailing.state != "draft" or mailing.operation_id is not None:
        raise BadInput(_("Only a draft that was never started can be deleted."), "state")
    session.delete(mailing)
    session.flush()


def names(session: Session, mailing: Mailing) -> dict[str, list[str]]:
    """The names of its segments: included and excluded, in their order."""
    ids = [*mailing.include, *mailing.exclude]
    rows = session.execute(select(Segment.id, Segment.name).where(Segment.id.in_(ids))).all() if ids else []
    known: dict[UUID, str] = {row.id: row.name for row in rows}
    gone = _("(gone)")
    return {
        "include": [known.get(one, gone) for one in mailing.include],
        "exclude": [known.get(one, gone) for one in mailing.exclude],
    }


def missing(mailing: Mailing) -> str:
    """The first question of the wizard without an answer: audience, letter, or empty."""
    if not mailing.include:
        return "audience"
    return "letter" if mailing.sender_id is None or not variants.arms(mailing) else ""


def taken(session: Session, mailing_id: UUID) -> datetime | None:
    """When the newest row of a mailing was handed over."""
    query = text("SELECT max(handed_at) FROM deliveries WHERE step = :step AND handed_at IS NOT NULL")
    found: datetime | None = session.scalar(query, {"step": step(mailing_id)})
    return found


# what is said, as it is kept


def _name(said: Any) -> str:
    name = " ".join(str(said).split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadInput(_("Give a name of at most %d characters.") % LONGEST_NAME, "name")
    return name


def _segments(field: str) -> Any:
    def read(session: Session, said: Sequence[Any]) -> list[UUID]:
        ids = [one if isinstance(one, UUID) else _as_id(str(one)) for one in said]
        wanted = list(dict.fromkeys(one for one in ids if one))
        known = set(
            session.scalars(select(Segment.id).where(Segment.id.in_(wanted), Segment.archived_at.is_(None)))
        )
        if None in ids or set(wanted) - known:
            raise BadInput(_("One of the segments is gone."), field)
        return wanted

    return read


def _sender(session: Session, said: Any) -> UUID:
    row = session.get(Sender, said if isinstance(said, UUID) else _as_id(str(said)) or UUID(int=0))
    if row is None or row.removed_at is not None:
        raise BadInput(_("Choose who the letters are from."), "sender")
    return row.id


def _letter(session: Session, said: Any) -> UUID | None:
    if said in (None, ""):
        return None
    row = session.get(Letter, said if isinstance(said, UUID) else _as_id(str(said)) or UUID(int=0))
    if row is None or row.archived_at is not None:
        raise BadInput(_("Choose a letter."), "letter")
    return row.id


def _variants(session: Session, said: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    kept = variants.checked(said)
    for place, one in enumerate(kept):
        if one.get("letter_id") and session.get(Letter, UUID(one["letter_id"])) is None:
            raise BadInput(_("There is no such letter."), f"v{place}_letter")
    return kept


def _number(field: str, least: int, most: int, empty: int | None) -> Any:
    def read(_session: Session, said: Any) -> int | None:
        word = str("" if said is None else said).strip()
        if not word:
            return empty
        if not word.isascii() or not word.isdigit() or not least <= int(word) <= most:
            raise BadInput(
                _("A number from %(least)s to %(most)s.") % {"least": f"{least:,}", "most": f"{most:,}"},
                field,
            )
        return int(word)

    return read


def _holdout(_session: Session, said: Any) -> Decimal:
    try:
        share = Decimal(str(said or 0).replace(",", ".").strip() or "0")
    except InvalidOperation:
        share = Decimal(-1)
    if not share.is_finite() or not 0 <= share <= MOST_HOLDOUT:
        raise BadInput(_("Hold out from 0 to %d percent.") % MOST_HOLDOUT, "holdout")
    return round(share, 2)


_READERS: dict[str, Any] = {
    "name": lambda _session, said: _name(said),
    "include": _segments("include"),
    "exclude": _segments("exclude"),
    "sender_id": _sender,
    "letter_id": _letter,
    "variants": _variants,
    "winner": lambda _session, said: variants.winner_checked(said),
    "schedule": lambda _session, said: schedule.checked(said),
    "late_hours": _number("late_hours", 1, MOST_LATE, 6),
    "per_hour": _number("per_hour", 1, MOST_PER_HOUR, None),
    "holdout": _holdout,
}
