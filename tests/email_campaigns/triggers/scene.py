"""A shop, a site and a clock: whom a trigger names, what its letter says, whether it is still needed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Engine, text

from customers.tables import Source
from email_campaigns import triggers
from email_campaigns.letters import starters, store, variables
from email_campaigns.letters.render import Rendered, render
from email_campaigns.triggers.base import Window
from foundation import clock
from foundation.database import transaction
from foundation.records import Address, AnyRecord, Consent, Happening, Line, Order, Person, Product
from tests.customers.world import say
from tests.web_capture.carts.test_abandonment import World

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


class Entry(NamedTuple):
    """A row of a trigger's `entries`."""

    customer_id: UUID | None
    profile_id: UUID
    key: str
    at: datetime
    context: dict[str, Any]
    cause: dict[str, Any]


class Scene(World):
    """World of carts, with a shop connected long ago, and questions to triggers."""

    engine: Engine

    def __init__(self, engine: Engine, sealer: Any) -> None:
        super().__init__(engine, sealer)
        self.run("UPDATE sources SET created_at = :at", at=LONG_AGO)

    def run(self, query: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(query), values)

    def rows(self, query: str, **values: Any) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(text(query), values).all())

    def tell(self, *records: AnyRecord, source: Source | None = None) -> None:
        """The shop's connector brings records."""
        with transaction(self.engine) as session:
            say(session, session.get_one(Source, (source or self.shop).id), *records)

    def buys(self, who: str, number: str, at: datetime | None = None, **more: Any) -> None:
        """An order lands, by default just placed."""
        at = at or clock.now()
        sku = more.pop("sku", "CUP")
        line = Line(position=1, sku=sku, product_id=sku, name="Cup", unit_price=Decimal(50),
                    quantity=Decimal(2), total=Decimal(100))  # fmt: skip
        said: dict[str, Any] = {
            "external_id": number, "number": number, "state": "paid", "currency": "KZT",
            "total": Decimal("1100.50"), "shipping": Decimal(1000), "placed_at": at, "changed_at": at,
            "customer_id": f"shop-{who}", "lines": (line,),
            "customer": buyer(who), "delivery": Address(line="Abai 10", city="Almaty"),
            "happenings": (Happening(kind="placed", at=at, key="placed"),),
        }  # fmt: skip
        source = more.pop("source", None)
        self.tell(buyer(who), Order(**said | more), source=source)

    def product(self, sku: str, price: int | str | None = 100, stock: int | None = 5, **more: Any) -> None:
        """The shop says what a product is like now."""
        said: dict[str, Any] = {
            "external_id": sku, "name": f"The {sku}", "sku": sku, "currency": "KZT", "stock": stock,
            "price": None if price is None else Decimal(price), "url": f"https://shop.example/p/{sku}",
            "image": f"https://shop.example/p/{sku}.jpg",
        }  # fmt: skip
        stock_said = said["stock"]
        said["stock"] = None if stock_said is None else Decimal(stock_said)
        source = more.pop("source", None)
        self.tell(Product(**said | more), source=source)

    def happens(self, one: Entry, kind: str, after: timedelta, data: str = "{}") -> None:
        """Something stands on the timeline of an entry's person, so long after it fired."""
        self.run(
            "INSERT INTO timeline (source_id, source_key, profile_id, customer_id, kind, occurred_at,"
            " received_at, data) VALUES (:source, :key, :profile, :card, :kind, :at, :at,"
            " CAST(:data AS jsonb))", source=self.site, key=f"{kind}{after}", profile=one.profile_id,
            card=one.customer_id, kind=kind, at=one.at + after, data=data,
        )  # fmt: skip

    def ask(
        self, key: str, hours: float = 24, arrived: timedelta | None = None, **settings: Any
    ) -> list[Entry]:
        """Whom a trigger names now, looking back so many hours; rows that came within `arrived` only."""
        now = clock.now()
        window = Window(settings, now - timedelta(hours=hours), now, now - arrived if arrived else None)
        sql, values = triggers.of(key).entries(window)
        found = [Entry(*row) for row in self.rows(sql, **values)]
        names = ("customer_id", "profile_id", "key", "at", "context", "cause")
        with self.engine.connect() as connection:
            assert tuple(connection.execute(text(sql), values).keys()) == names
        assert all(window.since < one.at <= window.until for one in found)
        return found

    def over(self, key: str, one: Entry, entered: datetime | None = None) -> bool:
        """Whether it is no longer needed for somebody who entered then, or when it fired."""
        condition = triggers.of(key).over
        assert condition is not None
        return bool(self.rows(
            f"SELECT {condition()} FROM (SELECT CAST(:profile AS uuid) AS profile_id,"
            " CAST(:card AS uuid) AS customer_id, CAST(:entered AS timestamptz) AS entered_at,"
            " CAST(:context AS jsonb) AS context, CAST(:cause AS jsonb) AS cause) r",
            profile=one.profile_id, card=one.customer_id, entered=entered or one.at, now=clock.now(),
            context=msgspec.json.encode(one.context).decode(), cause=msgspec.json.encode(one.cause).decode(),
        )[0][0])  # fmt: skip

    def letter(self, key: str, one: Entry, **more: Any) -> Rendered:
        """The starter letter as that person gets it."""
        written = starters.of(key).written("en", "Bazaar", "1 Main street, Almaty")
        version = store.draft("en", {"en": written})
        assert one.customer_id
        with transaction(self.engine) as session:
            known = variables.contexts(session, [one.customer_id], clock.now(), version)[one.customer_id]
        links = dict.fromkeys(("unsubscribe", "preferences", "view"), "https://crm.shop.example/m/x") | more
        return render(version, "en", {**variables.merged(known, one.context), "links": links})


def buyer(who: str, **more: Any) -> Person:
    """A customer of the shop who wants letters."""
    said: dict[str, Any] = {
        "external_id": f"shop-{who}", "emails": (f"{who}@p.kz",), "name": who, "given_name": who.title(),
        "email_verified": True, "country": "KZ", "changed_at": LONG_AGO,
        "consents": (Consent(channel="email", given=True, at=LONG_AGO),),
        "addresses": (Address(city="Almaty", country="KZ"),),
    }  # fmt: skip
    return Person(**said | more)
