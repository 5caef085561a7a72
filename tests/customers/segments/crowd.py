"""A small crowd for segment tests: customers with orders, events and letters written straight into tables."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import stats
from customers.segments import language, store, tree
from customers.tables import Customer, Profile, Source
from foundation.clock import new_id
from tests.conftest import MORNING


def days(number: float) -> timedelta:
    return timedelta(days=number)


class Crowd:
    """Writes customers and what happened to them; times are days before `MORNING`."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.source = Source(name="Shop", kind="vendure", role="shop")
        session.add(self.source)
        session.flush()

    def customer(self, name: str = "", **fields: Any) -> UUID:
        card = Customer(name=name, identified=True, **fields)
        self.session.add(card)
        self.session.flush()
        stats.refresh(self.session, [card.id])
        return card.id

    def order(
        self, customer: UUID, ago: float, total: float = 100, currency: str = "KZT", **more: Any
    ) -> UUID:
        order = new_id()
        values = {
            "id": order, "source": self.source.id, "external": str(order), "customer": customer,
            "total": total, "currency": currency, "at": MORNING - days(ago), "state": "paid", "refunded": 0,
        } | {name: value for name, value in more.items() if name in ("state", "refunded")}  # fmt: skip
        self.session.execute(
            text(
                "INSERT INTO orders (id, source_id, external_id, number, customer_id, state, source_state,"
                " currency, total, discount, shipping, tax, refunded, details, placed_at, changed_at,"
                " record_hash) VALUES (:id, :source, :external, :external, :customer, :state, '', :currency,"
                " :total, 0, 0, 0, :refunded, '{}', :at, :at, '')"
            ),
            values,
        )
        for position, sku in enumerate(more.get("skus", ())):
            self.session.execute(
                text(
                    "INSERT INTO order_lines (order_id, position, product_external_id, sku, name, quantity,"
                    " unit_price, discount, tax, total)"
                    " VALUES (:order, :position, :sku, :sku, :name, 1, 1, 0, 0, 1)"
                ),
                {"order": order, "position": position, "sku": sku, "name": f"The {sku}"},
            )
        stats.refresh(self.session, [customer])
        return order

    def happen(self, customer: UUID, kind: str, ago: float = 1, **data: Any) -> None:
        values = {
            "source": self.source.id, "key": str(uuid4()), "customer": customer, "kind": kind,
            "at": MORNING - days(ago), "data": msgspec.json.encode(data).decode(),
        }  # fmt: skip
        self.session.execute(
            text(
                "INSERT INTO timeline (source_id, source_key, customer_id, kind, occurred_at, received_at,"
                " data) VALUES (:source, :key, :customer, :kind, :at, :at, CAST(:data AS jsonb))"
            ),
            values,
        )
        stats.refresh(self.session, [customer])

    def profile(self, customer: UUID, kind: str = "customer") -> UUID:
        row = Profile(
            source_id=self.source.id, kind=kind, external_id=str(uuid4()), customer_id=customer, record={},
            record_hash=b"", changed_at=MORNING,
        )  # fmt: skip
        self.session.add(row)
        self.session.flush()
        return row.id

    def names(self, said: str | tree.Node, at: datetime = MORNING) -> set[str]:
        """Names of those in a segment."""
        node = language.parse(said) if isinstance(said, str) else said
        ids = store.first(self.session, node, at, 1_000).ids
        rows = self.session.execute(text("SELECT name FROM customers WHERE id = ANY(:ids)"), {"ids": ids})
        return {row[0] for row in rows}
