"""The webhook door: genuine deliveries are kept before they are answered, the rest is refused plainly."""

import base64
import hashlib
import hmac
import json

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from foundation import jobs
from foundation.database import transaction
from kartoteka import app as door
from kartoteka.demo.company import Company
from kartoteka.demo.shop import KEY, SECRET
from kartoteka.worker import load_jobs
from sync import connections, context, webhooks
from sync.context import Context
from sync.intake import Intake
from sync.tables import LandedRecord

NOBODY = "01a1ffba-f547-7e36-9e31-01fd5049f923"  # fixed: parallel runs collect the same names
COMPANY = Company(people=3, orders=3)


@pytest.fixture
def client(engine, settings, sealer):
    load_jobs()
    held = Context(settings, sealer)
    context.use(held)
    yield TestClient(door.make(held, engine), base_url="http://localhost")
    context.use(None)


@pytest.fixture
def shop(engine, sealer):
    """A connection and the secret its webhooks are signed with."""
    typed = {"address": "https://shop.example", "key": KEY, "secret": SECRET}
    with transaction(engine) as session:
        made = connections.create(session, sealer, "woocommerce", "Shop", typed)
        return made.id, connections.hook_secrets(sealer, made)[0]


def deliver(client, connection, secret, thing, topic="order.updated"):
    body = json.dumps(thing).encode()
    mark = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    headers = {
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Signature": mark,
        "Content-Type": "application/json",
    }
    return client.post(f"/hooks/{connection}/", content=body, headers=headers)


def landed(engine):
    with transaction(engine) as session:
        return session.query(LandedRecord).count()


def test_genuine_delivery_is_kept(client, shop, engine):
    order = COMPANY.orders[10_001] | {"refunds": []}
    assert deliver(client, *shop, order).status_code == 200
    assert landed(engine) == 1


def test_repeats_are_kept_once(client, shop, engine):
    order = COMPANY.orders[10_002] | {"refunds": []}
    for _ in range(3):
        assert deliver(client, *shop, order).status_code == 200
    assert landed(engine) == 1


def test_forged_delivery_leaves_nothing(client, shop, engine):
    assert deliver(client, shop[0], "guessed", COMPANY.orders[10_001]).status_code == 401
    assert landed(engine) == 0


@pytest.mark.parametrize("connection", ["none", NOBODY, "%00", "1"])
def test_unknown_connection_is_missing(client, connection):
    assert client.post(f"/hooks/{connection}/x", content=b"{}").status_code == 404


def test_oversized_delivery_is_refused(client, shop, engine):
    body = b" " * (webhooks.LARGEST + 1)
    assert client.post(f"/hooks/{shop[0]}/", content=body).status_code == 413
    assert landed(engine) == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_posts_are_taken(client, shop, method):
    assert client.request(method, f"/hooks/{shop[0]}/").status_code == 405


def test_full_queue_asks_to_come_again(client, shop, engine):
    client.app.state.intake = Intake(engine, client.app.state.sealer, longest=0)
    answer = deliver(client, *shop, COMPANY.orders[10_001] | {"refunds": []})
    assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
    assert landed(engine) == 0


def test_ping_gets_exactly_200(client, shop):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post(f"/hooks/{shop[0]}/", content=b"webhook_id=7", headers=headers).status_code == 200


def test_order_of_a_delivery_reaches_its_card(client, shop, engine):
    order = COMPANY.orders[10_003] | {"refunds": []}
    deliver(client, *shop, order)
    jobs.run_until_idle(engine)
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT number, customer_id FROM orders").one()
    assert found.number == order["number"]
    assert found.customer_id


def test_a_secret_in_the_address_is_proof_where_nothing_is_signed(client, engine, sealer):
    with transaction(engine) as session:
        made = connections.create(session, sealer, "moysklad", "Ledger", {"token": "t"})
        address, secret = f"/hooks/{made.id}/", connections.hook_secrets(sealer, made)[0]
    body = b'{"events": [{"meta": {"type": "product", "href": "https://x/product/7"}, "action": "UPDATE"}]}'
    forged = client.post(address + "guessed", content=body, headers={"kartoteka-hook-path": secret})
    assert forged.status_code == 401
    assert client.post(f"{address}{secret}?requestId=1", content=body).status_code == 200
    with transaction(engine) as session:
        asked = session.scalars(text("SELECT args FROM jobs WHERE kind = 'sync.fetch'")).all()
    assert [(one["stream"], one["ids"]) for one in asked] == [("nomenclature", ["7"])]
