"""A marketer's desk: people, a segment, a letter, a sender whose letters are files, and mailings of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from customers import store as customers
from customers.segments import language
from customers.segments import store as segments
from customers.store import Resolved
from customers.tables import Source
from email_campaigns import secret
from email_campaigns.delivery import engine as sending
from email_campaigns.delivery import senders
from email_campaigns.letters import store as letters
from email_campaigns.mailings import jobs as mailing_jobs
from email_campaigns.mailings import plan, start, store
from email_campaigns.tables import Letter, Mailing
from foundation import clock, running
from foundation.database import transaction
from foundation.heartbeat import Heartbeat
from foundation.records import Address, Consent, Person
from foundation.sealing import Sealer
from tests.email_campaigns.letters.making import FOOTER
from tests.people import JANUARY

BLOCKS = [
    {"type": "text", "text": "Dear {{ customer.given_name or 'friend' }}, [look](https://shop.example/a)."},
    FOOTER,
]


def person(number: int, city: str = "Almaty", country: str = "KZ", **changes: Any) -> Person:
    """Somebody who wants our letters."""
    said: dict[str, Any] = {
        "external_id": f"p{number}", "name": f"Person Nr{number}", "given_name": f"Person{number}",
        "emails": (f"person{number}@mail.example",), "email_verified": True, "country": country,
        "consents": (Consent(channel="email", given=True, at=JANUARY),), "language": "en",
        "addresses": (Address(city=city, country=country),), "created_at": JANUARY, "changed_at": JANUARY,
    }  # fmt: skip
    return Person(**said | changes)


@dataclass
class Desk:
    """What a test of mailings needs at hand."""

    engine: Engine
    source: UUID
    sender: UUID
    segment: UUID
    letter: UUID
    folder: Path

    def people(self, *people: Person) -> None:
        with transaction(self.engine) as session:
            items = [Resolved(number, clock.now(), (one,)) for number, one in enumerate(people, 1)]
            customers.apply(session, self.source, items)

    def crowd(self, count: int, first: int = 0) -> None:
        self.people(*(person(first + number) for number in range(count)))

    def mailing(self, **parts: Any) -> UUID:
        """A draft that is complete."""
        said = {"include": [self.segment], "sender_id": self.sender, "letter_id": self.letter} | parts
        with transaction(self.engine) as session:
            row = store.create(session, "Spring", "olga@example.org")
            store.change(session, row, **said)
            return row.id

    def get(self, mailing: UUID) -> Mailing:
        with transaction(self.engine) as session:
            return session.get_one(Mailing, mailing)

    def plan(self, mailing: UUID) -> plan.Plan:
        with transaction(self.engine) as session:
            return plan.make(session, session.get_one(Mailing, mailing))

    def begin(self, mailing: UUID, seen: str = "", **how: Any) -> UUID:
        """Start it as its plan is now; the operation."""
        with transaction(self.engine) as session:
            seen = seen or plan.make(session, session.get_one(Mailing, mailing)).hash
            return start.start(session, mailing, "olga@example.org", seen, **how).id

    def act(self, function: Any, mailing: UUID, *more: Any) -> Any:
        with transaction(self.engine) as session:
            return function(session, mailing, *more)

    def look(self) -> None:
        """What the workers do but sending: due mailings, jobs, what is over."""
        for _round in range(3):
            mailing_jobs.look(self.engine)
            with Heartbeat(self.engine) as heartbeat:
                while running.run_one(self.engine, "test", heartbeat):
                    pass

    def send(self) -> None:
        """All of it, until nothing is due."""
        self.look()
        while sending.send(self.engine):
            pass
        self.look()

    def rows(self, query: str = "SELECT * FROM deliveries ORDER BY address", **values: Any) -> Sequence[Any]:
        with self.engine.connect() as connection:
            return connection.execute(text(query), values).all()

    def states(self, mailing: UUID) -> Mapping[str, int]:
        query = "SELECT state, count(*) FROM deliveries WHERE step = :step GROUP BY state"
        return dict(self.rows(query, step=f"mailing:{mailing}"))

    def do(self, query: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(query), values)

    def happen(
        self, mailing: UUID, kind: str, address: str, after: timedelta = timedelta(hours=1), **data: Any
    ) -> None:
        """Something that a recipient's letter led to."""
        self.do(
            "INSERT INTO timeline (source_id, source_key, profile_id, customer_id, kind, occurred_at, "
            "received_at, data)"
            " SELECT :source, :key || d.id, d.profile_id, d.customer_id, :kind, d.handed_at + :after, "
            "d.handed_at,"
            " jsonb_build_object('step', d.step, 'delivery', d.id, 'machine', :machine)"
            " FROM deliveries d WHERE d.step = :step AND d.address = :address",
            source=self.source, key=f"{kind}:{data.get('key', '')}", kind=kind, after=after, address=address,
            step=f"mailing:{mailing}", machine=data.get("machine", False),
        )  # fmt: skip

    def order(
        self, address: str, total: float = 100, after: timedelta = timedelta(hours=2), currency: str = "KZT"
    ) -> None:
        """Somebody buys."""
        self.do(
            "INSERT INTO orders (id, source_id, external_id, number, profile_id, customer_id, state, "
            "source_state,"
            " currency, total, discount, shipping, tax, refunded, details, placed_at, changed_at, "
            "record_hash)"
            " SELECT gen_random_uuid(), :source, CAST(gen_random_uuid() AS text), '', p.id, "
            "p.customer_id, 'paid', '',"
            " :currency, :total, 0, 0, 0, 0, '{}', :at, :at, '' FROM customers c JOIN profiles p ON "
            "p.customer_id = c.id"
            " WHERE lower(c.email) = :address LIMIT 1",
            source=self.source, address=address, total=total, at=clock.now() + after, currency=currency,
        )  # fmt: skip


def build(engine: Engine, sealer: Sealer, folder: Path) -> Desk:
    """A desk whose segment is everybody with a city."""
    with transaction(engine) as session:
        switch = secret.switch(session)
        switch.quiet_from = switch.quiet_until  # the tests that want a night say so
        source = Source(name="Shop", kind="vendure", role="shop")
        session.add(source)
        via = senders.add_transport(session, sealer, "Folder", "file", {"folder": str(folder)})
        sender = senders.add(session, sealer, "Shop", "news@shop.example", via)
        letter = written(session, "News")
        segment = segments.make(session, "Everybody", language.parse("city is set"), "olga@example.org")
        return Desk(engine, source.id, sender.id, segment.id, letter.id, folder)


def written(
    session: Any, name: str, subject: str = "News for {{ customer.given_name or 'you' }}", **more: Any
) -> Letter:
    """A letter with a version."""
    letter = letters.create(session, name, more.get("purpose", "marketing"), more.get("topic", ""))
    letters.new_version(
        session, letter, "en", {"en": {"subject": subject, "blocks": more.get("blocks", BLOCKS)}}
    )
    return letter
