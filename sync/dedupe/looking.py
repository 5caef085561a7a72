"""Those who arrive against all who are kept ready: the pairs and weights that a run would find."""

from collections.abc import Collection, Iterable, Iterator
from struct import Struct
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from customers.matching import keys
from customers.matching.counts import ALONE, Counts, Sharing, Word, shareable
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
            self.update(dict.fromkeys(missing, _NOBODY) | kept.words(self._session, missing))

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
        self._holders: dict[int, list[UUID]] = {}
        self._kept: dict[UUID, Kept] = {}
        self._prepared: dict[UUID, Prepared] = {}

    def pairs(self, arrived: Collection[Kept]) -> list[Weighed]:
        """Everybody whom a run would compare them with, weighed; each pair once."""
        keyed = {one.profile: self._keys(one) for one in arrived}
        beside = {
            kept.number(key)
            for one in arrived
            for value in shareable(self._prepared[one.profile])
            for key in keys.of_value(value)
        }
        own = set().union(*keyed.values())
        self._holders = kept.holders(self.session, own | beside)
        self._load({one for key in own | beside if not self._crowded(key) for one in self._holders[key]})
        found = {pair for one in arrived for pair in self._beside(one, keyed[one.profile])}
        self.words.load(kept.named(self._prepared.values()) if found else ())
        return [self._weigh(self._kept[a], self._kept[b]) for a, b in sorted(found)]

    def _keys(self, one: Kept) -> set[int]:
        self._take(one)
        return {kept.number(key) for key in keys.keys(self._prepared[one.profile])}

    def _take(self, one: Kept) -> None:
        self._kept[one.profile], self._prepared[one.profile] = one, one.prepared

    def _load(self, profiles: Iterable[UUID]) -> None:
        for one in kept.these(self.session, [one for one in profiles if one not in self._kept]).values():
            self._take(one)

    def _crowded(self, key: int) -> bool:
        return len(self._holders[key]) > kept.limit(key)

    def _beside(self, one: Kept, own: Collection[int]) -> Iterator[tuple[UUID, UUID]]:
        for other in {other for key in own if not self._crowded(key) for other in self._holders[key]}:
            if other != one.profile:
                a, b = sorted((one, self._kept[other]), key=kept.place)
                yield a.profile, b.profile

    def _weigh(self, one: Kept, other: Kept) -> Weighed:
        bits = self.model.weigh(self._prepared[one.profile], self._prepared[other.profile], self.counts)
        return Weighed(one, other, _SINGLE.unpack(_SINGLE.pack(bits))[0])

    def sharing(self, value: str) -> Sharing:
        """How many records have a value and how many given names they say, as far as that matters."""
        wanted = [kept.number(key) for key in keys.of_value(value)]
        if all(key in self._holders and not self._crowded(key) for key in wanted):
            return self._counted({one for key in wanted for one in self._holders[key]})
        some = self._counted(kept.all_holders(self.session, wanted, SOME))
        if some.records < SOME or some.names >= ENOUGH:
            return some
        return self._counted(kept.all_holders(self.session, wanted, None))

    def _counted(self, profiles: Collection[UUID]) -> Sharing:
        self._load(profiles)
        self.words.load(kept.named(self._prepared[one] for one in profiles))
        names = {self.counts.called(self._prepared[one]) for one in profiles} - {""}
        return Sharing(len(profiles), max(1, len(names))) if len(profiles) > 1 else ALONE


def look(session: Session, model: Model, arrived: Collection[Kept], total: int) -> Looked:
    """Weigh those who arrived; `total` is how many records are kept."""
    looking = Look(session, model, total)
    return Looked(looking.pairs(arrived) if arrived else [], looking.counts)
