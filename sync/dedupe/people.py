"""The profiles that matching looks at, streamed: a million of them take no more than their records."""

import array
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.matching.prepared import Prepared, prepare
from sync.dedupe import reading
from sync.dedupe.batch import Batch, Progress
from sync.dedupe.reading import PRINT, READABLE, STEP, Profile

_NUMBER = text(f"SELECT count(*) FROM profiles p WHERE {READABLE}")


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
        self.shared, total = reading.shared(session), int(session.scalar(_NUMBER) or 0)
        said: dict[Prepared, int] = {}  # on the card being read -> its record
        card = None
        for number, one in enumerate(reading.read(session)):
            if number % STEP == 0:
                progress("Reading", number, total)
            if one.card != card:
                card, said = one.card, {}
            self.take(one, said)

    def take(self, one: Profile, said: dict[Prepared, int]) -> int | None:
        """Take one profile in; answers its record, None when it says nothing of who it is."""
        self.profiles += 1
        prepared = prepare(one.person)
        if not reading.speaks(prepared):
            return None
        if prepared in said:
            if not one.person.claimed:
                self.claimed.discard(said[prepared])
            return said[prepared]
        index = self.put(prepared, one.id, one.card, one.print, claimed=one.person.claimed, first=not said)
        said[prepared] = index
        return index

    def put(
        self, prepared: Prepared, profile: UUID, card: UUID, mark: bytes, *, claimed: bool, first: bool
    ) -> int:
        """Take in a record that nothing of its card says yet; the `first` of a card begins it."""
        index = self.batch.take(prepared)
        if first:
            self.first.append(index)
            self._cards += card.bytes
        if claimed:
            self.claimed.add(index)
        self.card_of.append(len(self.first) - 1)
        self._ids += profile.bytes
        self._prints += mark.ljust(PRINT, b"\0")
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
