"""A million customers out of the file of 100,000, and what matching them costs.

    python -m benchmarks.dedupe_million grow CUSTOMERS.csv TRUTH.csv MORE.csv MORE_TRUTH.csv [--noise 0.05]
    python -m benchmarks.dedupe_million match MORE.csv MORE_TRUTH.csv
    python -m benchmarks.dedupe_splink MORE.csv

Every copy is other people: two letters of family names change places, digits of numbers and addresses are
others, mailboxes have more of them, years of birth move. Given names and towns stay, so that each name has
ten times the people and rare names namesakes in their town: it is for cost, its figures of quality are no
measure.
Processor seconds of the stages are printed.
"""

import argparse
import csv
import random
import re
import resource
import string
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from anyascii import anyascii

from benchmarks.dedupe import FIELDS, Rows, load, noisy, score
from connectors.files.settings import SheetSettings
from customers.matching.model import shipped
from foundation.records import Person
from sync.dedupe.batch import Batch
from sync.dedupe.files import person

_WORD, _DIGIT, _YEAR = re.compile(r"[^\W\d_]+"), re.compile(r"\d"), re.compile(r"\d{4}")
_SWAPS = ("bd", "gz", "mn", "rl", "pt", "zr", "nd", "lt", "mk", "gb")
_CYRILLIC = dict(zip("bdgzmnrlptk", "бдгзмнрлптк", strict=True))


def copy_of(rows: Rows, number: int) -> Iterator[dict[str, str]]:
    """The rows as other people."""
    chance = random.Random(number)
    digits = list(string.digits[1:])
    chance.shuffle(digits)
    other = str.maketrans(string.digits[1:], "".join(digits))
    one, two = _SWAPS[number % len(_SWAPS)]
    pairs = {one: two, two: one, _CYRILLIC[one]: _CYRILLIC[two], _CYRILLIC[two]: _CYRILLIC[one]}
    letters = str.maketrans(pairs | {a.upper(): b.upper() for a, b in pairs.items()})
    given = {word.casefold() for row in rows for word in row["first_name"].split()}
    given |= {anyascii(word).casefold() for word in given}
    providers = Counter(row["email"].strip().partition("@")[2] for row in rows)

    def family(text: str) -> str:
        return _WORD.sub(lambda m: m[0] if m[0].casefold() in given else m[0].translate(letters), text)

    for row in rows:
        made = {**row, **{name: f"{row[name]}_{number}" for name in ("record_id", "cluster_id", "unit_id")}}
        made |= {name: family(row[name]) for name in ("name", "last_name", "middle_name", "company")}
        if row["email"]:  # two digits more, so that it isn't a slip away from the other copies' either
            local, at, domain = row["email"].strip().partition("@")
            home = "" if providers[domain] > len(rows) // 1000 else f"{number}{number}"
            made["email"] = f"{number}{number}{family(local)}{at}{home}{domain}"
        made |= {name: row[name].translate(other) for name in ("address", "postcode", "tax_id")}
        ends = {match.start() for match in list(_DIGIT.finditer(row["phone"]))[-7:]}
        made["phone"] = "".join(x.translate(other) if at in ends else x for at, x in enumerate(row["phone"]))
        made["visitor_id"] = row["visitor_id"] and f"{row['visitor_id']}_{number}"
        made["birth_date"] = _YEAR.sub(
            lambda match: str(1930 + (int(match[0]) - 1930 + 7 * number) % 80), row["birth_date"]
        )
        yield made


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
        for number in range(asked.copies):
            copied = rows if not number else list(copy_of(rows, number))
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
    watch, batch, names = Watch(), Batch(shipped()), []
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
    parser.add_argument("--noise", type=float, default=0.0)
    asked = parser.parse_args()
    {"grow": grow, "match": match}[asked.what](asked)


if __name__ == "__main__":
    main()
