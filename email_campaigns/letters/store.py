"""Letters and their versions: made, listed, saved. A version never changes once it is saved."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import event, select, text
from sqlalchemy.orm import Mapper, Session

from email_campaigns.letters import compiled, limits, spec
from email_campaigns.letters.compiled import Compiled
from email_campaigns.letters.formats import locale_of
from email_campaigns.letters.render import Version
from email_campaigns.letters.spec import BadLetter
from email_campaigns.tables import Letter, LetterVersion
from foundation import clock
from foundation.errors import BadInput
from foundation.text import _

PURPOSES = ("marketing", "transactional")
KEPT = 128  # versions held compiled in a process
_versions: "OrderedDict[UUID, Version]" = OrderedDict()
_lock = threading.Lock()


_PAGE = """
SELECT l.*, v.number, ARRAY(SELECT jsonb_object_keys(v.texts)) AS languages, v.created_at AS changed_at
FROM letters l LEFT JOIN LATERAL (
  SELECT number, texts, created_at FROM letter_versions WHERE letter_id = l.id ORDER BY number DESC LIMIT 1
) v ON true WHERE l.archived_at {state} {after} ORDER BY l.id DESC LIMIT :limit
"""


class Listed(NamedTuple):
    """A letter in a list."""

    id: UUID
    name: str
    purpose: str
    topic: str
    number: int  # of its newest version; 0: none yet
    languages: tuple[str, ...]
    changed_at: datetime


def create(session: Session, name: str, purpose: str, topic: str = "", actor: str = "") -> Letter:
    """A letter without a version yet. BadInput when it has no name or no purpose."""
    letter = Letter(name="", purpose="marketing", created_by=actor)
    change(session, letter, name, purpose, topic)
    session.add(letter)
    session.flush()
    return letter


def change(session: Session, letter: Letter, name: str, purpose: str, topic: str = "") -> None:
    """What holds for all versions of a letter."""
    name, topic = " ".join(name.split()), " ".join(topic.split())
    if not 1 <= len(name) <= 120:
        raise BadInput(_("A letter has a name of at most 120 characters."), "name")
    if purpose not in PURPOSES:
        raise BadInput(_("A letter is for marketing or transactional."), "purpose")
    if len(topic) > 60:
        raise BadInput(_("A topic has at most 60 characters."), "topic")
    letter.name, letter.purpose, letter.topic = name, purpose, topic
    session.flush()


def new_version(
    session: Session, letter: Letter, language: str, texts: Mapping[str, Any], actor: str = ""
) -> LetterVersion:
    """Save what was written as the letter's next version; the newest one when it says the same.

    `texts` maps languages to what spec.Written describes. BadLetter names each mistake by its place,
    "ru/blocks/2/url"; nothing is saved then.
    """
    _check_languages(language, texts)
    kept: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for tag, raw in texts.items():
        try:
            kept[tag] = _stored(raw, tag)
        except BadLetter as error:
            errors |= {f"{tag}/{at}": message for at, message in error.errors.items()}
    if errors:
        raise BadLetter(errors)
    session.execute(select(Letter.id).where(Letter.id == letter.id).with_for_update())
    before = newest(session, letter.id)
    if before is not None and (before.language, before.texts) == (language, kept):
        return before
    row = LetterVersion(
        letter_id=letter.id, number=before.number + 1 if before else 1, language=language, texts=kept,
        created_by=actor, created_at=clock.now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def _check_languages(language: str, texts: Mapping[str, Any]) -> None:
    for tag in texts:
        if tag.partition("-")[0] != locale_of(tag).language:
            raise BadInput(_("“%s” is no language; name it as “ru” or “pt-BR”.") % tag[:20], "languages")
    if language not in texts:
        raise BadInput(_("The letter's own language needs a text."), "language")
    if len(texts) > limits.LANGUAGES:
        raise BadInput(_("A letter has at most %d languages.") % limits.LANGUAGES, "languages")


def _stored(raw: Any, language: str) -> dict[str, Any]:
    written, made = compiled.compile_letter(raw, language)
    kept: dict[str, Any] = spec.plain(written)
    own = bool(written.text.strip())
    return kept | {"subject": made.subject, "preheader": made.preheader, "html": made.html, "text": made.text,
                   "own_text": own}  # fmt: skip


def written(kept: Mapping[str, Any]) -> dict[str, Any]:
    """A stored text as its author wrote it: to be shown again, changed and saved."""
    said = {name: kept[name] for name in ("subject", "preheader", "blocks", "look")}
    return said | {"text": kept["text"] if kept.get("own_text") else ""}


def version(session: Session, version_id: UUID) -> Version:
    """A version ready to be filled in; read and compiled once in a process. BadInput when there is none."""
    with _lock:
        if found := _versions.get(version_id):
            _versions.move_to_end(version_id)
            return found
    row = session.get(LetterVersion, version_id)
    if row is None:
        raise BadInput(_("There is no such version of a letter."), "version")
    made = ready(row)
    with _lock:
        _versions[version_id] = made
        while len(_versions) > KEPT:
            _versions.popitem(last=False)
    return made


def ready(row: LetterVersion) -> Version:
    """A stored version, to be filled in."""
    texts = {tag: msgspec.convert(kept, Compiled) for tag, kept in row.texts.items()}
    return Version(row.id, row.letter_id, row.number, row.language, texts)


def draft(language: str, texts: Mapping[str, Any]) -> Version:
    """What was written, not saved, ready to be filled in. BadLetter as `new_version`."""
    made = {tag: compiled.compile_letter(raw, tag)[1] for tag, raw in texts.items()}
    return Version(UUID(int=0), UUID(int=0), 0, language, made)


def find(session: Session, letter_id: UUID) -> Letter:
    """A letter by its id; BadInput when there is none."""
    letter = session.get(Letter, letter_id)
    if letter is None:
        raise BadInput(_("There is no such letter."), "letter")
    return letter


def newest(session: Session, letter_id: UUID) -> LetterVersion | None:
    """The version saved last."""
    wanted = select(LetterVersion).where(LetterVersion.letter_id == letter_id)
    return session.scalar(wanted.order_by(LetterVersion.number.desc()).limit(1))


def latest(session: Session) -> LetterVersion | None:
    """The newest version of the letter made last that is not put away."""
    wanted = select(LetterVersion).join(Letter, Letter.id == LetterVersion.letter_id)
    wanted = wanted.where(Letter.archived_at.is_(None))
    return session.scalar(wanted.order_by(Letter.id.desc(), LetterVersion.number.desc()).limit(1))


def numbered(session: Session, letter_id: UUID, number: int) -> LetterVersion | None:
    """A version by its number."""
    wanted = select(LetterVersion).where(LetterVersion.letter_id == letter_id, LetterVersion.number == number)
    return session.scalar(wanted)


def versions(session: Session, letter_id: UUID, limit: int = 100) -> list[Any]:
    """Number, author, time, language and id of the versions, the newest first."""
    columns = (LetterVersion.id, LetterVersion.number, LetterVersion.created_at, LetterVersion.created_by,
               LetterVersion.language)  # fmt: skip
    wanted = select(*columns).where(LetterVersion.letter_id == letter_id, LetterVersion.number > 0)
    return list(session.execute(wanted.order_by(LetterVersion.number.desc()).limit(limit)))


def page(
    session: Session, after: UUID | None = None, limit: int = 50, archived: bool = False
) -> tuple[list[Listed], UUID | None]:
    """Letters, those made last first, with what their newest version is; and where the next page begins."""
    values = {"after": after, "limit": limit + 1}
    state = "IS NOT NULL" if archived else "IS NULL"
    query = text(_PAGE.format(state=state, after="AND l.id < :after" if after else ""))
    found = session.execute(query, values).mappings()
    rows = [
        Listed(one["id"], one["name"], one["purpose"], one["topic"], one["number"] or 0,
               tuple(sorted(one["languages"] or ())), one["changed_at"] or one["created_at"])
        for one in found
    ]  # fmt: skip
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def archive(session: Session, letter: Letter, away: bool = True) -> None:
    """Put a letter away, or take it out again; its versions stay, since letters were sent from them."""
    letter.archived_at = clock.now() if away else None
    session.flush()


@event.listens_for(LetterVersion, "before_update")
@event.listens_for(LetterVersion, "before_delete")
def _never(_mapper: Mapper[Any], _connection: Any, row: LetterVersion) -> None:
    raise RuntimeError(f"version {row.number} of a letter is saved; save another instead of changing it")
