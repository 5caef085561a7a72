"""Those who arrive against all who are kept ready: the pairs and weights that a run would find."""

from collections.abc import Collection, Iterable, Mapping
from struct import Struct
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from customers.matching import keys, naming
from customers.matching.counts import ALONE, Counts, Sharing, Word
from customers.matching.model import Model
from customers.matching.prepared import Prepared
from sync.dedupe import kept
from sync.dedupe.kept import Kept

SOME = 256  # records with a value that are looked at before all are
ENOUGH = 13  # given names and more among them: nothing depends on how many more there are
_NOBODY = Word()
_SINGLE = Struct("f")  # a run keeps weights so


class Weighed(NamedTuple):
    """Two records that are worth comparing, in the order in which a run reads them, and their weight."""

    one: Kept
    other: Kept
    bits: float


class Looked(NamedTuple):
    """The pairs of those who arrived, and the counts they were weighed by."""

    pairs: list[Weighed]
    counts: Counts


class _Words(dict[str, Word]):
    """Words that are read when they are asked for."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def load(self, wanted: Collection[str]) -> None:
        """Read some at once."""
        missing = [word for word in wanted if word not in self]
        if missing:
            self.know(missing, kept.words(self._session, missing))

    def know(self, wanted: Iterable[str], counted: Mapping[str, Word]) -> None:
        """Take in what was read of some: nobody has the others."""
        self.update(dict.fromkeys(wanted, _NOBODY))
        self.update(counted)

    def get(self, word: str, default: Any = None) -> Any:
        """The counts of a word."""
        if word not in self:
            self.load((word,))
        return self[word]


class _Sharings(dict[str, Sharing]):
    """Who shares a value, counted when it is asked for."""

    def __init__(self, look: "Look") -> None:
        super().__init__()
        self._look = look

    def get(self, value: str, default: Any = None) -> Any:
        """Who shares a value."""
        if value not in self:
            self[value] = self._look.sharing(value)
        return self[value]


class Look:
    """One look for some who arrived; what they say is kept already."""

    def __init__(self, session: Session, model: Model, total: int) -> None:
        self.session, self.model = session, model
        self.words = _Words(session)
        self.counts = Counts(records=total, words=self.words, shared=_Sharings(self))
        self._holders: kept.Holders = {}
        self._prepared: dict[int, Prepared] = {}

    def pairs(self, arrived: Collection[Kept]) -> list[Weighed]:
        """Everybody whom a run would compare them with, weighed; each pair once."""
        keyed = [self._keys(one) for one in arrived]
        said = kept.named(self._read(one) for one in arrived)
        self._holders, counted = kept.holders(self.session, set().union(*keyed), said)
        self.words.know(said, counted)
        found: dict[tuple[int, int], tuple[Kept, Kept]] = {}
        for one, own in zip(arrived, keyed, strict=True):
            found |= self._beside(one, own)
        self.words.load({word for both in found.values() for word in self._compared(*both)})
        return [self._weigh(*found[pair]) for pair in sorted(found)]

    def _keys(self, one: Kept) -> set[int]:
        return {kept.number(key) for key in keys.keys(self._read(one))}

    def _read(self, one: Kept) -> Prepared:
        profile = one.profile.int
        if (found := self._prepared.get(profile)) is None:
            found = self._prepared[profile] = one.prepared
        return found

    def _beside(self, one: Kept, own: Collection[int]) -> dict[tuple[int, int], tuple[Kept, Kept]]:
        """Whom a run would compare somebody with: by the numbers of both, as a run reads them."""
        here, profile = kept.place(one), one.profile.int
        others = {other.profile.int: other for key in own for other in self._holders[key] or ()}
        others.pop(profile, None)
        found, kind = {}, self._read(one).kind
        for there, other in others.items():
            if self._read(other).kind != kind:
                continue
            if here < kept.place(other):
                found[profile, there] = one, other
            else:
                found[there, profile] = other, one
        return found

    def _compared(self, one: Kept, other: Kept) -> Iterable[str]:
        """The words that weighing two records looks up, but for those that tell who shares a value."""
        a, b = self._read(one), self._read(other)
        if a.kind == "company":
            return kept.named((a, b))
        if self.words.keys() >= {*a.name.words, *b.name.words}:
            return ()
        found = naming.compare(a.name, b.name)
        doubtful = found.level in ("near", "other_word")  # counts tell whether these are given names
        return (*found.shared, *found.left, *found.right) if doubtful else found.shared

    def _weigh(self, one: Kept, other: Kept) -> Weighed:
        bits = self.model.weigh(self._read(one), self._read(other), self.counts)
        return Weighed(one, other, _SINGLE.unpack(_SINGLE.pack(bits))[0])

    def sharing(self, value: str) -> Sharing:
        """How many records have a value and how many given names they say, as far as that matters."""
        key = kept.number(keys.of_value(value))
        if (holding := self._holders.get(key)) is not None:
            return self._counted(holding)
        some = self._counted(kept.all_holders(self.session, key, SOME))
        if some.records < SOME or some.names >= ENOUGH:
            return some
        return self._counted(kept.all_holders(self.session, key, None))

    def _counted(self, records: Collection[Kept]) -> Sharing:
        read = [self._read(one) for one in records]
        self.words.load(kept.named(one for one in read if not one.given))
        names = {self.counts.called(one) for one in read} - {""}
        return Sharing(len(read), max(1, len(names))) if len(read) > 1 else ALONE


def look(session: Session, model: Model, arrived: Collection[Kept], total: int) -> Looked:
    """Weigh those who arrived; `total` is how many records are kept."""
    looking = Look(session, model, total)
    return Looked(looking.pairs(arrived) if arrived else [], looking.counts)
