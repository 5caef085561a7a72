"""WooCommerce's webhooks: proving and reading them, and keeping them switched on.

The shop never repeats a failed delivery and switches a hook off after six failures in a row, so hooks are
looked after here and are only ever hints: the cursor and the listing are what counts.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from connectors.base import Bad, Delivery, HookRefused, Raw
from connectors.shops.woocommerce import records
from connectors.shops.woocommerce.reading import Row, Shop, raw
from connectors.shops.woocommerce.values import identifier, text
from foundation import clock
from foundation.errors import BadInput, Misconfigured, Permanent

STREAMS = {"customer": "customers", "order": "orders", "product": "products"}
TOPICS = (
    "customer.created", "customer.updated", "customer.deleted",
    "order.created", "order.updated", "order.deleted", "order.restored",
    "product.created", "product.updated", "product.deleted", "product.restored",
)  # fmt: skip
_PING = re.compile(rb"\s*webhook_id=\d+\s*")


def read(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> Delivery:
    """What a webhook says; raises HookRefused when none of the secrets signed it."""
    signature = headers.get("x-wc-webhook-signature", "")
    if not signature and _PING.fullmatch(body):
        return Delivery(topic="ping")  # sent once when a hook is made, unsigned; it carries nothing
    if not any(_signed(secret, body, signature) for secret in secrets):
        raise HookRefused("The signature of the webhook doesn't match its body.")
    topic = headers.get("x-wc-webhook-topic", "").strip().lower()
    resource, _, event = topic.partition(".")
    stream = STREAMS.get(resource, "")
    if not stream or topic not in (*TOPICS, "customer.restored"):
        return Delivery(topic=topic)
    thing = _decode(body)
    if event == "deleted":
        gone = Raw(identifier(thing.get("id")), body.decode(), version_at=clock.now(), gone=True)
        return Delivery(stream=stream, records=(gone,), topic=topic)
    if records.is_draft(stream, thing):
        return Delivery()
    if stream == "orders" and thing.get("refunds"):
        # the body lacks when and what was refunded: the order is asked for again, with its refunds
        return Delivery(stream=stream, fetch=(identifier(thing.get("id")),), topic=topic)
    found = raw(thing)
    if isinstance(found, Bad):
        raise BadInput(found.reason)
    return Delivery(stream=stream, records=(found,), topic=topic)


def install(shop: Shop, address: str, secret: str) -> list[str]:
    """Make the missing hooks and bring ours to the given secret; answers what was done."""
    _check_secret(secret)
    ours = _ours(shop, address)
    wanted = {"secret": secret, "status": "active"}
    made = [
        {"name": _name(t), "topic": t, "delivery_url": address, **wanted} for t in TOPICS if t not in ours
    ]
    kept = [{"id": hook["id"], **wanted} for topic, hook in ours.items() if topic in TOPICS]
    _write(shop, made, kept)
    done = [f"{len(made)} made"] if made else []
    return [*done, f"{len(kept)} set to the present secret"] if kept else done


def tend(shop: Shop, address: str, secret: str) -> list[str]:
    """Switch on what the shop switched off and make again what was deleted; what was paused by hand stays."""
    _check_secret(secret)
    ours = _ours(shop, address)
    missing = [topic for topic in TOPICS if topic not in ours]
    disabled = [
        hook for topic, hook in ours.items() if topic in TOPICS and text(hook.get("status")) == "disabled"
    ]
    wanted = {"secret": secret, "status": "active"}
    _write(
        shop,
        [{"name": _name(topic), "topic": topic, "delivery_url": address, **wanted} for topic in missing],
        [{"id": hook["id"], **wanted} for hook in disabled],
    )
    mended = [
        f"{text(hook.get('topic'))} was switched off by the shop; switched on again." for hook in disabled
    ]
    return mended + [f"{topic} was missing; made again." for topic in missing]


def _signed(secret: str, body: bytes, signature: str) -> bool:
    proof = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
    return bool(secret) and hmac.compare_digest(proof, signature.strip().encode("utf-8", "replace"))


def _decode(body: bytes) -> Row:
    try:
        thing = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"the webhook's body is no JSON: {error}") from error
    if not isinstance(thing, dict):
        raise BadInput("the webhook's body is no object")
    return thing


def _ours(shop: Shop, address: str) -> dict[str, Row]:
    """Hooks that deliver to our address, by topic."""
    found: dict[str, Row] = {}
    for rows, _, _ in shop.by_id("webhooks"):
        for hook in rows:
            if isinstance(hook, dict) and hook.get("delivery_url") == address:
                found.setdefault(text(hook.get("topic")), hook)
    return found


def _write(shop: Shop, create: list[dict[str, Any]], update: list[dict[str, Any]]) -> None:
    if not create and not update:
        return
    answer = shop.send("webhooks/batch", {"create": create, "update": update})
    for item in [*answer.get("create", []), *answer.get("update", [])] if isinstance(answer, dict) else []:
        if error := item.get("error"):
            raise Permanent(f"The shop refused a webhook: “{text(error.get('message'))}”.")


def _name(topic: str) -> str:
    return f"Kartoteka {topic}"


def _check_secret(secret: str) -> None:
    if not secret or set(secret) & set("&<>\"'"):
        # WordPress decodes entities in the secret before it signs
        raise Misconfigured("A webhook secret must not be empty or hold & < > or quotes.", "webhook secret")
