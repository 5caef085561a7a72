"""Sets of profiles that grow only as far as the guards allow: names, kinds, tax numbers, verdicts. Pure."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from customers import birthdays
from customers.known import Known
from customers.names import NameForm, agreement

REFUSALS = {
    "kind": "one is a person and the other a company",
    "verdict": "somebody decided that they are different",
    "name": "their names differ",
    "tax": "their tax numbers differ",
    "birthday": "their birthdays differ",
}


NUMBERS = ("tax", "account")  # rules that go by a number of one's own: a birthday is mistyped more often


class Cluster:
    """What the guards look at, summed over the members."""

    __slots__ = ("born", "forms", "homes", "identified", "kinds", "proved", "taxes")

    def __init__(self) -> None:
        self.forms: set[NameForm] = set()
        self.kinds: set[str] = set()
        self.homes: set[UUID] = set()
        self.born: set[str] = set()
        self.identified = False
        self.proved = False  # somebody in it is more than a browser's claim
        self.taxes: dict[str, set[str]] = {}

    def add(self, profile: Known) -> "Cluster":
        """Take one profile in; answers itself."""
        if profile.form.tokens:
            self.forms.add(profile.form)
        if profile.born:
            self.born.add(profile.born)
        if profile.home:
            self.homes.add(profile.home)
        if not profile.anonymous:
            self.kinds.add(profile.form.kind)
            self.identified = True
            self.proved = self.proved or not profile.claimed
        for key in profile.keys:
            if key.kind == "tax" and key.strong:
                kind, _, value = key.value.partition(":")
                self.taxes.setdefault(kind, set()).add(value)
        return self

    def absorb(self, other: "Cluster") -> None:
        """Take over what is known of the other."""
        self.forms |= other.forms
        self.kinds |= other.kinds
        self.homes |= other.homes
        self.born |= other.born
        self.identified |= other.identified
        self.proved |= other.proved
        for kind, values in other.taxes.items():
            self.taxes.setdefault(kind, set()).update(values)


def _names_agree(a: Iterable[NameForm], b: Collection[NameForm]) -> int:
    """The best agreement of two sets of names (2 full, 1 nothing against it); 0 when any pair is at odds."""
    best = 1
    for left in a:
        for right in b:
            level = agreement(left, right)
            if not level:
                return 0
            best = max(best, level)
    return best


class Clusters:
    """A union-find whose unions pass the guards first."""

    def __init__(self, profiles: Sequence[Known], verdicts: Collection[tuple[UUID, UUID]]) -> None:
        self._parent = list(range(len(profiles)))
        self._of = [Cluster().add(profile) for profile in profiles]
        self._verdicts = {pair for left, right in verdicts for pair in ((left, right), (right, left))}
        self._judged = {left for left, _ in self._verdicts}
        groups: dict[object, int] = {}
        for index, profile in enumerate(profiles):  # what is linked already stays linked, guards or not
            if profile.group is not None:
                self.join(groups.setdefault(profile.group, index), index)

    def root(self, index: int) -> int:
        """The member that stands for the whole cluster."""
        while self._parent[index] != index:
            self._parent[index] = index = self._parent[self._parent[index]]
        return index

    def of(self, index: int) -> Cluster:
        """The cluster a profile is in."""
        return self._of[self.root(index)]

    def roots(self, indexes: Iterable[int]) -> list[int]:
        """The clusters of these profiles, each once, in the order met."""
        return list(dict.fromkeys(self.root(index) for index in indexes))

    def join(self, a: int, b: int) -> None:
        """Make one cluster of two, whatever the guards say; the lower index stands for it."""
        a, b = sorted((self.root(a), self.root(b)))
        if a != b:
            self._of[a].absorb(self._of[b])
            self._parent[b] = a

    def refusal(self, a: int, b: int, rule: str = "") -> str:
        """Which guard forbids the union by a rule (a key of REFUSALS), or empty."""
        left, right = self.of(a), self.of(b)
        if refused := self._refusal(left, right):
            return refused
        return "birthday" if rule not in NUMBERS and birthdays.apart(left.born, right.born) else ""

    def at_odds(self, roots: Sequence[int]) -> bool:
        """True when the names of these clusters can't all be one person's."""
        forms: set[NameForm] = set()
        for root in roots:
            if not _names_agree(forms, self._of[root].forms):
                return True
            forms |= self._of[root].forms
        return False

    def doubt(self, a: int, b: int, roots: Sequence[int]) -> bool:
        """True when one of two has a name so scanty that it would fit a third too, who isn't the other."""
        if not self.of(a).forms and not self.of(b).forms:
            return True
        return any(
            bool(self.agreement(a, third)) != bool(self.agreement(b, third))
            for third in roots
            if self._of[third].forms and third not in (a, b)
        )

    def _refusal(self, left: Cluster, right: Cluster) -> str:
        if len(left.kinds | right.kinds) > 1:
            return "kind"
        if self._judged and any(
            (one, other) in self._verdicts for one in left.homes & self._judged for other in right.homes
        ):
            return "verdict"
        for kind, values in left.taxes.items():
            if kind in right.taxes and values.isdisjoint(right.taxes[kind]):
                return "tax"
        return "" if _names_agree(left.forms, right.forms) else "name"

    def agreement(self, a: int, b: int) -> int:
        """How well the names of two clusters agree: 2 fully, 1 nothing against it, 0 at odds."""
        return _names_agree(self.of(a).forms, self.of(b).forms)
