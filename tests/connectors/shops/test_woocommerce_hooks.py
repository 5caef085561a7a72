"""Webhooks: proved before they are believed, and kept switched on."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import responses

from connectors.base import Delivery, HookRefused
from connectors.shops.woocommerce import WooCommerce
from connectors.shops.woocommerce.hooks import TOPICS
from foundation import clock
from foundation.errors import BadInput, Misconfigured, Permanent
from tests.connectors.shops.woo_shop import WooShop, an_order, connect

SECRET = "k7Qp2-own-secret"
HUB = "https://hub.example/hooks/1"


def sign(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def deliver(
    topic: str, thing: Any, *, secrets: tuple[str, ...] = (SECRET,), signature: str | None = None
) -> Delivery:
    body = thing if isinstance(thing, bytes) else json.dumps(thing).encode()
    headers = {"x-wc-webhook-topic": topic, "x-wc-webhook-signature": signature or sign(body)}
    return WooCommerce.read_hook(headers, body, secrets)


@pytest.fixture
def shop() -> Iterator[WooShop]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        made = WooShop()
        made.open(mocked)
        yield made


def test_a_signed_order_is_a_record() -> None:
    delivery = deliver("order.updated", an_order(24))
    assert delivery.stream == "orders" and delivery.topic == "order.updated"
    [raw] = delivery.records
    assert raw.external_id == "24" and raw.version_at == datetime(2026, 1, 1, 10, tzinfo=UTC)


def test_hook_and_pull_land_the_same_version(shop: WooShop) -> None:
    shop.lists["orders"] = [an_order(24)]
    [page] = connect().pull("orders", None)
    reordered = dict(reversed(an_order(24, _links={"self": []}).items()))
    assert deliver("order.created", reordered).records[0].version_hash == page.records[0].version_hash


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_of_ours_is_read(topic: str) -> None:
    delivery = deliver(topic, {**an_order(5), "status": "publish"})
    assert [raw.external_id for raw in delivery.records] == ["5"]
    assert delivery.records[0].gone is topic.endswith("deleted")


def test_deletion_says_only_the_id() -> None:
    with clock.hold(datetime(2026, 3, 1, tzinfo=UTC)):
        [raw] = deliver("customer.deleted", {"id": 24}).records
    assert raw.gone and raw.version_at == datetime(2026, 3, 1, tzinfo=UTC)


def test_a_trashed_order_is_gone() -> None:
    assert deliver("order.updated", an_order(5, status="trash")).records[0].gone


@pytest.mark.parametrize("status", ["checkout-draft", "auto-draft"])
def test_a_draft_says_nothing(status: str) -> None:
    assert deliver("order.updated", an_order(5, status=status)) == Delivery()


def test_refunded_orders_are_asked_for_again() -> None:
    delivery = deliver("order.updated", an_order(5, refunds=[{"id": 1, "total": "-1.00"}]))
    assert delivery.fetch == ("5",) and delivery.records == ()


@pytest.mark.parametrize("topic", ["coupon.created", "action.woocommerce_add_to_cart", "order.exploded", ""])
def test_unknown_topics_are_kept_without_records(topic: str) -> None:
    assert deliver(topic, {"id": 1}) == Delivery(topic=topic)


def test_the_unsigned_ping_is_accepted() -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert WooCommerce.read_hook(headers, b"webhook_id=7", [SECRET]) == Delivery(topic="ping")


@pytest.mark.parametrize("body", [b"", b"webhook_id=x", b"webhook_id=7&x=1", b"{}", b'{"id": 1}'])
def test_nothing_else_passes_unsigned(body: bytes) -> None:
    with pytest.raises(HookRefused):
        WooCommerce.read_hook({"x-wc-webhook-topic": "order.deleted"}, body, [SECRET])


BODY = json.dumps(an_order(5)).encode()
PROOF = sign(BODY)


@pytest.mark.parametrize(
    "signature",
    [
        sign(BODY, "another secret"),
        sign(json.dumps(an_order(5), indent=1).encode()),
        base64.b64decode(PROOF).hex(),
        base64.b64decode(PROOF).hex().upper(),
        f"{PROOF}, {PROOF}",
        PROOF.rstrip("="),
        f"sha256={PROOF}",
        "ж",
        "\ud800",
    ],
)
def test_wrong_signatures_are_refused(signature: str) -> None:
    with pytest.raises(HookRefused):
        deliver("order.updated", BODY, signature=signature)


def test_both_secrets_of_a_rotation_hold() -> None:
    assert deliver("order.updated", BODY, secrets=("new secret", SECRET)).records
    with pytest.raises(HookRefused):
        deliver("order.updated", BODY, secrets=("new secret",))


def test_no_secret_accepts_nothing() -> None:
    with pytest.raises(HookRefused):
        deliver("order.updated", BODY, secrets=("",), signature=sign(BODY, ""))
    with pytest.raises(HookRefused):
        deliver("order.updated", BODY, secrets=())


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'"x"', b"1", b'{"id":', b"{} {}", b'{"id": NaN}', b"{}", b'{"id": null}',
     b'{"id": true}', b"\xff\xfe", b"[" * 100_000, b'{"id": 1, "name": "\\ud800"}'],
)  # fmt: skip
def test_genuine_but_unreadable_is_bad_input(body: bytes) -> None:
    with pytest.raises(BadInput):
        deliver("order.updated", body)


def test_install_makes_one_hook_a_topic(shop: WooShop) -> None:
    said = connect().install_hooks(HUB, SECRET)
    hooks = shop.lists["webhooks"]
    assert sorted(hook["topic"] for hook in hooks) == sorted(TOPICS) and "11 made" in said
    assert {(hook["secret"], hook["delivery_url"], hook["status"]) for hook in hooks} == {
        (SECRET, HUB, "active")
    }


def test_install_twice_makes_nothing_new(shop: WooShop) -> None:
    shop.lists["webhooks"] = [{"id": 1, "topic": "order.updated", "delivery_url": "https://else.example"}]
    connect().install_hooks(HUB, SECRET)
    said = connect().install_hooks(HUB, "the next secret")
    assert len(shop.lists["webhooks"]) == 12 and "11 set to the present secret" in said
    assert {hook.get("secret") for hook in shop.lists["webhooks"]} == {"the next secret", None}


def test_tending_switches_on_what_was_disabled(shop: WooShop) -> None:
    connect().install_hooks(HUB, SECRET)
    hooks = shop.lists["webhooks"]
    hooks[3]["status"], hooks[4]["status"] = "disabled", "paused"
    missing = hooks.pop(0)["topic"]
    mended = connect().tend_hooks(HUB, SECRET)
    assert len(mended) == 2 and any(missing in said for said in mended)
    assert [hook["status"] for hook in hooks].count("active") == 10
    assert connect().tend_hooks(HUB, SECRET) == []


@pytest.mark.parametrize("secret", ["", "a&b", "a<b", "a>b", 'a"b', "a'b"])
def test_secrets_the_shop_would_change_are_refused(shop: WooShop, secret: str) -> None:
    with pytest.raises(Misconfigured, match="secret"):
        connect().install_hooks(HUB, secret)
    assert shop.lists["webhooks"] == []


def test_a_refused_hook_is_told(shop: WooShop) -> None:
    refused = {"create": [{"id": 0, "error": {"code": "x", "message": "URL is invalid."}}], "update": []}
    shop.before = lambda request: (200, {}, json.dumps(refused)) if request.method == "POST" else None
    with pytest.raises(Permanent, match="URL is invalid"):
        connect().install_hooks(HUB, SECRET)
