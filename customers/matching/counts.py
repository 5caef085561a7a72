"""How common things are in the whole data: words of names, and who shares a number, mailbox or browser. Pure.

A name that thirty people have says little, and a telephone that five people use is no person's own.
"""

import math
from collections.abc import Iterable
from functools import cached_property

import msgspec

from customers import nicknames
from customers.matching.prepared import Prepared

SHARED = ("mail", "phone", "device")


class Word(msgspec.Struct, gc=False):
    """In how many records a word of a name stands, and as what where the source keeps names apart."""

    records: int = 0
    given: int = 0
    family: int = 0


class Sharing(msgspec.Struct, frozen=True, gc=False):
    """How many records have one value, and how many given names they say."""

    records: int = 1
    names: int = 1


ALONE = Sharing()
_NO_WORD = Word()


class Counts(msgspec.Struct, dict=True):
    """What was counted over all records. Nothing is counted any more once anything has been looked up."""

    records: int = 0
    words: dict[str, Word] = {}
    shared: dict[str, Sharing] = {}  # "mail:…" of values that several records have

    @cached_property
    def _logs(self) -> dict[str, float]:
        return {}

    @cached_property
    def size(self) -> float:
        """The number of records, as a logarithm to base 2."""
        return math.log2(max(self.records, 1))

    def commonness(self, word: str) -> float:
        """The share of records with the word, as a logarithm to base 2; never less than one record."""
        known = self._logs.get(word)
        if known is None:
            found = self.words.get(word)
            known = self._logs[word] = math.log2(found.records if found and found.records else 1) - self.size
        return known

    def is_given(self, word: str) -> bool | None:
        """Whether a word is a given name; None when nothing tells."""
        if nicknames.known(word):
            return True
        found = self.words.get(word, _NO_WORD)
        return found.given > found.family if found.given or found.family else None

    def called(self, one: Prepared) -> str:
        """The word a person is called by, as far as that is known."""
        if one.given:
            return one.given
        words = one.name.words
        if len(words) < 2:
            return words[0] if words else ""
        return max(words, key=self._givenness)

    def _givenness(self, word: str) -> tuple[bool, int]:
        return bool(self.is_given(word)), self.words.get(word, _NO_WORD).given

    def sharing(self, kind: str, value: str) -> Sharing:
        """Who shares a value; nobody as far as is known."""
        return self.shared.get(f"{kind}:{value}", ALONE)

    def count_words(self, records: Iterable[Prepared]) -> None:
        """Count the words of names of these records, and what they ordered; before `share`."""
        words = self.words
        for one in records:
            self.records += 1
            for word in dict.fromkeys(one.name.words + one.company + one.goods):
                words.setdefault(word, Word()).records += 1
            if one.given:
                words.setdefault(one.given, Word()).given += 1
            if one.family:
                words.setdefault(one.family, Word()).family += 1

    def share(self, records: Iterable[Prepared]) -> None:
        """Count who shares what among these records."""
        seen: dict[str, tuple[int, frozenset[str]]] = {}
        for one in records:
            called = self.called(one)
            for value in shareable(one):
                number, names = seen.get(value, (0, frozenset()))
                seen[value] = (number + 1, names | {called} if called else names)
        self.shared.update(
            {
                value: Sharing(number, max(1, len(names)))
                for value, (number, names) in seen.items()
                if number > 1
            }
        )


def shareable(one: Prepared) -> Iterable[str]:
    """The values of a record that others may have too, as `Counts.shared` names them."""
    for mail in one.mails:
        yield f"mail:{mail.key}"
    for phone in one.phones:
        yield f"phone:{phone}"
    for device in one.devices:
        yield f"device:{device}"
