"""What a mailing sends to whom: its one letter, or variants of letter, subject or time with their shares.

A subject that is tried out becomes a version of the letter of its own, numbered below zero: rendered, checked
and kept like any other, and never the letter's newest.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from email_campaigns.letters import checks, compiled, store
from email_campaigns.tables import Letter, LetterVersion, Mailing
from foundation.errors import BadInput
from foundation.text import _

NAMES = "ABCDE"
LONGEST_SUBJECT = 300
MEASURES = ("clicks", "revenue")
MOST_HOURS = 168
MOST_LATER = 72


class Arm(NamedTuple):
    """One of the letters of a mailing, as it was written down."""

    name: str  # empty: the only one
    letter_id: UUID
    subjects: Mapping[str, str]  # language -> subject tried out
    share: float  # percent
    hours: int  # after the mailing's own time


class Frozen(NamedTuple):
    """An arm with the version that is sent."""

    name: str
    letter_id: UUID
    version_id: UUID
    number: int
    purpose: str
    topic: str
    subject: str
    share: float
    hours: int


def checked(said: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Variants as they are kept, named A, B … in their order; `BadInput` names what can't be used."""
    kept = []
    for place, one in enumerate(said):
        if place >= len(NAMES):
            raise BadInput(_("Compare at most %d variants.") % len(NAMES), "variants")
        subjects = {
            str(tag): " ".join(str(text).split()) for tag, text in dict(one.get("subjects") or {}).items()
        }
        if any(len(text) > LONGEST_SUBJECT for text in subjects.values()):
            raise BadInput(_("A subject has at most %d characters.") % LONGEST_SUBJECT, f"v{place}_subject")
        made: dict[str, Any] = {"name": NAMES[place], "share": _share(one.get("share"), place)}
        if hours := _hours(one.get("hours"), place):
            made["hours"] = hours
        if one.get("letter_id"):
            made["letter_id"] = str(_id(one["letter_id"], place))
        if subjects := {tag: text for tag, text in subjects.items() if text}:
            made["subjects"] = subjects
        kept.append(made)
    if len(kept) == 1:
        raise BadInput(_("One variant alone can't be compared: give two or more a share."), "variants")
    if sum(one["share"] for one in kept) > 100.001:
        raise BadInput(_("The shares add up to more than 100 %."), "variants")
    return kept


def _share(said: Any, place: int) -> float:
    try:
        share = float(str(said).replace(",", "."))
    except ValueError:
        share = 0.0
    if not 0.1 <= share <= 100:
        raise BadInput(_("A share is a percentage above 0."), f"v{place}_share")
    return round(share, 2)


def _hours(said: Any, place: int) -> int:
    typed = str(said or "0").strip()
    if not typed.isascii() or not typed.isdigit() or int(typed) > MOST_LATER:
        raise BadInput(_("A variant leaves 0 to %d hours later.") % MOST_LATER, f"v{place}_hours")
    return int(typed)


def _id(said: Any, place: int) -> UUID:
    try:
        return UUID(str(said))
    except ValueError:
        raise BadInput(_("There is no such letter."), f"v{place}_letter") from None


def winner_checked(said: Mapping[str, Any]) -> dict[str, Any]:
    """How the rest gets its letter: nothing, or {"by", "after_hours"}; `BadInput` for what can't be used."""
    by = str(said.get("by") or "")
    if not by:
        return {}
    if by not in MEASURES:
        raise BadInput(_("The winner is found by clicks or by revenue."), "winner_by")
    hours = str(said.get("after_hours") or "").strip()
    if not hours.isascii() or not hours.isdigit() or not 1 <= int(hours) <= MOST_HOURS:
        raise BadInput(_("Wait from 1 to %d hours for the winner.") % MOST_HOURS, "winner_hours")
    return {"by": by, "after_hours": int(hours)}


def arms(mailing: Mailing) -> list[Arm]:
    """The letters of a mailing in their order; empty while it has none."""
    if not mailing.variants:
        return [Arm("", mailing.letter_id, {}, 100.0, 0)] if mailing.letter_id else []
    found = []
    for one in mailing.variants:
        letter_id = UUID(one["letter_id"]) if one.get("letter_id") else mailing.letter_id
        if letter_id is not None:
            subjects, share, hours = one.get("subjects") or {}, float(one["share"]), one.get("hours", 0)
            found.append(Arm(one["name"], letter_id, subjects, share, hours))
    return found


def rest(mailing: Mailing) -> float:
    """The percentage that waits for the winner."""
    left = 100.0 - sum(float(one["share"]) for one in mailing.variants) if mailing.variants else 0.0
    return round(left, 2) if left > 0.001 else 0.0


def refuse_unless_sound(session: Session, mailing: Mailing) -> list[tuple[Arm, Letter, LetterVersion]]:
    """The arms with their letters' newest versions; `BadInput` says what forbids sending them."""
    found = []
    for arm in arms(mailing):
        letter = session.get(Letter, arm.letter_id)
        if letter is None or letter.archived_at is not None:
            raise BadInput(_("The letter is gone or put away; choose another one."), "letter")
        newest = store.newest(session, letter.id)
        if newest is None:
            raise BadInput(_("The letter “%s” isn't written yet.") % letter.name, "letter")
        wrong = checks.refusals(session, letter, newest.id)
        if wrong:
            said = _("The letter “%(name)s” can't be sent: %(why)s")
            raise BadInput(said % {"name": letter.name, "why": wrong[0].message}, "letter")
        if arm.subjects:
            try_subjects(newest, arm.subjects)
        found.append((arm, letter, newest))
    if not found:
        raise BadInput(_("Choose a letter."), "letter")
    if len({letter.purpose for _arm, letter, _version in found}) > 1:
        raise BadInput(_("All variants must be marketing, or all transactional."), "letter")
    _sound_shares(mailing)
    return found


def _sound_shares(mailing: Mailing) -> None:
    left = rest(mailing)
    if left and not mailing.winner:
        said = _(
            "The shares leave %s %% without a letter: make them 100 %%, or say how the winner for the "
            "rest is found."
        )
        raise BadInput(said % f"{left:g}", "variants")
    if mailing.winner and mailing.variants and not left:
        raise BadInput(_("Nobody is left for the winner: make the shares smaller than 100 %."), "variants")
    if left and mailing.schedule.get("kind", "now") not in ("now", "at"):
        raise BadInput(_("A winner for the rest needs a mailing at one time for all."), "kind")
    if mailing.schedule.get("kind") == "best" and any(arm.hours for arm in arms(mailing)):
        raise BadInput(_("At everybody's best hour there are no other times to compare."), "kind")


def freeze(session: Session, mailing: Mailing, actor: str) -> list[Frozen]:
    """The versions that will be sent, whatever becomes of the letters until then."""
    found = []
    for arm, letter, newest in refuse_unless_sound(session, mailing):
        row = _with_subjects(session, newest, arm.subjects, actor) if arm.subjects else newest
        subject = row.texts[row.language]["subject"]
        found.append(Frozen(arm.name, letter.id, row.id, newest.number, letter.purpose, letter.topic, subject,
                            arm.share, arm.hours))  # fmt: skip
    return found


def try_subjects(version: LetterVersion, subjects: Mapping[str, str]) -> dict[str, Any]:
    """The texts of a version under other subjects; `BadInput` when one can't be made."""
    texts = {tag: dict(kept) for tag, kept in version.texts.items()}
    for tag, subject in subjects.items():
        if tag in texts:
            raw = store.written(version.texts[tag]) | {"subject": subject}
            texts[tag]["subject"] = compiled.compile_letter(raw, tag)[1].subject
    return texts


def _with_subjects(
    session: Session, version: LetterVersion, subjects: Mapping[str, str], actor: str
) -> LetterVersion:
    texts = try_subjects(version, subjects)
    session.execute(select(Letter.id).where(Letter.id == version.letter_id).with_for_update())
    lowest = select(func.min(LetterVersion.number)).where(LetterVersion.letter_id == version.letter_id)
    number = min(0, session.scalar(lowest) or 0) - 1
    row = LetterVersion(
        letter_id=version.letter_id, number=number, language=version.language, texts=texts, created_by=actor
    )
    session.add(row)
    session.flush()
    return row
