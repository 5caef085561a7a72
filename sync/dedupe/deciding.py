"""What a run would do with everybody: which cards are one customer, and which a person is asked about.

A card is what exact keys and people have made of profiles already, so its records are together beforehand.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.chains import LARGEST
from customers.matching import clustering
from customers.matching.clustering import Groups
from customers.matching.compare import LEVELS, vector
from customers.matching.model import AND
from sync.dedupe.guards import guards_of
from sync.dedupe.people import People

MOST_ASKED = 10_000  # pairs of one run that wait for a person: the surest; the next run brings others
_GUARDED = 2_000  # cards whose guards are read at once
_NAMES = tuple(LEVELS["person"]).index("name")
_OTHERS = ("other_given", "different")  # levels of names that two people of one household have
_BORROWED = ("email", "phone")  # what several people may share, and say so

_KNOWN = text("""
SELECT coalesce(a.merged_into, a.id), coalesce(b.merged_into, b.id) FROM (
  SELECT left_id, right_id FROM verdicts WHERE until IS NULL
  UNION SELECT left_id, right_id FROM duplicates WHERE state <> 'joined') d
JOIN customers a ON a.id = d.left_id JOIN customers b ON b.id = d.right_id
""")
# the same where only some cards are at hand
_KNOWN_OF = text("""
WITH mine AS (SELECT id, coalesce(merged_into, id) AS card FROM customers
  WHERE id = ANY(:cards) OR merged_into = ANY(:cards))
SELECT a.card, b.card FROM (
  SELECT left_id, right_id FROM verdicts
    WHERE until IS NULL AND left_id = ANY(ARRAY(SELECT id FROM mine))
  UNION SELECT left_id, right_id FROM duplicates
    WHERE state <> 'joined' AND left_id = ANY(ARRAY(SELECT id FROM mine))) d
JOIN mine a ON a.id = d.left_id JOIN mine b ON b.id = d.right_id
""")


class Link(NamedTuple):
    """Two records of two cards; `held` says why a pair that is sure enough is not joined."""

    one: int
    other: int
    bits: float
    held: str = ""


class Decided(NamedTuple):
    """Clusters of links that make one card each, links a person is asked about, and what was counted."""

    joins: list[list[Link]]
    asks: list[Link]
    counts: dict[str, Any]


class Deciding:
    """Over all records and the weighed pairs of them."""

    def __init__(self, people: People, weighed: tuple[Any, Any, Any]) -> None:
        self.people, self.shared = people, people.shared
        self.batch, self.model = people.batch, people.batch.model
        self.one, self.other, self.bits = weighed
        self.cards = np.array(people.card_of, np.int32)
        self.held: dict[tuple[int, int], str] = {}

    def clusters(self) -> list[list[Link]]:
        """What would be joined if nothing but the records themselves spoke."""
        apart = self.cards[self.one] != self.cards[self.other]
        chosen = np.flatnonzero((self.bits >= self.model.automatic) & apart)
        reach, sure = Groups(len(self.people.first)), []
        for link in map(Link, *(column[chosen].tolist() for column in (self.one, self.other, self.bits))):
            if reason := self._hold(link):
                self.held[link.one, link.other] = reason
                continue
            sure.append(link)
            _unite(reach, self.cards[link.one], self.cards[link.other])
        parts: dict[int, list[Link]] = defaultdict(list)
        for link in sure:
            parts[reach.root(int(self.cards[link.one]))].append(link)
        return list(chain.from_iterable(self._settle(links) for _, links in sorted(parts.items())))

    def _hold(self, link: Link) -> str:
        """Why a person has to look at a pair although it is sure enough."""
        records, counts = self.batch.records, self.batch.counts
        one, other = records[link.one], records[link.other]
        if {link.one, link.other} & self.people.claimed:
            return "claimed"
        if refused := clustering.refusal(one, other):
            return refused
        if one.kind == "person" and vector(one, other, counts)[_NAMES] in _OTHERS:
            return "household"
        if self.shared and not self.shared.isdisjoint(_values(one)) and self._borrowed(link):
            return "shared"
        return ""

    def _borrowed(self, link: Link) -> bool:
        """Whether a pair is sure only by a mailbox or telephone that several people use."""
        records, counts = self.batch.records, self.batch.counts
        one, other = records[link.one], records[link.other]
        if self.shared.isdisjoint({*_values(one)} & {*_values(other)}):
            return False
        parts = self.model.why(one, other, counts)
        lent = sum(max(0.0, part.bits) for part in parts if not {*part.on.split(AND)}.isdisjoint(_BORROWED))
        return link.bits - lent < self.model.automatic

    def _settle(self, links: list[Link]) -> Iterator[list[Link]]:
        """The clusters of one component, by the mean over all pairs of their records."""
        people, model = self.people, self.model
        cards = sorted({int(self.cards[end]) for link in links for end in link[:2]})
        members = [record for card in cards for record in people.records(card)]
        place = {record: index for index, record in enumerate(members)}
        chosen = [self.batch.records[record] for record in members]
        groups = Groups(len(members))
        for card in cards:
            first, *rest = people.records(card)
            for record in rest:
                _unite(groups, place[first], place[record])

        def weigh(a: int, b: int) -> float:
            return model.weigh(chosen[a], chosen[b], self.batch.counts)

        def refused(a: int, b: int) -> bool:
            return bool(clustering.refusal(chosen[a], chosen[b]))

        ordered = sorted((-link.bits, place[link.one], place[link.other]) for link in links)
        pairs = [(a, b, -bits) for bits, a, b in ordered]
        made: dict[int, list[Link]] = defaultdict(list)
        used = clustering.join(groups, pairs, weigh, refused, model.automatic, model.automatic_mean)
        for a, b, bits in used:
            made[groups.root(a)].append(Link(members[a], members[b], bits))
        for link in links:
            if groups.root(place[link.one]) != groups.root(place[link.other]):
                self.held[link.one, link.other] = "mean"
        yield from made.values()

    def decide(self, session: Session, *, joining: bool = True) -> Decided:
        """The same after the guards that stand in the database, and what a person is asked about.

        Where nothing is joined without a person, they are asked about what is certain, too.
        """
        found, counts = self.clusters(), Counter[str]()
        joins = [kept for part in _portions(found, _GUARDED) for kept in self._guarded(session, part)]
        joins = joins if joining else []
        groups = Groups(len(self.people.first))
        for link in chain.from_iterable(joins):
            _unite(groups, self.cards[link.one], self.cards[link.other])
        asks, more = self._asks(session, groups)
        held = Counter(link.held for link in asks if link.held)
        counts["profiles"], counts["records"] = self.people.profiles, len(self.batch.records)
        counts["compared"], counts["cards"] = len(self.one), len(self.people.first)
        counts["joins"], counts["clusters"] = sum(map(len, joins)), len(joins)
        counts["asks"], counts["unasked"] = len(asks), more
        largest = max((len(links) + 1 for links in joins), default=0)
        return Decided(joins, asks, {**counts, "largest": largest, "held": dict(held)})

    def _guarded(self, session: Session, clusters: list[list[Link]]) -> Iterator[list[Link]]:
        """Clusters with what tax numbers, kinds, verdicts and their size let through."""
        cards = {link: self._ends(link) for links in clusters for link in links}
        guards = guards_of(session, {card for pair in cards.values() for card in pair})
        for links in clusters:
            ends = {card for link in links for card in cards[link]}
            large = sum(guards.at(card).cards for card in ends) > LARGEST
            kept = []
            for link in links:
                reason = "large" if large else guards.join(*cards[link])
                if reason:
                    self.held[link.one, link.other] = reason
                else:
                    kept.append(link)
            if kept:
                yield kept

    def _ends(self, link: Link) -> tuple[UUID, UUID]:
        return self.people.card(self.cards[link.one]), self.people.card(self.cards[link.other])

    def _asks(self, session: Session, groups: Groups) -> tuple[list[Link], int]:
        """The surest pair of each two cards that remain and that nobody has been asked about."""
        roots = np.fromiter((groups.root(card) for card in range(len(self.people.first))), np.int32)
        left, right = roots[self.cards[self.one]], roots[self.cards[self.other]]
        chosen = np.flatnonzero((self.bits >= self.model.review) & (left != right))
        chosen = chosen[np.argsort(-self.bits[chosen], kind="stable")]
        seen, asks, more = self._known(session, groups), list[Link](), 0
        columns = (self.one, self.other, self.bits, left, right)
        for one, other, bits, a, b in zip(*(column[chosen].tolist() for column in columns), strict=True):
            pair = (a, b) if a < b else (b, a)
            held = self.held.get((one, other), "")
            records = self.batch.records
            if pair in seen or clustering.refusal(records[one], records[other]) == "kind":
                continue
            seen.add(pair)
            if len(asks) < MOST_ASKED:
                asks.append(Link(one, other, bits, held))
            else:
                more += 1
        return asks, more

    def _known(self, session: Session, groups: Groups) -> set[tuple[int, int]]:
        """Pairs of cards that somebody said are different, or that wait already."""
        found, few = set(), len(self.people.first) <= _GUARDED
        cards = [self.people.card(number) for number in range(len(self.people.first))] if few else []
        for left, right in session.execute(_KNOWN_OF if few else _KNOWN, {"cards": cards} if few else {}):
            a, b = self.people.number(left), self.people.number(right)
            if a is not None and b is not None:
                one, other = sorted((groups.root(a), groups.root(b)))
                found.add((one, other))
        return found


def _unite(groups: Groups, one: int, other: int) -> None:
    a, b = groups.root(int(one)), groups.root(int(other))
    if a != b:
        groups.join(a, b)


def _values(one: Any) -> Iterator[str]:
    """What of a record may have stopped being a key, as `shared` names it."""
    yield from (mail.key for mail in one.mails)
    yield from one.phones


def _portions(clusters: list[list[Link]], cards: int) -> Iterator[list[list[Link]]]:
    """Clusters, so many cards at a time."""
    part, size = [], 0
    for links in clusters:
        part.append(links)
        size += len(links) + 1
        if size >= cards:
            yield part
            part, size = [], 0
    if part:
        yield part
