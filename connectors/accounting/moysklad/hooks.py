"""MoySklad's webhooks: known by a secret in their address, for it signs nothing.

They tell what has changed, never how: each is read again with our own sign-in. After four tries without an
answer within a second and a half one is dropped for good, and a hook that fails for days is switched off, so
they are hints: the cursor and the listing are what counts.
"""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from connectors.accounting.moysklad.client import Client
from connectors.accounting.moysklad.reading import ENTITIES, Row
from connectors.accounting.moysklad.values import id_of, kind_of, parts
from connectors.base import Delivery, HookRefused
from connectors.values import text
from foundation.errors import BadInput, Permanent

PATH = "kartoteka-hook-path"  # our own door's: what stands in the address behind the connection
ACTIONS = ("CREATE", "UPDATE", "DELETE")
_LONGEST = 255  # characters of an address


def read(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> Delivery:
    """The objects a delivery is about; raises HookRefused when its address holds none of the secrets."""
    said = headers.get(PATH, "").strip("/").encode("utf-8", "replace")
    if not any([secret and hmac.compare_digest(secret.encode(), said) for secret in secrets]):  # noqa: C419
        raise HookRefused("The address of the webhook isn't the one that was given to MoySklad.")
    try:
        thing = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadInput(f"the webhook's body is no JSON: {error}") from error
    if not isinstance(thing, dict):
        raise BadInput("the webhook's body is no object")
    events = parts(thing, "events")
    topic = f"{kind_of(events[0])}.{text(events[0].get('action')).lower()}" if events else "ping"
    stream = next((name for name, kinds in ENTITIES.items() if events and kind_of(events[0]) in kinds), "")
    ids = dict.fromkeys(
        found for one in events if stream and kind_of(one) in ENTITIES[stream] and (found := id_of(one))
    )
    return Delivery(stream=stream, fetch=tuple(ids), topic=topic)


def install(client: Client, address: str, secret: str) -> str:
    """Make the missing hooks, and take away those of an earlier secret."""
    made = _make(client, address, secret)
    old = [hook for hook in _ours(client, address) if hook.get("url") != _url(address, secret)]
    for hook in old:
        client.delete(f"entity/webhook/{id_of(hook)}")
    return f"Webhooks of MoySklad: {made} made, {len(old)} old ones taken away."


def tend(client: Client, address: str, secret: str) -> list[str]:
    """Switch on what MoySklad switched off, and make again what was deleted."""
    mended = []
    for hook in _ours(client, address):
        if hook.get("url") == _url(address, secret) and hook.get("enabled") is False:
            client.write("PUT", f"entity/webhook/{id_of(hook)}", {"enabled": True})
            mended.append(f"{_name(hook)} was switched off by MoySklad; switched on again.")
    made = _make(client, address, secret)
    return [*mended, f"{made} were missing; made again."] if made else mended


def _make(client: Client, address: str, secret: str) -> int:
    url = _url(address, secret)
    if len(url) > _LONGEST:
        raise Permanent(f"MoySklad takes addresses of {_LONGEST} characters at most.")
    there = {_name(hook) for hook in _ours(client, address) if hook.get("url") == url}
    wanted = [
        {"url": url, "action": action, "entityType": entity}
        for kinds in ENTITIES.values() for entity in kinds for action in ACTIONS
        if f"{entity} {action}" not in there
    ]  # fmt: skip
    answers = client.write("POST", "entity/webhook", wanted) if wanted else []
    for answer in answers if isinstance(answers, list) else []:
        for error in parts(answer, "errors") if isinstance(answer, dict) else ():
            raise Permanent(f"MoySklad refuses a webhook: “{text(error.get('error'))}”.")
    return len(wanted)


def _ours(client: Client, address: str) -> Iterator[Row]:
    """Hooks that deliver to this connection, whatever the secret."""
    rows, _ = client.rows("entity/webhook", limit=1000)
    yield from (r for r in rows if isinstance(r, dict) and text(r.get("url")).startswith(address))


def _url(address: str, secret: str) -> str:
    return f"{address.rstrip('/')}/{secret}"


def _name(hook: Mapping[str, Any]) -> str:
    return f"{text(hook.get('entityType'))} {text(hook.get('action'))}"
