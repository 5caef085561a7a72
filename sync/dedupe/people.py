"""The profiles that matching looks at, streamed: a million of them take no more than their records."""

import array
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.matching import mailboxes
from customers.matching.prepared import Prepared, prepare
from foundation.records import Person
from sync.dedupe.batch import Batch, Progress

PRINT = 8  # bytes of a record's hash that tell whether it has changed
_STEP = 5_000
# what we say ourselves of a card is no record of a source; who is gone says nothing any more
READABLE = "p.customer_id IS NOT NULL AND p.gone_at IS NULL AND p.kind <> 'own'"
_PEOPLE = text(f"""
SELECT p.id, p.customer_id, substring(p.record_hash FOR {PRINT}), CAST(p.record AS text)
FROM profiles p WHERE {READABLE} ORDER BY p.customer_id, p.id
""")
_NUMBER = text(f"SELECT count(*) FROM profiles p WHERE {READABLE}")

_SHARED = text("SELECT kind, value FROM shared_keys WHERE kind IN ('email', 'phone')")


class Profile(NamedTuple):
    """One profile as it was read: `print` is the beginning of its record's hash."""

    id: UUID
    card: UUID
    print: bytes
    person: Person


def read(session: Session) -> Iterator[Profile]:
    """All profiles that are on a card, those of one card together. One query, streamed."""
    rows = session.execute(_PEOPLE, execution_options={"yield_per": _STEP})
    decoder = msgspec.json.Decoder(Person)
    for one, card, mark, record in rows:
        yield Profile(one, card, bytes(mark), decoder.decode(record.encode()))


def _shared(session: Session) -> frozenset[str]:
    """Values that stopped being keys, as matching knows mailboxes and telephones."""
    found = set()
    for kind, value in session.execute(_SHARED):
        mail = mailboxes.read(value) if kind == "email" else None
        found.add(mail.key if mail else value.lstrip("+")[-10:])
    return frozenset(found)


def speaks(one: Prepared) -> bool:
    """Whether a record says anything of who it is: a browser alone doesn't."""
    return bool(one.name.words or one.company or one.mails or one.phones or one.tax)


class People:
    """A batch of the profiles of an installation; records that say the same on one card are one record."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.shared: frozenset[str] = frozenset()  # mailboxes and telephones that stopped being keys
        self.profiles = 0
        self.claimed: set[int] = set()  # records that only a browser says, unproved
        self.card_of = array.array("i")  # the number of each record's card
        self.first = array.array("i")  # the first record of each card
        self._ids, self._prints, self._cards = bytearray(), bytearray(), bytearray()

    def fill(self, session: Session, progress: Progress = lambda *_: None) -> None:
        """Read everybody."""
        self.shared, total = _shared(session), int(session.scalar(_NUMBER) or 0)
        said: dict[Prepared, int] = {}  # on the card being read -> its record
        card = None
        for number, one in enumerate(read(session)):
            if number % _STEP == 0:
                progress("Reading", number, total)
            if one.card != card:
                card, said = one.card, {}
            self.take(one, said)

    def take(self, one: Profile, said: dict[Prepared, int]) -> int | None:
        """Take one profile in; answers its record, None when it says nothing of who it is."""
        self.profiles += 1
        prepared = prepare(one.person)
        if not speaks(prepared):
            return None
        if prepared in said:
            if not one.person.claimed:
                self.claimed.discard(said[prepared])
            return said[prepared]
        index = self.batch.take(prepared)
        if not said:
            self.first.append(index)
            self._cards += one.card.bytes
        said[prepared] = index
        if one.person.claimed:
            self.claimed.add(index)
        self.card_of.append(len(self.first) - 1)
        self._ids += one.id.bytes
        self._prints += one.print.ljust(PRINT, b"\0")
        return index

    def profile(self, record: int) -> UUID:
        """The profile of a record."""
        return UUID(bytes=bytes(self._ids[16 * record : 16 * record + 16]))

    def mark(self, record: int) -> bytes:
        """The beginning of the hash of the record."""
        return bytes(self._prints[PRINT * record : PRINT * record + PRINT])

    def card(self, number: int) -> UUID:
        """The card of a number."""
        return UUID(bytes=bytes(self._cards[16 * number : 16 * number + 16]))

    def number(self, card: UUID) -> int | None:
        """The number of a card; None when none of its profiles says anything."""
        wanted, low, high = card.bytes, 0, len(self.first)
        while low < high:
            middle = (low + high) // 2
            if self._cards[16 * middle : 16 * middle + 16] < wanted:
                low = middle + 1
            else:
                high = middle
        return low if self._cards[16 * low : 16 * low + 16] == wanted else None

    def records(self, card: int) -> range:
        """The records of a card."""
        end = self.first[card + 1] if card + 1 < len(self.first) else len(self.card_of)
        return range(self.first[card], end)
