"""Which profiles are one person: a pure decision over a batch and the profiles that share its keys.

The caller loads, the caller writes; nothing here knows a database. Links by operators (merges) must not be
visible here: the answer has to be the same whether two cards were merged by hand or not, so that undoing
the merge gives the state of a run that never had it.
"""

import heapq
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from uuid import UUID

from customers import phones
from customers.clusters import REFUSALS, Clusters
from customers.known import Decision, Known, Link, Proposal, Shared
from customers.names import NameForm, compatible
from foundation.clock import new_id

RULES = ("tax", "account", "email", "phone", "proof", "claim", "alike", "device")  # best evidence first
_RANK = {rule: rank for rank, rule in enumerate(RULES)}
CROWD = 3  # so many incompatible names on one phone or mailbox, and it names nobody any more
CLAIMS = ("proof", "claim", "alike")  # rules that tie a claim to people, and never two of them
HERD = {"device": 10, "claim": 50}  # more people than this on one of these, and it is nobody's

KeyId = tuple[str, str]


def decide(
    batch: Sequence[Known],
    existing: Sequence[Known],
    *,
    shared: Collection[KeyId] = (),
    verdicts: Collection[tuple[UUID, UUID]] = (),
    mint: Callable[[], UUID] = new_id,
) -> Decision:
    """Homes, links, proposals and newly shared keys for the profiles of `batch`.

    `batch`: new and changed profiles; `existing`: all others that hold a strong key of the batch, with their
    whole groups. `verdicts` are pairs of home cards that are never the same. The order of the input is of no
    consequence; `mint` gives the ids of new cards.
    """
    return _Run(batch, existing, shared, verdicts, mint).decision


class _Run:
    """One decision in the making: profiles by index, oldest first, and the holders of each key."""

    def __init__(
        self,
        batch: Sequence[Known],
        existing: Sequence[Known],
        shared: Collection[KeyId],
        verdicts: Collection[tuple[UUID, UUID]],
        mint: Callable[[], UUID],
    ) -> None:
        self.decision = Decision()
        self.was = {one.id: one.home for one in batch}
        fresh = {profile.id for profile in batch}
        everybody = [*map(self._detached, batch), *(one for one in existing if one.id not in fresh)]
        self.profiles = sorted(everybody, key=lambda one: (one.changed_at, one.external_id, one.id))
        self.fresh = [profile.id in fresh for profile in self.profiles]
        self.homes = [profile.home for profile in self.profiles]
        self.mint = mint
        self.clusters = Clusters(self.profiles, verdicts)
        self.holders = self._holders(set(shared))
        for level in (2, 1):  # names that agree in full first, so that scanty ones meet a clear picture
            for key, holders in self.holders.items():
                (self._join_device if key[0] == "device" else self._join_named)(key, holders, level)
        self._give_homes()
        self._bridge()
        self._propose()
        self._leave_in_place()

    def _leave_in_place(self) -> None:
        """What was decided about anew and has the same home as before hasn't moved."""
        same = {one.profile for one in self.decision.homes if one.card == self.was.get(one.profile)} & set(
            self.decision.moved
        )
        self.decision.moved = [one for one in self.decision.moved if one not in same]
        self.decision.homes = [one for one in self.decision.homes if one.profile not in same]

    def _detached(self, profile: Known) -> Known:
        """A visitor who was counted to a device's owner and now has a name of their own starts afresh.

        So does whatever was only likely, as who else is known by now decides about it.
        """
        if profile.home is not None and (profile.soft or (profile.by_device and not profile.anonymous)):
            self.decision.moved.append(profile.id)
            return replace(profile, home=None, group=None)
        return profile

    def _holders(self, shared: set[KeyId]) -> dict[KeyId, list[int]]:
        """Usable keys that some profile of the batch holds -> its holders, oldest first; best rules first."""
        holders: dict[KeyId, list[int]] = {}
        for index, profile in enumerate(self.profiles):
            for key in profile.keys:
                if key.strong and (key.kind, key.value) not in shared:
                    holders.setdefault((key.kind, key.value), []).append(index)
        self._set_proven_apart(holders)
        usable = {}
        for key_id in sorted(holders, key=lambda key: (_RANK[key[0]], key[1])):
            of_key = holders[key_id]
            if len(of_key) < 2 or not any(self.fresh[index] for index in of_key):
                continue
            people = {self._one_of(index) for index in of_key if not self.profiles[index].anonymous}
            if len(people) > HERD.get(key_id[0], len(people)):
                self.decision.shared.append(Shared(*key_id, f"used by {len(people)} different people"))
                continue
            crowd = _crowd([self.profiles[index].form for index in of_key])
            if key_id[0] in ("email", "phone") and crowd >= CROWD:
                self.decision.shared.append(Shared(*key_id, f"used under {crowd} different names"))
            else:
                usable[key_id] = of_key
        return usable

    def _one_of(self, index: int) -> object:
        """The same for profiles known to be one person: orders of a guest are a profile each."""
        profile = self.profiles[index]
        return profile.group or next(
            ((k.kind, k.value) for k in profile.keys if k.kind != "device"), profile.id
        )

    def _set_proven_apart(self, holders: dict[KeyId, list[int]]) -> None:
        """Who has proved a claim belongs to the person proved; others who claim the same don't come along."""
        proven = set()
        for (kind, _), of_key in holders.items():
            claims = [index for index in of_key if self.profiles[index].claimed]
            if kind == "proof" and len(claims) < len(of_key):
                proven.update(claims)
        if proven:
            for (kind, _), of_key in holders.items():
                if kind == "claim":
                    of_key[:] = [index for index in of_key if index not in proven]

    def _join_named(self, key: KeyId, holders: list[int], level: int) -> None:
        """Join the holders of a key as far as the guards allow."""
        clusters = self.clusters
        roots = clusters.roots(holders)
        doubtful = level == 1 and clusters.at_odds(roots)
        for index in holders:
            if len(roots) == 1:
                return
            here = clusters.root(index)
            if not self.fresh[index]:
                continue
            for root in roots:
                if (
                    root != here
                    and clusters.agreement(here, root) == level
                    and not clusters.refusal(here, root, key[0])
                    and not (key[0] in CLAIMS and clusters.of(here).proved and clusters.of(root).proved)
                    and not (doubtful and clusters.doubt(here, root, roots))
                ):
                    clusters.join(here, root)
            roots = clusters.roots(roots)

    def _join_device(self, key: KeyId, holders: list[int], level: int) -> None:
        """Count anonymous visitors to the one identified person of their device; never join two of those."""
        clusters = self.clusters
        roots = clusters.roots(holders)
        identified = [root for root in roots if clusters.of(root).identified]
        if level != 1 or len(identified) > 1:
            return
        owner = identified[0] if identified else roots[0]
        for root in roots:
            if root != owner and not clusters.refusal(owner, root):
                clusters.join(owner, root)

    def _may_tie(self, key: KeyId, a: int, b: int) -> bool:
        """A device never ties two people who both say who they are."""
        return key[0] != "device" or self.profiles[a].anonymous or self.profiles[b].anonymous

    def _keys(self, index: int) -> Iterator[KeyId]:
        for key in self.profiles[index].keys:
            if (key.kind, key.value) in self.holders:
                yield key.kind, key.value

    def _give_homes(self) -> None:
        """Each profile without a card gets the home card of its best neighbour, or a new card."""
        self.queue: list[tuple[int, int, int, KeyId]] = []  # rank, neighbour with a home, profile, key
        self.spent: set[tuple[int, KeyId]] = set()
        for index, home in enumerate(self.homes):
            if home is not None:
                self._spread(index)
        self._drain()
        for index, profile in enumerate(self.profiles):
            if self.homes[index] is None and not profile.anonymous:
                card = self.mint()
                self.decision.new_cards.append((card, profile.id))
                self._settle(index, card, "new", {})
                self._drain()

    def _spread(self, index: int) -> None:
        """Offer a profile's home to those of its cluster that share a key with it and have none yet."""
        root = self.clusters.root(index)
        for key in self._keys(index):
            if (root, key) in self.spent:
                continue
            if key[0] != "device" or self.profiles[index].anonymous:
                self.spent.add((root, key))  # whoever could be reached by this key has an offer now
            for other in self.holders[key]:
                if (
                    self.homes[other] is None
                    and self.clusters.root(other) == root
                    and self._may_tie(key, index, other)
                ):
                    heapq.heappush(self.queue, (_RANK[key[0]], index, other, key))

    def _drain(self) -> None:
        while self.queue:
            _, neighbour, index, key = heapq.heappop(self.queue)
            card = self.homes[neighbour]
            if self.homes[index] is None and card is not None:
                self._settle(index, card, key[0], self._evidence(key, neighbour))

    def _settle(self, index: int, card: UUID, rule: str, evidence: dict[str, str]) -> None:
        self.homes[index] = card
        self.decision.homes.append(Link(self.profiles[index].id, card, rule, evidence))
        self._spread(index)

    def _evidence(self, key: KeyId, other: int) -> dict[str, str]:
        return {"key": key[1], "with": str(self.profiles[other].id)}

    def _bridge(self) -> None:
        """Links of the batch's profiles to further home cards that share a key and are the same person."""
        done: set[tuple[int, UUID]] = set()
        for key, holders in self.holders.items():
            cards: dict[tuple[int, UUID, bool], int] = {}  # cluster, card, anonymous holder -> oldest holder
            for index in holders:
                home = self.homes[index]
                if home is not None:
                    kind = (self.clusters.root(index), home, self.profiles[index].anonymous)
                    cards.setdefault(kind, index)
            if len(cards) < 2:
                continue
            for index in filter(self.fresh.__getitem__, holders):
                for (root, card, _), other in cards.items():
                    if (
                        root == self.clusters.root(index)
                        and card != self.homes[index]
                        and (index, card) not in done
                        and self._may_tie(key, index, other)
                    ):
                        done.add((index, card))
                        link = Link(self.profiles[index].id, card, key[0], self._evidence(key, other))
                        self.decision.bridges.append(link)

    def _propose(self) -> None:
        """Pairs of home cards that share a key and aren't one cluster, unless a rule keeps them apart."""
        done: set[tuple[UUID, UUID]] = set()
        for key, holders in self.holders.items():
            first: dict[int, int] = {}  # cluster -> its oldest holder
            for index in holders:
                first.setdefault(self.clusters.root(index), index)
            new = {self.clusters.root(index) for index in holders if self.fresh[index]}
            if key[0] in ("device", "claim", "alike") or len(first) < 2:
                continue
            for (a, one), (b, other) in combinations(first.items(), 2):
                here, there = self.homes[one], self.homes[other]
                if not {a, b} & new or here is None or there is None:
                    continue
                left, right = sorted((here, there))
                refusal = self.clusters.refusal(a, b, key[0])
                if refusal not in ("kind", "verdict") and left != right and (left, right) not in done:
                    done.add((left, right))
                    self.decision.proposals.append(Proposal(left, right, key[0], _explain(key, refusal)))


_SAID = {
    "tax": "tax number", "account": "account", "email": "e-mail address", "phone": "phone number",
    "proof": "device and",
}  # fmt: skip


def _explain(key: KeyId, refusal: str) -> dict[str, str]:
    but = REFUSALS.get(refusal, "the name on one of them would fit several people")
    value = key[1].rpartition("|")[2].partition(":")[2] if key[0] == "proof" else key[1]
    value = phones.grouped(value) if key[0] == "phone" else value
    why = f"They share the {_SAID[key[0]]} {value}, but {but}."
    return {"key": key[1], "refused": refusal or "unsure", "why": why}


def _crowd(forms: Sequence[NameForm]) -> int:
    """How many names at odds with each other a key is used under, at most of persons or of companies."""
    apart: dict[str, list[NameForm]] = {"person": [], "company": []}
    for form in sorted({form for form in forms if form.tokens}):
        group = apart[form.kind]
        if not any(compatible(form, other) for other in group):
            group.append(form)
    return max(len(group) for group in apart.values())
