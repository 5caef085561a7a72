"""The profiles that matching looks at, streamed: a million of them take no more than their records."""

import array
from collections.abc import Iterable, Iterator
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.matching.prepared import Prepared
from sync.dedupe import reading
from sync.dedupe.batch import Batch, Progress
from sync.dedupe.reading import PRINT, READABLE, STEP, Profile, Said

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
        told = 0
        for profiles in reading.cards(session):
            if self.profiles >= told:
                progress("Reading", self.profiles, total)
                told += STEP
            self.take(profiles)

    def take(self, profiles: Iterable[Profile]) -> list[tuple[int, Said]]:
        """Take the profiles of one card in; answers its records, by their numbers."""
        found: list[tuple[int, Said]] = []
        for said in reading.said(self._counted(profiles)):
            one = said.first
            index = self.put(
                said.prepared, one.id, one.card, one.print, claimed=said.claimed, first=not found
            )
            found.append((index, said))
        return found

    def _counted(self, profiles: Iterable[Profile]) -> Iterator[Profile]:
        for one in profiles:
            self.profiles += 1
            yield one

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
