"""A WooCommerce shop through the whole way: pulled, told by webhooks, compared, and onto the cards."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import responses
from sqlalchemy import Engine, text

from connectors.http import Http
from connectors.shops.woocommerce import WooCommerce
from foundation.database import transaction
from foundation.jobs import run_until_idle
from foundation.sealing import Sealer
from sync import connections, context, pull, reconcile, resolve, webhooks
from sync.tables import Run
from tests.connectors.shops.woo_shop import ADDRESS, WooShop, an_order

assert resolve  # imported for the duty it registers
REFUND = {"id": 900, "amount": "100.00", "date_created_gmt": "2026-01-05T09:00:00", "reason": "Broken"}


class Hub:
    """One connection, and what can be done with it."""

    def __init__(self, engine: Engine, sealer: Sealer, clock: Any) -> None:
        self.engine, self.sealer, self.clock = engine, sealer, clock
        with transaction(engine) as session:
            typed = {"address": ADDRESS, "key": "ck_1", "secret": "cs_1", "country": "KZ"}
            connection = connections.create(session, sealer, "woocommerce", "Tea shop", typed)
            self.connection: UUID = connection.id
            self.secret = connections.hook_secrets(sealer, connection)[0]

    def run(self, what: Any) -> Run:
        self.clock.advance(timedelta(minutes=5))
        with transaction(self.engine) as session:
            run_id = what.start(session, self.connection).id
        run_until_idle(self.engine)
        with transaction(self.engine) as session:
            return session.get_one(Run, run_id)

    def deliver(self, topic: str, thing: Any) -> tuple[int, str]:
        body = json.dumps(thing).encode()
        proof = base64.b64encode(hmac.new(self.secret.encode(), body, hashlib.sha256).digest()).decode()
        headers = {"x-wc-webhook-topic": topic, "x-wc-webhook-signature": proof}
        answer = webhooks.receive(self.engine, self.sealer, self.connection, headers, body)
        run_until_idle(self.engine)
        return answer

    def count(self, table: str, where: str = "true") -> Any:
        with self.engine.connect() as db:
            return db.scalar(text(f"SELECT count(*) FROM {table} WHERE {where}"))


@pytest.fixture
def shop() -> Iterator[WooShop]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        made = WooShop()
        made.open(mocked)
        made.lists["customers"] = [
            {"id": n, "email": f"c{n}@example.kz", "first_name": f"Name{n}", "last_name": f"Family{n}",
             "role": "customer", "date_created_gmt": "2025-12-01T09:00:00", "billing": {}, "shipping": {}}
            for n in range(1, 131)
        ]  # fmt: skip
        made.lists["orders"] = [
            an_order(n, f"2026-01-01T10:{n // 60:02}:{n % 60:02}", customer_id=n % 130 + 1)
            for n in range(1, 151)
        ]
        made.lists["orders"][3] |= {"refunds": [{"id": 900, "total": "-100.00"}]}
        made.refunds[4] = [REFUND]
        guest = {"email": "guest@example.kz", "first_name": "Guest", "last_name": "One"}
        made.lists["orders"][4] |= {"customer_id": 0, "billing": guest}
        made.lists["orders"][5] |= {"status": "checkout-draft"}
        made.lists["products"] = [{**an_order(3), "name": "Tea", "sku": "T-1", "status": "publish"}]
        yield made


@pytest.fixture
def hub(
    engine: Engine, sealer: Sealer, settings: Any, clock: Any, shop: WooShop, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hub]:
    unhurried = WooCommerce.make_http

    def hurried(chosen: Any, **options: Any) -> Http:
        return unhurried(chosen, per_second=None, **options)

    monkeypatch.setattr(WooCommerce, "make_http", hurried)
    context.use(context.Context(settings, sealer))
    yield Hub(engine, sealer, clock)
    context.use(None)


def test_a_shop_comes_in_whole(hub: Hub) -> None:
    run = hub.run(pull)
    assert (run.state, run.problems) == ("done", 0)
    assert hub.count("profiles", "kind = 'customer'") == 130
    assert hub.count("profiles", "kind = 'guest'") == 1
    assert hub.count("orders") == 149 and hub.count("products") == 1
    assert hub.count("orders", "number = '4' AND refunded = 100") == 1
    assert hub.count("timeline", "kind LIKE '%refund%'") == 1


def test_pulling_again_changes_nothing(hub: Hub) -> None:
    hub.run(pull)
    again = hub.run(pull)
    assert (again.new, again.changed) == (0, 0)


def test_both_sides_are_equal_afterwards(hub: Hub) -> None:
    hub.run(pull)
    streams = hub.run(reconcile).detail["streams"]
    for name, there in (("customers", 130), ("orders", 149), ("products", 1)):
        found = streams[name]
        assert (found["there"], found["here"]) == (there, there)
        assert (found["missing"], found["stale"], found["extra"]) == (0, 0, 0)


def test_webhooks_keep_it_equal(hub: Hub, shop: WooShop) -> None:
    hub.run(pull)
    shop.lists["orders"][0] |= {"status": "completed", "date_modified_gmt": "2026-02-01T00:00:00"}
    assert hub.deliver("order.updated", shop.lists["orders"][0]) == (200, "kept")
    shop.lists["orders"][1] |= {
        "refunds": [{"id": 901, "total": "-5.00"}],
        "date_modified_gmt": "2026-02-01T00:00:01",
    }
    shop.refunds[2] = [{**REFUND, "id": 901, "amount": "5.00"}]
    assert hub.deliver("order.updated", shop.lists["orders"][1]) == (200, "to be fetched")
    del shop.lists["orders"][2]
    hub.deliver("order.deleted", {"id": 3})
    hub.deliver("order.created", an_order(700, status="checkout-draft"))
    assert hub.count("orders", "number = '1' AND state = 'completed'") == 1
    assert hub.count("orders", "number = '2' AND refunded = 5") == 1
    assert hub.count("orders", "number = '3' AND gone_at IS NOT NULL") == 1
    assert hub.count("orders", "number = '700'") == 0
    streams = hub.run(reconcile).detail["streams"]
    assert (streams["orders"]["missing"], streams["orders"]["stale"], streams["orders"]["extra"]) == (0, 0, 0)


def test_a_late_update_wakes_nothing_deleted(hub: Hub, shop: WooShop) -> None:
    hub.run(pull)
    late = shop.lists["orders"].pop(0)
    hub.deliver("order.deleted", {"id": 1})
    hub.deliver("order.updated", {**late, "status": "on-hold"})
    assert hub.count("orders", "number = '1' AND gone_at IS NOT NULL") == 1


def test_a_missed_webhook_is_found_out(hub: Hub, shop: WooShop) -> None:
    hub.run(pull)
    shop.lists["orders"].append(
        an_order(800, "2025-12-31T00:00:00")
    )  # restored with an old time: no cursor sees it
    del shop.lists["orders"][9]
    hub.run(reconcile)
    assert hub.count("orders", "number = '800' AND gone_at IS NULL") == 1
    assert (
        hub.count("orders", "number = '11' AND gone_at IS NOT NULL")
        + hub.count("orders", "number = '10' AND gone_at IS NOT NULL")
        == 1
    )


def test_trashed_orders_go_with_the_next_pull(hub: Hub, shop: WooShop) -> None:
    hub.run(pull)
    shop.lists["orders"][0] |= {"status": "trash", "date_modified_gmt": "2026-02-01T00:00:00"}
    hub.run(pull)
    assert hub.count("orders", "number = '1' AND gone_at IS NOT NULL") == 1
