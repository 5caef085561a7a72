"""How often the model is right: its weights against what people decided, or against a file of the truth."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from math import comb
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.files.reading import Table
from customers.matching.clustering import Groups
from customers.matching.model import probability
from foundation.errors import BadInput
from sync.dedupe import models, reading
from sync.dedupe.batch import Batch, Progress
from sync.dedupe.deciding import Deciding
from sync.dedupe.people import People
from sync.dedupe.reading import Profile

LOWEST, HIGHEST = -10, 20  # bits that are shown
_YES = {"1", "yes", "true", "y", "same", "joined"}

_HOME = "NOT EXISTS (SELECT FROM profile_links e WHERE e.profile_id = {0}.profile_id AND e.id < {0}.id)"
# what stands of people's decisions: the links they made and the verdicts they gave, between home cards
_DECIDED = text(f"""
WITH said AS (
  SELECT id, customer_id AS one, CAST(evidence ->> 'card' AS uuid) AS other, true AS same
  FROM profile_links WHERE rule = 'manual' AND until IS NULL
  UNION ALL SELECT -id, left_id, right_id, false FROM verdicts WHERE until IS NULL)
SELECT s.id, s.same, CAST(a.profile_id AS text), CAST(b.profile_id AS text) FROM said s
JOIN profile_links a ON a.customer_id = s.one AND {_HOME.format("a")}
JOIN profile_links b ON b.customer_id = s.other AND {_HOME.format("b")}
ORDER BY s.id, a.profile_id, b.profile_id
""")


class Said(NamedTuple):
    """What is true: pairs of ids, several for the records of one pair of cards; or the cluster of each id."""

    pairs: dict[int, tuple[bool, list[tuple[str, str]]]]
    clusters: dict[str, str]

    def ids(self) -> set[str]:
        """Every id that is spoken of."""
        return {one for _, ends in self.pairs.values() for pair in ends for one in pair} | set(self.clusters)


class Threshold(msgspec.Struct):
    """What a threshold comes to: pairs it finds that are one customer, and those that are two."""

    bits: float
    probability: float
    found: int
    wrong: int
    precision: float | None
    recall: float | None
    band: str = ""


class Tier(msgspec.Struct):
    """What the automatic tier comes to, after the guards of clusters."""

    precision: float | None
    recall: float | None


class Figures(msgspec.Struct):
    """The whole answer; `unknown` ids of a file are not here."""

    model: str
    same: int
    different: int
    unknown: int
    thresholds: list[Threshold]
    clusters: Tier | None = None

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


class Known(People):
    """Everybody, and which records the ids that are spoken of stand for."""

    def __init__(self, batch: Batch, ids: Iterable[str]) -> None:
        super().__init__(batch)
        self.ids = frozenset(ids)
        self.places: dict[str, list[int]] = defaultdict(list)  # id -> its records

    def take(self, profiles: Iterable[Profile]) -> list[tuple[int, reading.Said]]:
        """Take the profiles of one card in, and remember their names."""
        found = super().take(profiles)
        for index, said in found:
            for profile, external_id in said.names:
                for name in {str(profile), str(said.first.card), external_id} & self.ids:
                    self.places[name].append(index)
        return found


def decided(session: Session) -> Said:
    """What people have decided and not taken back. One query."""
    pairs: dict[int, tuple[bool, list[tuple[str, str]]]] = {}
    for number, same, one, other in session.execute(_DECIDED):
        pairs.setdefault(number, (same, []))[1].append((one, other))
    return Said(pairs, {})


def from_file(path: Path) -> Said:
    """The truth of a CSV file or a workbook; BadInput says which columns it needs, or which row is wrong."""
    needed = "the file needs the columns id and cluster, or left and right"
    try:
        table = Table(path)
    except BadInput as error:
        raise BadInput(f"{error.message}; {needed}", str(path)) from error
    heads = {head.casefold(): at for at, head in reversed(list(enumerate(table.headers)))}
    cluster = next((heads[one] for one in ("cluster", "cluster_id") if one in heads), None)
    name = next((heads[one] for one in ("id", "record_id", "external_id") if one in heads), None)
    if cluster is not None and name is not None:
        rows = _cells(table)
        return Said({}, {row[name]: row[cluster] for row in rows if row[name] and row[cluster]})
    if "left" in heads and "right" in heads:
        return Said(dict(enumerate(_pairs(_cells(table), heads))), {})
    raise BadInput(needed, str(path))


def _cells(table: Table) -> Iterator[list[str]]:
    for row in table.rows():
        if row.problem:
            raise BadInput(row.problem, f"line {row.line}")
        yield row.cells


def _pairs(rows: Iterable[list[str]], heads: dict[str, int]) -> Iterator[Any]:
    for row in rows:
        same = row[heads["same"]].strip().casefold() in _YES if "same" in heads else True
        yield same, [(row[heads["left"]], row[heads["right"]])]


def read(session: Session, said: Said, progress: Progress = lambda *_: None) -> Known:
    """Everybody, for the model in use."""
    people = Known(Batch(models.current(session)), said.ids())
    people.fill(session, progress)
    return people


def evaluate(people: Known, said: Said, progress: Progress = lambda *_: None) -> Figures:
    """The figures, at every whole bit and at the thresholds of the model."""
    weighed = people.batch.weighed(progress)
    labels = _labels(people, said)
    if labels is None:
        bits, same = _of_pairs(people, said)
        every, tier = int(same.sum()), None
    else:
        bits, same = _of_clusters(labels, weighed)
        every, tier = _together(labels), _tier(people, labels, Deciding(people, weighed).clusters())
    unknown = len(people.ids - set(people.places))
    thresholds = [_threshold(least, band, bits, same, every) for least, band in _steps(people)]
    return Figures(
        people.batch.model.version, every, len(same) - int(same.sum()), unknown,
        [one for one in thresholds if one.found + one.wrong or one.band], tier,
    )  # fmt: skip


def _steps(people: Known) -> list[tuple[float, str]]:
    model = people.batch.model
    bands = {model.automatic: "automatic", model.review: "review"}
    return sorted({**{float(bits): "" for bits in range(LOWEST, HIGHEST + 1)}, **bands}.items(), reverse=True)


def _threshold(least: float, band: str, bits: Any, same: Any, every: int) -> Threshold:
    above = bits >= least
    found, wrong = int((above & same).sum()), int((above & ~same).sum())
    precision = found / (found + wrong) if found + wrong else None
    return Threshold(
        least, round(probability(least), 4), found, wrong, precision, found / every if every else None, band
    )


def _of_pairs(people: Known, said: Said) -> tuple[Any, Any]:
    """The weight of the strongest records of each pair that is here, and whether it is one customer."""
    batch, places = people.batch, people.places
    bits, same = [], []
    for one_customer, ends in said.pairs.values():
        weights = [
            batch.model.weigh(batch.records[a], batch.records[b], batch.counts)
            for one, other in ends
            for a in places.get(one, ())
            for b in places.get(other, ())
        ]
        if weights:
            bits.append(max(weights))
            same.append(one_customer)
    return np.array(bits), np.array(same, bool)


def _labels(people: Known, said: Said) -> Any:
    """The true customer of each record, -1 for unknown; None where the truth is pairs."""
    if not said.clusters:
        return None
    labels = np.full(len(people.batch.records), -1, np.int64)
    numbers: dict[str, int] = {}
    for name, records in people.places.items():
        labels[records] = numbers.setdefault(said.clusters[name], len(numbers))
    return labels


def _of_clusters(labels: Any, weighed: tuple[Any, Any, Any]) -> tuple[Any, Any]:
    one, other, bits = weighed
    known = (labels[one] >= 0) & (labels[other] >= 0)
    return bits[known], labels[one[known]] == labels[other[known]]


def _tier(people: Known, labels: Any, clusters: list[Any]) -> Tier:
    """Of all pairs of records that are on one card then, and of those that should be."""
    groups = Groups(len(people.first))
    for link in (link for links in clusters for link in links):
        a, b = (groups.root(people.card_of[end]) for end in link[:2])
        if a != b:
            groups.join(a, b)
    roots = np.array([groups.root(card) for card in people.card_of], np.int64)
    known = labels >= 0
    right = _together(roots[known] * (int(labels.max()) + 1) + labels[known])
    found, every = _together(roots[known]), _together(labels[known])
    return Tier(right / found if found else None, right / every if every else None)


def _together(labels: Any) -> int:
    """How many pairs have one label."""
    return sum(comb(size, 2) for label, size in Counter(labels.tolist()).items() if label >= 0)
