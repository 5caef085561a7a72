"""From an order to the letter: how long until somebody who enters a segment has a row of the ledger.

    python -m benchmarks.entry [--rounds 200]

One worker in its own process, idle but for this; the order is written as a shop's webhook writes it. The
clock runs from the commit of the order until the row of the letter can be seen: segment followed, journey
entered, letter planned.
"""

import argparse
import statistics
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from benchmarks.rig import installation
from customers import store as customers
from customers.segments import language
from customers.segments import store as segments
from customers.store import Resolved
from customers.tables import Source
from email_campaigns.delivery import senders
from email_campaigns.journeys import store
from email_campaigns.letters import store as letters
from foundation import clock, jobs, sealing
from foundation.database import transaction
from foundation.records import Consent, Happening, Line, Order, Person
from foundation.settings import Settings

BAR = 2.0  # seconds, p95
OTHERS = 20  # other segments that everybody who is touched is looked at for
BLOCKS = [
    {"type": "text", "text": "Thank you, {{ customer.given_name or 'friend' }}."},
    {"type": "footer", "reason": "You agreed to hear from us.", "address": "Abay 1, Almaty"},
]


def person(number: int) -> Person:
    at = clock.now() - timedelta(days=30)
    return Person(
        external_id=f"p{number}", name=f"Person {number}", emails=(f"p{number}@mail.example",),
        email_verified=True, country="KZ", consents=(Consent(channel="email", given=True, at=at),),
        language="en", created_at=at, changed_at=at,
    )  # fmt: skip


def order(number: int) -> Order:
    at = clock.now()
    line = Line(position=1, sku="A1", name="Cup", unit_price=Decimal(10), total=Decimal(10))
    return Order(
        external_id=f"o{number}", number=f"{number}", customer_id=f"p{number}", state="paid", currency="KZT",
        total=Decimal(10), lines=(line,), happenings=(Happening(kind="placed", at=at, key="placed"),),
        placed_at=at, changed_at=at,
    )  # fmt: skip


def build(engine: Engine, settings: Settings, folder: str, people: int) -> UUID:
    """People, segments, and a journey that is on; the id of their source."""
    sealer = sealing.open_sealer(settings)
    with transaction(engine) as session:
        source = Source(name="Shop", kind="vendure", role="shop")
        session.add(source)
        session.flush()
        via = senders.add_transport(session, sealer, "Folder", "file", {"folder": folder})
        sender = senders.add(session, sealer, "Shop", "news@shop.example", via)
        letter = letters.create(session, "Thanks", "marketing")
        texts: dict[str, Any] = {"en": {"subject": "Thanks", "blocks": BLOCKS}}
        letters.new_version(session, letter, "en", texts)
        condition = "orders.count(last 30 days) >= 1"
        bought = segments.make(session, "Bought lately", language.parse(condition), "bench")
        for number in range(OTHERS):
            said = f'orders.sum(last 90 days) >= {1000 + number} KZT and country = "KZ"'
            segments.make(session, f"Segment {number}", language.parse(said), "bench")
        journey = store.create(session, "Thanks", "bench")
        spec = {
            "trigger": {"kind": "segment", "settings": {"segment": str(bought.id), "way": "enter"}},
            "reentry": {"kind": "each"},
            "steps": [{"type": "letter", "letter_id": str(letter.id), "sender_id": str(sender.id)}],
        }
        store.save(session, journey, spec, "bench")
        store.switch(session, journey, "on")
    with transaction(engine) as session:
        items = [Resolved(number, clock.now(), (person(number),)) for number in range(people)]
        customers.apply(session, source.id, items)
    return source.id


def settled(engine: Engine) -> bool:
    """Whether nothing waits to be followed."""
    query = (
        "SELECT NOT EXISTS (SELECT FROM segment_touched) AND NOT EXISTS"
        " (SELECT FROM segments WHERE computed <> version OR stale_at IS NOT NULL)"
    )
    with engine.connect() as connection:
        return bool(connection.scalar(text(query)))


def once(engine: Engine, source: UUID, number: int) -> float:
    """Seconds from the commit of an order until its letter stands in the ledger."""
    with transaction(engine) as session:
        customers.apply(session, source, [Resolved(number, clock.now(), (order(number),))])
    began = time.perf_counter()
    query = text("SELECT EXISTS (SELECT FROM deliveries WHERE address = :address)")
    while time.perf_counter() - began < 30:
        with engine.connect() as connection:
            if connection.scalar(query, {"address": f"p{number}@mail.example"}):
                return time.perf_counter() - began
        time.sleep(0.005)
    raise RuntimeError(f"no letter for person {number}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    with installation() as rig:
        source = build(rig.engine, rig.settings, str(rig.folder / "letters"), rounds + 5)
        rig.worker()
        jobs.connect(rig.settings.redis_url)
        while not settled(rig.engine):
            time.sleep(0.2)
        time.sleep(6)  # whatever the duties do at their start is done
        took = []
        for number in range(rounds + 5):
            one = once(rig.engine, source, number)
            took += [one] if number >= 5 else []  # the first warm it
            time.sleep(0.05)
        jobs.connect(None)
    took.sort()
    p95 = took[int(len(took) * 0.95)]
    print(f"{rounds} entries beside {OTHERS} other segments: p50 {statistics.median(took) * 1000:.0f} ms,")
    print(f"p95 {p95 * 1000:.0f} ms, longest {took[-1] * 1000:.0f} ms (bar: p95 {BAR * 1000:.0f} ms)")
    if p95 > BAR:
        raise SystemExit("too slow")


if __name__ == "__main__":
    main()
