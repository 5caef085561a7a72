"""Trains the shipped matching model and checks it: on other people than it learnt from, and on more noise.

    python -m benchmarks.dedupe CUSTOMERS.csv TRUTH.csv [--write MODEL.json] [--noise 0.05] [--other CSV CSV]
    python -m benchmarks.dedupe CUSTOMERS.csv TRUTH.csv --reference sync/dedupe/reference.json

The people of the file are cut in two by household and office: a model of one half is judged on the other,
whose names it has never counted, with every threshold fixed beforehand (`BANDS`). Then a model of everybody
is written. Each learns from its rows three times: as they are, and twice with more cells missing and more
letters missed (`SPOILT`), so that it knows what agreement is worth in worse data. `--noise` drops cells and
mistypes letters of the judged half beyond what the file has.
`--reference`, after the shipped model, writes what Splink learns from the same people without the truth:
training compares with it what one's own pairs teach.
"""

import argparse
import csv
import json
import math
import random
import resource
import string
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import scipy.sparse as sparse
from sklearn.linear_model import LogisticRegression

from connectors.files.settings import SheetSettings
from customers.matching import compare
from customers.matching.model import AND, Model, read, shipped
from foundation.records import PersonKind
from sync.dedupe.batch import Batch
from sync.dedupe.files import person
from sync.dedupe.learning import Reference
from sync.dedupe.training import Lesson, learn

VERSION = "2026-11-23"
BANDS = {"automatic": 6.5, "automatic_mean": 1.0, "best": 1.5, "best_mean": 0.0, "review": -2.0}
PENALTY = 0.3  # of the logistic regression
SPOILT = ((0.05, 23), (0.1, 24))  # share of cells that a further round of training loses, and its dice
# Comparisons that don't speak independently of each other are weighed together as well.
TOGETHER: dict[PersonKind, str] = {
    "person": """
        name*rarity name*email name*phone name*device name*place name*birthday name*middle name*mail_name
        email*phone email*place email*device phone*place phone*device device*place rarity*email rarity*phone
        rarity*place rarity*device rarity*mail_name rarity*postcode rarity*middle email*mail_name
        place*postcode email*mail_year name*tax rarity*birthday name*suffix name*country
    """,
    "company": """
        company*rarity company*email company*phone company*tax company*place company*device company*contact
        email*phone email*place phone*place tax*email tax*phone tax*place company*mail_domain rarity*place
        rarity*email contact*device contact*email place*postcode rarity*phone
    """,
}
# No data with the truth beside it has orders: low weights by hand, which an installation's own pairs move.
BY_HAND = {"goods": {"several": 2.0, "rare": 1.0, "common": 0.2}}
FIELDS = {
    "name": "name", "first_name": "given_name", "last_name": "family_name", "middle_name": "middle_name",
    "company": "company", "tax_id": "tax_number", "email": "email", "phone": "phone", "country": "country",
    "birth_date": "birthday", "city": "city", "postcode": "postcode", "address": "address",
    "visitor_id": "device_id", "party_type": "kind",
}  # fmt: skip
Rows = list[dict[str, str]]


def load(customers: Path, truth: Path) -> Rows:
    """Rows of customers with their cluster and unit."""
    with customers.open(encoding="utf-8") as file, truth.open(encoding="utf-8") as said:
        known = {row["record_id"]: row for row in csv.DictReader(said)}
        return [{**row, **known[row["record_id"]]} for row in csv.DictReader(file)]


def batch_of(rows: Rows, model: Model | None) -> Batch:
    """The rows in a batch."""
    batch = Batch(model or blank())
    columns = {field: index for index, field in enumerate(FIELDS.values())}
    for row in rows:
        batch.add(person([row[name] for name in FIELDS], columns, SheetSettings()))
    return batch


def blank() -> Model:
    """A model that knows nothing, to find pairs with."""
    empty = {"start": 0.0, "bits": {}}
    return read(json.dumps({"version": "", **BANDS, "person": empty, "company": empty}).encode())


def noisy(rows: Rows, share: float, dice: int = 11) -> Rows:
    """The rows with more cells missing and more letters missed than they have."""
    chance = random.Random(dice)
    spoilt = []
    for row in rows:
        row = dict(row)
        for field in FIELDS:
            text = row[field]
            if text and field not in ("company", "party_type", "country"):
                if chance.random() < share and field not in ("name", "first_name", "last_name"):
                    row[field] = ""
                elif chance.random() < share / 2 and len(text) > 4:
                    at = chance.randrange(1, len(text) - 1)
                    letter = "" if chance.random() < 0.5 else chance.choice(string.ascii_lowercase)
                    if text[at].isalpha():
                        row[field] = text[:at] + letter + text[at + 1 :]
        spoilt.append(row)
    return spoilt


def train(rows: Rows) -> dict[str, Any]:
    """A model of these rows, as it is written."""
    found: dict[PersonKind, tuple[list[tuple[str, ...]], list[bool]]] = {
        "person": ([], []),
        "company": ([], []),
    }
    for told in (rows, *(noisy(rows, share, dice) for share, dice in SPOILT)):
        batch = batch_of(told, None)
        for a, b in batch.compared():
            one, other = batch.records[a], batch.records[b]
            vectors, same = found[one.kind]
            vectors.append(compare.vector(one, other, batch.counts))
            same.append(rows[a]["cluster_id"] == rows[b]["cluster_id"])
    model: dict[str, Any] = {"version": VERSION, **BANDS}
    return model | {kind: fit(kind, *said) for kind, said in found.items()}


def fit(kind: PersonKind, vectors: Sequence[tuple[str, ...]], same: Sequence[bool]) -> dict[str, Any]:
    """Weights in bits by logistic regression over levels, alone and two together."""
    levels = compare.LEVELS[kind]
    names, together = list(levels), TOGETHER[kind].split()
    sizes = [len(levels[name]) for name in names]
    place = {name: {level: at for at, level in enumerate(levels[name])} for name in names}
    codes = np.array([[place[n][level] for n, level in zip(names, v, strict=True)] for v in vectors])
    columns, offsets, width = [], [], 0
    for term in (*names, *together):
        at = [names.index(part) for part in term.split(AND)]
        code = codes[:, at[0]] if len(at) == 1 else codes[:, at[0]] * sizes[at[1]] + codes[:, at[1]]
        columns.append(code + width)
        offsets.append(width)
        width += math.prod(sizes[part] for part in at)
    number, terms = len(codes), len(columns)
    seen = (np.ones(number * terms), (np.repeat(np.arange(number), terms), np.stack(columns, 1).ravel()))
    fitted = LogisticRegression(C=PENALTY, max_iter=400).fit(
        sparse.csr_matrix(seen, shape=(number, width)), same
    )
    bits = fitted.coef_[0] / math.log(2)
    start = float(fitted.intercept_[0]) / math.log(2)
    alone = {n: bits[o : o + s].copy() for n, o, s in zip(names, offsets, sizes, strict=False)}
    pairs = {}
    for term, offset in zip(together, offsets[len(names) :], strict=True):
        one, other = term.split(AND)
        shape = (len(levels[one]), len(levels[other]))
        pairs[term] = plain(bits[offset : offset + math.prod(shape)].reshape(shape), alone[one], alone[other])
    for name in names:  # the first level of each means that nothing is known: it says nothing
        start += float(alone[name][0])
        alone[name] -= alone[name][0]
    return {"kind": kind, "start": round(start, 3), "bits": written(levels, alone, pairs) | BY_HAND}


def plain(table: Any, one: Any, other: Any) -> Any:
    """The weights of two comparisons together, without what either says alone: that moves to it."""
    rows, columns = table[:, 0].copy(), table[0, :].copy()
    one += rows
    other += columns - table[0, 0]
    return table - rows[:, None] - columns[None, :] + table[0, 0]


def written(levels: Any, alone: dict[str, Any], pairs: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Weights by comparison and level, those that say nothing left out."""
    found = {
        name: {
            level: round(float(bit), 3)
            for level, bit in zip(levels[name], bits, strict=True)
            if abs(bit) > 5e-4
        }
        for name, bits in alone.items()
    }
    for term, table in pairs.items():
        one, other = term.split(AND)
        found[term] = {
            f"{left}{AND}{right}": round(float(table[i, j]), 3)
            for i, left in enumerate(levels[one])
            for j, right in enumerate(levels[other])
            if abs(table[i, j]) > 5e-4
        }
    return found


def score(truth: Sequence[Any], found: Sequence[Any]) -> dict[str, float]:
    """Pairwise and B-cubed figures, and the share of true customers merged with another."""
    cells = Counter(zip(truth, found, strict=True))
    true, made = Counter(truth), Counter(found)

    def pairs(counts: Iterable[int]) -> int:
        return sum(count * (count - 1) // 2 for count in counts)

    hit = pairs(cells.values())
    precision, recall = hit / max(1, pairs(made.values())), hit / max(1, pairs(true.values()))
    by_made = sum(n * n / made[f] for (_, f), n in cells.items()) / len(truth)
    by_true = sum(n * n / true[t] for (t, _), n in cells.items()) / len(truth)
    mixed = {f for f, n in Counter(f for _, f in cells).items() if n > 1}
    merged = len({t for t, f in cells if f in mixed}) / len(true)
    f1, b3 = (2 * a * b / (a + b) if a + b else 0.0 for a, b in ((precision, recall), (by_made, by_true)))
    return {"P": precision, "R": recall, "F1": f1, "B3": b3, "merged": merged, "largest": max(made.values())}


def judge(title: str, model: Model, rows: Rows) -> None:
    """Print what a model makes of rows."""
    began = time.process_time()
    outcome = batch_of(rows, model).match()
    cpu = time.process_time() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    truth = [row["cluster_id"] for row in rows]
    for tier in ("automatic", "best"):
        said = score(truth, getattr(outcome, tier))
        figures = "  ".join(f"{name} {value:.4f}" for name, value in said.items())
        print(f"{title:28} {tier:10} {figures}")
    print(f"{title:28} {len(rows):,} rows, {cpu:.1f} CPU s, {memory:.2f} GiB at most so far", flush=True)


def refer(rows: Rows) -> bytes:
    """What Splink learns from these rows, as `sync.dedupe.learning.reference` reads it."""
    batch = batch_of(rows, shipped())
    learnt = learn(Lesson(batch, [-1] * len(rows)))
    told = Reference(shipped().version, learnt["person"], learnt["company"])
    return msgspec.json.format(msgspec.json.encode(told), indent=1) + b"\n"


def as_text(model: dict[str, Any]) -> str:
    """A model as JSON with a line for each comparison, so that a diff can be read."""
    lines = json.dumps(model, indent=1)
    for kind in ("person", "company"):
        for levels in model[kind]["bits"].values():
            lines = lines.replace(json.dumps(levels, indent=1).replace("\n", "\n   "), json.dumps(levels))
    return f"{lines}\n"


def main() -> None:
    """Cross-validate, then train on everybody and judge on another world."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("customers", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--noise", type=float, default=0.05)
    parser.add_argument("--other", nargs=2, type=Path)
    asked = parser.parse_args()
    rows = load(asked.customers, asked.truth)
    if asked.reference:
        asked.reference.write_bytes(refer(rows))
        return
    halves = [[row for row in rows if zlib.crc32(row["unit_id"].encode()) % 2 == half] for half in (0, 1)]
    for one, other in (halves, halves[::-1]):
        model = read(json.dumps(train(one)).encode())
        judge("other half", model, other)
        judge(f"other half, noise {asked.noise}", model, noisy(other, asked.noise))
    whole = train(rows)
    if asked.other:
        judge("other file", read(json.dumps(whole).encode()), load(*asked.other))
    if asked.write:
        asked.write.write_text(as_text(whole), "utf-8")


if __name__ == "__main__":
    main()
