"""Imports of files through the real commands: memory on a file of any size, counts on real-looking ones.

    python benchmarks/csv_import.py [--size 1000] [--seconds 240] [--only huge|five|dedup]

`huge`: a file of so many MB is planned and then imported for at most so many seconds; the most memory that
any process of ours held at any moment (bar 300 MB). `five`: 200,000 people in five locales and encodings.
`dedup`: the 100,000 customers with known duplicates of ../shared/data/dedup, where they are.
"""

import argparse
import gzip
import json
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from faker import Faker
from sqlalchemy import text

from benchmarks.rig import Part, Rig, installation

BAR_MEGABYTES = 300
LOCALES = {"en_US": "utf-8", "de_DE": "utf-16", "ru_RU": "cp1251", "tr_TR": "cp1254", "ko_KR": "cp949"}
COUNTRIES = {"en_US": "US", "de_DE": "DE", "ru_RU": "RU", "tr_TR": "TR", "ko_KR": "KR"}
PHONES = {"US": "+1202555", "DE": "+4915123", "RU": "+7916", "TR": "+90532", "KR": "+8210"}
HEADINGS = "id;name;email;phone;city;country;note"
DEDUP = Path(__file__).parents[2] / "shared/data/dedup/customers_100k.csv.gz"


def people(locale: str, count: int) -> Iterator[str]:
    """Lines of invented people; Faker's names and cities drawn again and again, for it is slow."""
    fake, dice = Faker(locale), random.Random(locale)
    fake.seed_instance(1)
    names = list(dict.fromkeys(fake.name().replace(";", " ") for _ in range(1_500)))
    cities = [fake.city().replace(";", " ") for _ in range(200)]
    note = fake.text(300).replace("\n", " ").replace(";", ",")
    country = COUNTRIES[locale]
    for number in range(count):
        phone = f"{PHONES[country]}{number % 10_000_000:07d}"
        yield (
            f"{locale}-{number};{dice.choice(names)};u{number}@{locale[:2]}{number % 50}.example;{phone};"
            f"{dice.choice(cities)};{country};{note}"
        )


def write(path: Path, locale: str, count: int, megabytes: float = 0) -> int:
    """A file of so many people, or of so many megabytes; answers how many rows it has."""
    size, rows = 0, 0
    with path.open("w", encoding=LOCALES[locale], errors="replace", newline="") as file:
        file.write(HEADINGS + "\r\n")
        for line in people(locale, count):
            size += file.write(line + "\r\n")
            rows += 1
            if megabytes and size >= megabytes * 1e6:
                break
    return rows


class Watch:
    """The most memory that each process held, by name."""

    def __init__(self, rig: Rig, worker: Part) -> None:
        self.rig, self.worker = rig, worker
        self.most: dict[str, float] = {}

    def look(self, name: str, part: Part) -> None:
        """Take the present figures down; the kernel keeps the peak of each process."""
        for called, one in ((name, part), ("worker", self.worker)):
            if one.process.poll() is None:
                self.most[called] = max(self.most.get(called, 0), one.memory("VmHWM"))

    def until_ended(self, name: str, part: Part, seconds: float) -> bool:
        """Look until a command has ended; False when it was cut off."""
        deadline = time.monotonic() + seconds
        while part.process.poll() is None:
            self.look(name, part)
            if time.monotonic() > deadline:
                part.stop()
                return False
            time.sleep(0.1)
        return True


def told(part: Part) -> dict[str, object]:
    """The summary a command ended with."""
    for line in reversed(part.log.read_text().splitlines()):
        if line.startswith("{"):
            return dict(json.loads(line))
    raise RuntimeError(f"no summary:\n{part.log.read_text()[-2000:]}")


def counts(summary: dict[str, object]) -> str:
    """Its numbers in a line."""
    return ", ".join(
        f"{summary.get(n)} {n}" for n in ("read", "new", "changed", "same", "duplicate", "problems")
    )


def cards(rig: Rig) -> int:
    """How many cards there are."""
    with rig.engine.connect() as db:
        return int(db.scalar(text("SELECT count(*) FROM customers WHERE live AND identified")) or 0)


def whole(rig: Rig, watch: Watch, name: str, file: Path) -> dict[str, object]:
    """Import a file to its end."""
    began, before, used = time.monotonic(), cards(rig), watch.worker.cpu()
    part = rig.start("import", "customers", str(file), "--name", name, "--yes", "--json")
    watch.until_ended("import", part, 900)
    summary = told(part)
    seconds = time.monotonic() - began
    print(
        f"{name}: {counts(summary)}; {cards(rig) - before} more cards, {seconds:.0f} s,"
        f" {watch.worker.cpu() - used:.0f} s CPU of the worker",
        flush=True,
    )
    return summary


def huge(rig: Rig, watch: Watch, folder: Path, megabytes: float, seconds: float) -> None:
    """Plan a large file to its end, and import it for a while."""
    file = folder / "huge.csv"
    began = time.monotonic()
    rows = write(file, "en_US", 10**9, megabytes)
    print(f"huge: {file.stat().st_size / 1e6:.0f} MB, {rows} rows", flush=True)
    began = time.monotonic()
    part = rig.start("plan", "customers", str(file), "--name", "Huge", "--json")
    ended = watch.until_ended("plan", part, seconds)
    print(
        f"planned in {time.monotonic() - began:.0f} s: {counts(told(part)) if ended else 'cut off'}",
        flush=True,
    )
    part = rig.start("import", "customers", str(file), "--name", "Huge", "--yes", "--json")
    began = time.monotonic()
    ended = watch.until_ended("import", part, seconds)
    print(
        f"import {'ended' if ended else 'was cut off'} after {time.monotonic() - began:.0f} s"
        f" with {cards(rig)} cards of {rows} rows",
        flush=True,
    )


def five(rig: Rig, watch: Watch, folder: Path, each: int) -> None:
    """Five files in the encodings of their countries; every row has to be a customer."""
    for locale in LOCALES:
        file = folder / f"{locale}.csv"
        write(file, locale, each)
        before = cards(rig)
        summary = whole(rig, watch, f"{locale} in {LOCALES[locale]}", file)
        if (summary["new"], summary["problems"], cards(rig) - before) != (each, 0, each):
            raise RuntimeError(f"{locale}: of {each} rows {counts(summary)}, {cards(rig) - before} cards")


def dedup(rig: Rig, watch: Watch, folder: Path) -> None:
    """Customers of whom many are known twice, from several sources in one file."""
    if not DEDUP.exists():
        print(f"{DEDUP.name} is not here", flush=True)
        return
    file = folder / "dedup.csv"
    with gzip.open(DEDUP) as packed, file.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    whole(rig, watch, "customers_100k", file)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=float, default=1_000, help="megabytes of the large file")
    parser.add_argument("--seconds", type=float, default=240, help="for its plan and its import, each")
    parser.add_argument("--each", type=int, default=40_000, help="rows of each locale")
    parser.add_argument("--only", choices=("five", "dedup", "huge"))
    options = parser.parse_args()
    runs: dict[str, Callable[[Rig, Watch, Path], None]] = {
        "five": lambda rig, watch, folder: five(rig, watch, folder, options.each),
        "dedup": dedup,
        "huge": lambda rig, watch, folder: huge(rig, watch, folder, options.size, options.seconds),
    }
    for name, run in runs.items():
        if options.only in (None, name):
            with installation() as rig:
                files = rig.folder / "files"
                files.mkdir()
                watch = Watch(rig, rig.worker())
                run(rig, watch, files)
                peaks = ", ".join(f"{called} {most:.0f} MB" for called, most in watch.most.items())
                print(f"{name}: at most {peaks} (bar {BAR_MEGABYTES} MB)", flush=True)


if __name__ == "__main__":
    main()
