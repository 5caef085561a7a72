"""Records kept ready in PostgreSQL: what profiles say, prepared, with their blocking keys and their words."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import blake2b
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.matching import keys
from customers.matching.counts import Counts, Word
from customers.matching.keys import CROWDED, most
from customers.matching.prepared import Prepared
from foundation.database import copy_rows, driver
from sync.dedupe import reading

ARRIVAL_LOCK = 7_402  # one writer of what is kept, and one who matches by it
FORM = 5  # raise it when `prepare` or `keys` give something else: everything is kept anew

_COLUMNS = "profile_id, card_id, mark, claimed, record, goods"
_OF_CARDS = text(f"SELECT {_COLUMNS} FROM match_records WHERE card_id = ANY(:cards)")
_OF_CARDS_OR = text(
    f"SELECT {_COLUMNS} FROM match_records WHERE card_id = ANY(:cards)"
    f" UNION SELECT {_COLUMNS} FROM match_records WHERE profile_id = ANY(:ids)"
)
_FORGET = text("DELETE FROM match_records WHERE profile_id = ANY(:ids)")
_FORGET_KEYS = text(
    "DELETE FROM match_keys k USING unnest(CAST(:keys AS bigint[]), CAST(:ids AS uuid[])) AS g (key, id)"
    " WHERE k.key = g.key AND k.profile_id = g.id"
)
_COUNT = text("""
INSERT INTO match_words AS w (word, records, given, family)
SELECT * FROM unnest(CAST(:words AS text[]), CAST(:records AS integer[]), CAST(:given AS integer[]),
  CAST(:family AS integer[]))
ON CONFLICT (word) DO UPDATE SET records = w.records + excluded.records, given = w.given + excluded.given,
  family = w.family + excluded.family
""")
_NO_MORE = text(
    "DELETE FROM match_words WHERE word = ANY(:words) AND records = 0 AND given = 0 AND family = 0"
)
_ADD = text("UPDATE match_arrivals SET records = records + :more")

_MOST = f"CASE k.key & 1 WHEN 1 THEN {keys.NAMESAKES} ELSE {CROWDED} END"
_HOLDERS = f"""
WITH held AS MATERIALIZED (
  SELECT k.key, CASE WHEN cardinality(h.ids) <= {_MOST} THEN h.ids END AS ids
  FROM unnest(%s::bigint[]) AS k (key) CROSS JOIN LATERAL (
    SELECT array_agg(f.profile_id) AS ids FROM (
      SELECT m.profile_id FROM match_keys m WHERE m.key = k.key LIMIT {_MOST} + 1) f) h
  WHERE h.ids IS NOT NULL)
SELECT key, ids, NULL::uuid, NULL::uuid, NULL::bytea, NULL::boolean, NULL::bytea,
  NULL::text[], NULL::text, NULL::integer, NULL::integer, NULL::integer FROM held
UNION ALL SELECT NULL, NULL, {_COLUMNS}, NULL, NULL, NULL, NULL
FROM match_records WHERE profile_id = ANY(ARRAY(SELECT unnest(ids) FROM held))
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, word, records, given, family
FROM match_words WHERE word = ANY(%s::text[])
"""
_ALL_HOLDERS = text(
    f"SELECT {_COLUMNS} FROM match_records WHERE profile_id IN"
    " (SELECT profile_id FROM match_keys WHERE key = :key LIMIT :most)"
)
_WORDS = "SELECT word, records, given, family FROM match_words WHERE word = ANY(%s::text[])"

_CURSOR = "sync.dedupe.kept"  # among what a connection remembers

written = msgspec.msgpack.Encoder().encode  # a prepared record as it is kept
_decode = msgspec.msgpack.Decoder(Prepared).decode


class Kept(NamedTuple):
    """One record as it is kept."""

    profile: UUID
    card: UUID
    mark: bytes
    claimed: bool
    data: bytes
    goods: list[str] | None  # None where nothing was ordered

    @property
    def prepared(self) -> Prepared:
        """The record itself."""
        found = _decode(self.data)
        return reading.with_goods(found, self.goods) if self.goods else found


Holders = dict[int, list[Kept] | None]  # of each key; None where it is crowded


def number(key: str) -> int:
    """A key as the number that stands for it, the same in every process."""
    digest = blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True) & ~1 | (most(key) < CROWDED)


def of_cards(session: Session, cards: Collection[UUID]) -> list[Kept]:
    """What is kept of these cards, in the order in which a run reads it. One query."""
    found = _kept(session.execute(_OF_CARDS, {"cards": list(cards)}))
    return sorted(found.values(), key=place)


def place(one: Kept) -> tuple[int, int]:
    """Where a run reads a record."""
    return one.card.int, one.profile.int


def _kept(rows: Iterable[object]) -> dict[UUID, Kept]:
    return {one.profile: one for one in (Kept(*row) for row in rows)}  # type: ignore[misc]


def keep(session: Session, cards: Collection[UUID]) -> list[Kept]:
    """Keep what the profiles of these cards say now; answers the records that are new or say something else.

    What was ordered meanwhile is kept, but who only ordered again isn't matched again: whom a person took
    apart would come together by a second bag of the same coffee. The caller holds `ARRIVAL_LOCK`.
    """
    said = _said(session, cards)
    was = _kept(session.execute(_OF_CARDS_OR, {"cards": list(cards), "ids": list(said)}))
    old = [one for one in was.values() if one.profile not in said or said[one.profile].data != one.data]
    new = [one for one in said.values() if one.profile not in was or was[one.profile].data != one.data]
    moved = [one for one in said.values() if was.get(one.profile, one) != one]
    _write(session, {*(one.profile for one in old), *(one.profile for one in moved)}, new, moved)
    _write_keys(session, old, new)
    counted = [
        [one for one in side.values() if _tells(one, other)] for side, other in ((was, said), (said, was))
    ]
    _count(session, *counted)
    if len(new) != len(old):
        session.execute(_ADD, {"more": len(new) - len(old)})
    return new


def _said(session: Session, cards: Collection[UUID]) -> dict[UUID, Kept]:
    """The records of the profiles of cards, as a run would take them in."""
    found: dict[UUID, Kept] = {}
    for profiles in reading.cards(session, cards):
        for said in reading.said(profiles):
            one, goods = said.first, list(said.goods) or None
            found[one.id] = Kept(one.id, one.card, one.print, said.claimed, written(said.bare), goods)
    return found


def _tells(one: Kept, others: Mapping[UUID, Kept]) -> bool:
    """Whether words or goods of a record aren't those of the same record among others."""
    other = others.get(one.profile)
    return other is None or (other.data, other.goods) != (one.data, one.goods)


def _write(session: Session, gone: Collection[UUID], new: Iterable[Kept], moved: Iterable[Kept]) -> None:
    if gone:
        session.execute(_FORGET, {"ids": list(gone)})
    rows = {one.profile: one for one in (*new, *moved)}
    if rows:
        copy_rows(session, "match_records", _COLUMNS.split(", "), rows.values())


def _write_keys(session: Session, old: Iterable[Kept], new: Iterable[Kept]) -> None:
    gone, come = list(_numbered(old)), list(_numbered(new))
    if gone:
        values = {"keys": [key for key, _ in gone], "ids": [profile for _, profile in gone]}
        session.execute(_FORGET_KEYS, values)
    if come:
        copy_rows(session, "match_keys", ("key", "profile_id"), come)


def _numbered(records: Iterable[Kept]) -> Iterator[tuple[int, UUID]]:
    for one in records:
        for key in {number(key) for key in keys.keys(one.prepared)}:
            yield key, one.profile


def _count(session: Session, old: Collection[Kept], new: Collection[Kept]) -> None:
    """Add the words of new records and take those of old ones away."""
    more, less = _words(new), _words(old)
    change = {word: _less(more.get(word), less.get(word)) for word in sorted({*more, *less})}
    change = {word: found for word, found in change.items() if any(found)}
    if not change:
        return
    columns = {name: [found[at] for found in change.values()] for at, name in enumerate(_WORD)}
    session.execute(_COUNT, {"words": list(change), **columns})
    if less:
        session.execute(_NO_MORE, {"words": list(less)})


_WORD = ("records", "given", "family")


def _words(records: Iterable[Kept]) -> Mapping[str, Word]:
    counts = Counts(words={})
    counts.count_words(one.prepared for one in records)
    return counts.words


def _less(more: Word | None, less: Word | None) -> tuple[int, ...]:
    return tuple(getattr(more, name, 0) - getattr(less, name, 0) for name in _WORD)


def holders(
    session: Session, wanted: Collection[int], said: Collection[str]
) -> tuple[Holders, dict[str, Word]]:
    """Who has each of these keys, None of one that is crowded, and the same as `words`. One query."""
    found: Holders = {key: [] for key in wanted}
    held: list[tuple[int, list[UUID] | None]] = []
    records: dict[UUID, Kept] = {}
    counted: dict[str, Word] = {}
    for key, ids, *record, word, number, given, family in _ask(session, _HOLDERS, wanted, said):
        if key is not None:
            held.append((key, ids))
        elif word is None:
            records[record[0]] = Kept(*record)
        else:
            counted[word] = Word(number, given, family)
    for key, ids in held:
        found[key] = None if ids is None else [records[one] for one in ids]
    return found, counted


def all_holders(session: Session, key: int, most: int | None) -> list[Kept]:
    """Who has this key, so many of them at most. One query."""
    return list(_kept(session.execute(_ALL_HOLDERS, {"key": key, "most": most})).values())


def words(session: Session, wanted: Collection[str]) -> dict[str, Word]:
    """What is counted of these words; nothing of a word that nobody has. One query."""
    return {word: Word(*counted) for word, *counted in _ask(session, _WORDS, wanted)}


def named(records: Iterable[Prepared]) -> set[str]:
    """The words that tell what records are called, as far as they are their own, and what was ordered."""
    return set(chain.from_iterable((*one.name.words, *one.company, *one.goods) for one in records))


def _ask(session: Session, query: str, *lists: Collection[int] | Collection[str]) -> list[tuple[Any, ...]]:
    """What a small query finds, by the driver itself: half of its cost would be on the way to it.

    A connection keeps the cursor, which knows how to read each column once it has read one.
    """
    remembered = session.connection().info
    if (cursor := remembered.get(_CURSOR)) is None:
        cursor = remembered[_CURSOR] = driver(session).cursor(binary=True)
    values = [list(one) for one in lists]
    found: list[tuple[Any, ...]] = cursor.execute(query, values, prepare=True).fetchall()
    return found
