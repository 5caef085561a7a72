"""What it costs to weigh one new record against all that are there.

    python -m benchmarks.arrival [--records 100000] [--arrivals 2000] [--together 1] [--file CUSTOMERS.csv]

Invented people are kept ready as an installation keeps them. Then others arrive, half of them somebody who is
there already and says it otherwise, `together` in one transaction. With `--file` they are those of the file,
but for some that were drawn and arrive. Of each arrival the time on a processor is
taken (Linux tells it of this thread and of its PostgreSQL backend): for keeping it ready, and for finding and
weighing its pairs. Up to 200,000 records all pairs are held to those of a run.
"""

import argparse
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec.structs import replace
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from benchmarks.dedupe_million import people
from customers.matching.model import shipped
from foundation import embedded
from foundation.clock import new_id, now
from foundation.database import copy_rows, driver, make_engine, transaction
from foundation.records import Address, Person
from migrations.run import upgrade
from sync.dedupe import arrivals, kept, looking, planning
from sync.dedupe.kept import Kept
from sync.dedupe.looking import Weighed

HELD = 200_000  # records whose pairs are compared with a run's
PARTS = (
    "ba be bi bo da de di do ka ke ki ko la le li lo ma me mi mo na ne ni no ra re ri ro sa se ta te to va"
)
TOWNS = ("Almaty", "Астана", "Berlin", "İzmir", "Казань", "Lyon", "Seoul", "Omsk", "Bursa", "Leipzig")
_encode = msgspec.json.Encoder().encode


def _words(number: int, syllables: int, seed: int) -> list[str]:
    dice = random.Random(seed)
    return ["".join(dice.choices(PARTS.split(), k=syllables)).capitalize() for _ in range(number)]


GIVEN, FAMILY = _words(400, 2, 1), _words(40_000, 3, 2)


def somebody(number: int) -> Person:
    """An invented person; common names are more common, some telephones are a family's."""
    dice = random.Random(number)
    given = GIVEN[int(len(GIVEN) * dice.random() ** 3)]
    family = FAMILY[int(len(FAMILY) * dice.random() ** 2)]
    home = number if dice.random() < 0.8 else number // 4
    street = f"{FAMILY[home % 3_000]} {home * 7 % 180 + 1}, {home * 11 % 90 + 1}"
    address = Address(line=street, city=TOWNS[home % 10], postcode=f"{50_000 + home % 9_000}")
    return Person(
        external_id=str(number),
        name=f"{given} {family}",
        emails=(f"{given}.{family}{number % 1_000_003}@mail{number % 40}.example",)
        if dice.random() < 0.8
        else (),
        phones=(f"+7701{home % 10_000_000:07d}",) if dice.random() < 0.7 else (),
        addresses=(address,) if dice.random() < 0.6 else (),
        country="KZ",
    )


def otherwise(one: Person, number: int) -> Person:
    """The same person as another source knows them: a slip in the name, another mailbox."""
    at = number % (len(one.name) - 2) + 1
    name = one.name[:at] + one.name[at + 1] + one.name[at] + one.name[at + 2 :]
    return replace(one, external_id=f"again {number}", name=name, emails=(f"x{number}@other.example",))


def insert(session: Session, people: Iterator[Person]) -> list[UUID]:
    """Profiles, each on a card of its own; answers the cards."""
    cards, source, at = [], new_id(), now()
    columns = (
        "id",
        "source_id",
        "kind",
        "external_id",
        "customer_id",
        "record",
        "record_hash",
        "changed_at",
        "created_at",
    )

    def rows() -> Iterator[Sequence[object]]:
        for one in people:
            cards.append(new_id())
            record = _encode(one)
            yield (
                new_id(),
                source,
                "customer",
                one.external_id,
                cards[-1],
                record.decode(),
                record[:8],
                at,
                at,
            )

    copy_rows(session, "profiles", columns, rows())
    return cards


class People:
    """Who is there, and who arrives."""

    number = 0  # how many are kept ready

    def __init__(self, asked: argparse.Namespace) -> None:
        number = sum(warm_up(together) * together + asked.arrivals for together in asked.together)
        if asked.file:
            everybody = [replace(one, external_id=name) for name, one in people(asked.file)]
            drawn = set(random.Random(7).sample(range(len(everybody)), number))
            self.coming = [everybody[one] for one in sorted(drawn)]
            random.Random(8).shuffle(self.coming)
            self.there = [one for number, one in enumerate(everybody) if number not in drawn]
        else:
            records, more = asked.records, range(asked.records, asked.records + number)
            self.there = [somebody(one) for one in range(records)]
            self.coming = [
                somebody(one) if one % 2 else otherwise(somebody(one % records), one) for one in more
            ]


def fill(engine: Engine, people: People) -> None:
    """Have everybody kept ready; a million who stay in this process would be in the way of measuring."""
    number = len(people.there)
    with transaction(engine) as session:
        insert(session, iter(people.there))
        people.there, people.number = [], number
        arrivals.turn_on(session)
    began, going_on = time.process_time(), True
    while going_on:
        with transaction(engine) as session:
            going_on = arrivals.fill_some(session)
    print(f"kept ready: {number:,} records, {time.process_time() - began:.1f} s of this process", flush=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE match_records, match_keys, match_words, profiles"))
        for table in ("match_records", "match_keys", "match_words"):
            size = connection.scalar(text(f"SELECT pg_total_relation_size('{table}')"))
            print(f"  {table:14} {(size or 0) / 2**20:8,.0f} MB", flush=True)


class Clock:
    """Milliseconds on a processor: of this thread, and of the backend that serves the session."""

    def __init__(self, session: Session) -> None:
        self._backend = os.open(f"/proc/{driver(session).info.backend_pid}/schedstat", os.O_RDONLY)
        self.at = self._read()

    def _read(self) -> tuple[float, float]:
        return time.thread_time_ns() / 1e6, int(os.pread(self._backend, 64, 0).split()[0]) / 1e6

    def lap(self) -> tuple[float, float]:
        """Since the last time."""
        before, self.at = self.at, self._read()
        return self.at[0] - before[0], self.at[1] - before[1]


def arrive(
    session: Session, clock: Clock, people: Sequence[Person]
) -> tuple[list[float], list[Kept], list[Weighed]]:
    """Some people arrive together: milliseconds of each half of the work, and what was found."""
    cards = insert(session, iter(people))
    clock.lap()
    come = kept.keep(session, cards)
    keeping = clock.lap()
    state = arrivals.state(session)
    assert state
    clock.lap()
    pairs = looking.look(session, shipped(), come, state.records).pairs
    finding = clock.lap()
    return [sum(keeping) / len(people), *(one / len(people) for one in finding)], come, pairs


def warm_up(together: int) -> int:
    """Arrivals that aren't counted, where so many come together."""
    return max(20, 200 // together)


def measure(engine: Engine, people: People, number: int, together: int) -> None:
    """Arrivals after some that warm up."""
    laps, found = list[list[float]](), 0
    warm = warm_up(together)
    with transaction(engine) as session:
        arrivals.somebody_waits(session)
        clock = Clock(session)
        for turn in range(warm + number // together):
            some, people.coming = people.coming[:together], people.coming[together:]
            lap, come, pairs = arrive(session, clock, some)
            if turn >= warm:
                laps.append(lap)
                found += len(pairs)
            last = {(pair.one.profile, pair.other.profile): pair.bits for pair in pairs}
        report(laps, found / number, together)
        if people.number <= HELD:
            hold(session, come, last)


def report(laps: Sequence[Sequence[float]], pairs: float, together: int) -> None:
    """Percentiles of a record's costs."""
    print(f"{together} together, {pairs:.1f} pairs a record; milliseconds on a processor, a record:")
    columns = {"keeping ready": 0, "finding, here": 1, "finding, backend": 2}
    figures = {name: sorted(lap[at] for lap in laps) for name, at in columns.items()}
    figures["finding, both"] = sorted(lap[1] + lap[2] for lap in laps)
    for name, values in figures.items():
        p50, p99 = values[len(values) // 2], values[int(0.99 * len(values))]
        print(f"  {name:18} p50 {p50:6.2f}   p99 {p99:6.2f}", flush=True)


def hold(session: Session, come: Sequence[Kept], found: dict[tuple[UUID, UUID], float]) -> None:
    """The last who arrived, against a run over everybody."""
    people, mine = planning.read(session), {one.profile for one in come}
    columns = (column.tolist() for column in people.batch.weighed())
    run = {
        (people.profile(one), people.profile(other)): bits
        for one, other, bits in zip(*columns, strict=True)
        if not mine.isdisjoint((people.profile(one), people.profile(other)))
    }
    print(f"a run finds the same {len(run)} pairs of the last: {run == found}", flush=True)
    assert run == found


def main() -> None:
    """Fill, then measure one by one and many together."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--arrivals", type=int, default=2_000)
    parser.add_argument("--together", type=int, nargs="+", default=[1, 100])
    parser.add_argument("--file", type=Path)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kartoteka-arrival-"))
    servers = embedded.start(folder, durable=True)
    try:
        engine = make_engine(servers.database_url)
        upgrade(engine)
        everybody = People(asked)
        fill(engine, everybody)
        for together in asked.together:
            measure(engine, everybody, asked.arrivals, together)
        engine.dispose()
    finally:
        servers.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
