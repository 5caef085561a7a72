"""A million customers out of the file of 100,000, and what matching makes of them at which cost.

    python -m benchmarks.dedupe_million grow CUSTOMERS.csv TRUTH.csv MORE.csv MORE_TRUTH.csv [--noise 0.05]
    python -m benchmarks.dedupe_million match MORE.csv MORE_TRUTH.csv [--model MODEL.json]
    python -m benchmarks.dedupe_splink MORE.csv

Every copy is other people (`benchmarks.dedupe_world`). A copy alone is somewhat harder than the file: some
recall is lost with spellings that are rendered in other ways than they were mistaken in. Rows of two copies
may resemble each other more than two people's do. So what is measured of a million is no flattery. Processor
seconds of the stages are printed.
"""

import argparse
import csv
import resource
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.dedupe import FIELDS, load, noisy, score
from benchmarks.dedupe_world import World
from connectors.files.settings import SheetSettings
from customers.matching.model import read, shipped
from foundation.records import Person
from sync.dedupe.batch import Batch
from sync.dedupe.files import person


def grow(asked: argparse.Namespace) -> None:
    """Write copies and their truth."""
    rows = load(asked.files[0], asked.files[1])
    customers, truth = (path.open("w", encoding="utf-8", newline="") for path in asked.files[2:])
    with customers, truth:
        known = ("record_id", "cluster_id", "unit_id")
        out = csv.DictWriter(customers, [*FIELDS, "record_id"], extrasaction="ignore")
        said = csv.DictWriter(truth, known, extrasaction="ignore")
        out.writeheader()
        said.writeheader()
        world = World(rows)
        for number in range(asked.first, asked.first + asked.copies):
            copied = list(world.copy(number)) if number else rows
            for row in noisy(copied, asked.noise) if asked.noise else copied:
                out.writerow(row)
                said.writerow(row)


def people(path: Path) -> Iterator[tuple[str, Person]]:
    """The id and the person of every row."""
    columns = {field: index for index, field in enumerate(FIELDS.values())}
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield row["record_id"], person([row[name] for name in FIELDS], columns, SheetSettings())


class Watch:
    """Says what each stage cost."""

    def __init__(self) -> None:
        self.began = time.process_time()

    def say(self, stage: str) -> None:
        """Print processor seconds since the last time."""
        now = time.process_time()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{stage:40} {now - self.began:8.1f} CPU s   at most {peak:.2f} GiB", flush=True)
        self.began = time.process_time()


def match(asked: argparse.Namespace) -> None:
    """Raw rows to clusters with the shipped model."""
    model = read(asked.model.read_bytes()) if asked.model else shipped()
    watch, batch, names = Watch(), Batch(model), []
    for name, one in people(asked.files[0]):
        names.append(name)
        batch.add(one)
    watch.say("reading, preparing, keys")
    found = batch.weighed()
    watch.say(f"{len(found[0]):,} pairs found and weighed")
    outcome = batch.join(*found)
    watch.say("joining")
    with asked.files[1].open(encoding="utf-8") as file:
        known = {row["record_id"]: row["cluster_id"] for row in csv.DictReader(file)}
    for tier in ("automatic", "best"):
        figures = score([known[name] for name in names], getattr(outcome, tier))
        print(tier, "  ".join(f"{name} {value:.4f}" for name, value in figures.items()))


def main() -> None:
    """Grow the file, or measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("grow", "match"))
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--copies", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="number of the first copy; 0 is the file itself")
    parser.add_argument("--noise", type=float, default=0.0)
    parser.add_argument("--model", type=Path)
    asked = parser.parse_args()
    {"grow": grow, "match": match}[asked.what](asked)


if __name__ == "__main__":
    main()
