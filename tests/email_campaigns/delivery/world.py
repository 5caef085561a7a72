"""A shop that sends: people with consent, a sender, a letter, a mailing that is under way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from customers import store
from customers.store import Resolved
from customers.tables import Source
from email_campaigns import secret
from email_campaigns.delivery import ledger, senders
from email_campaigns.letters import store as letters
from email_campaigns.tables import Mailing, Sender, Transport
from foundation import clock
from foundation.database import transaction
from foundation.records import Address, Consent, Person
from foundation.sealing import Sealer
from tests.email_campaigns.letters.making import FOOTER
from tests.people import JANUARY

BLOCKS = [
    {
        "type": "text",
        "text": "Dear {{ customer.given_name or 'friend' }}, see [our shop](https://shop.example/a?x=1&y=2).",
    },
    {"type": "button", "label": "Buy", "url": "https://shop.example/buy"},
    FOOTER,
]


def person(number: int, **changes: Any) -> Person:
    """Somebody who wants our letters."""
    said: dict[str, Any] = {
        "external_id": f"p{number}", "name": f"Person Nr{number}", "given_name": f"Person{number}",
        "emails": (f"person{number}@mail{number % 7}.example",), "email_verified": True, "country": "KZ",
        "language": "en", "consents": (Consent(channel="email", given=True, at=JANUARY),),
        "addresses": (Address(city="Almaty", country="KZ"),), "created_at": JANUARY, "changed_at": JANUARY,
    }  # fmt: skip
    return Person(**said | changes)


@dataclass
class House:
    """What a test of sending needs at hand."""

    engine: Engine
    sealer: Sealer
    source: UUID
    transport: UUID
    sender: UUID
    version: UUID
    mailing: UUID

    @property
    def step(self) -> str:
        return f"mailing:{self.mailing}"

    def people(self, *people: Person) -> None:
        """Bring people onto cards."""
        with transaction(self.engine) as session:
            items = [Resolved(number, clock.now(), (one,)) for number, one in enumerate(people, 1)]
            store.apply(session, self.source, items)

    def crowd(self, count: int) -> None:
        """So many who want letters."""
        self.people(*(person(number) for number in range(count)))

    def plan(
        self, purpose: str = "marketing", step: str | None = None, topic: str = "", where: str = "true"
    ) -> int:
        """The mailing to everybody."""
        wanted = (
            "SELECT id AS customer_id, '' AS variant, CAST(:due AS timestamptz) AS due_at, false AS holdout"
            f" FROM customers WHERE live AND {where}"
        )
        with transaction(self.engine) as session:
            return ledger.plan(
                session,
                step or self.step,
                purpose,
                self.sender,
                self.version,
                (wanted, {"due": clock.now()}),
                topic,
            )

    def rows(self, query: str = "SELECT * FROM deliveries ORDER BY address", **values: Any) -> Sequence[Any]:
        """Rows of a query."""
        with self.engine.connect() as connection:
            return connection.execute(text(query), values).all()

    def states(self) -> dict[str, int]:
        """How many rows are in each state."""
        return dict(self.rows("SELECT state, count(*) FROM deliveries GROUP BY state"))

    def reasons(self) -> dict[str, str]:
        """Why, by address."""
        return {row.address: row.reason for row in self.rows()}

    def do(self, query: str, **values: Any) -> None:
        """Change the database."""
        with self.engine.begin() as connection:
            connection.execute(text(query), values)


def build(engine: Engine, sealer: Sealer, port: int, **values: str) -> House:
    """A sender whose letters leave through the server on a port."""
    settings = {"host": "127.0.0.1", "port": str(port), "security": "none"} | values
    with transaction(engine) as session:
        source = Source(name="Shop", kind="vendure", role="shop")
        session.add(source)
        via = senders.add_transport(session, sealer, "Server", "smtp", settings)
        return _house(session, engine, sealer, source, via)


def _house(session: Session, engine: Engine, sealer: Sealer, source: Source, via: Transport) -> House:
    switch = secret.switch(session)
    switch.quiet_from = switch.quiet_until  # whatever the time of day; the tests that want a night say so
    sender: Sender = senders.add(session, sealer, "Shop", "news@shop.example", via)
    letter = letters.create(session, "News", "marketing")
    texts = {"en": {"subject": "News for {{ customer.given_name or 'you' }}", "blocks": BLOCKS}}
    version = letters.new_version(session, letter, "en", texts)
    mailing = Mailing(
        name="News", state="sending", letter_id=letter.id, sender_id=sender.id, per_hour=None, starts_at=None,
        started_at=clock.now(), finished_at=None, operation_id=None,
    )  # fmt: skip
    session.add(mailing)
    session.flush()
    return House(engine, sealer, source.id, via.id, sender.id, version.id, mailing.id)
