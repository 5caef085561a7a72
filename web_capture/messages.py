"""A captured event as it landed, read: who, what, when and where, each value bounded and storable.

Everything a message says is the sender's choice, so any member may be missing or of any type, size and depth.
What is usable is taken, the rest is left; the landed record keeps the whole.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any, Literal, cast
from urllib.parse import unquote_plus

import msgspec

from web_capture.times import BEGINNING, instant, occurred
from web_capture.values import (
    LONGEST_NAME,
    Reading,
    internet_address,
    referring_address,
    web_address,
)

Kind = Literal["identify", "track", "page", "screen", "group", "alias"]

KINDS = ("identify", "track", "page", "screen", "group", "alias")
CAMPAIGN = ("source", "medium", "name", "term", "content")
CLICKS = frozenset(
    (
        "gclid", "gbraid", "wbraid", "dclid", "fbclid", "yclid", "ysclid", "ymclid", "ttclid", "msclkid",
        "twclid", "li_fat_id", "epik", "scclid", "rdt_cid", "rb_clickid",
    )
)  # fmt: skip
_UTM = {
    "utm_source": "source", "utm_medium": "medium", "utm_campaign": "name", "utm_term": "term",
    "utm_content": "content",
}  # fmt: skip
_PLACE = ("url", "path", "title", "referrer")
_LONGEST_CLICK, _MOST_PARAMETERS, _LONGEST_SIGNATURE = 500, 100, 128
_DEEPEST_ANYTHING = 24
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)
_decode = msgspec.json.Decoder().decode


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One captured event. Empty means that the sender didn't say, or said nothing usable."""

    landed_id: int
    kind: Kind
    message_id: str
    device: str  # anonymousId
    user: str  # userId; unverified unless `secret` or `signature` proves it
    event: str  # of a track call; of a page or screen its name
    occurred_at: datetime
    received_at: datetime
    url: str  # http(s) only, like the referrer
    path: str
    title: str
    referrer: str
    campaign: dict[str, str]  # of source, medium, name, term, content those that are said
    clicks: dict[str, str]  # gclid, fbclid, … as advertisers name them
    ip: str
    user_agent: str
    locale: str
    timezone: str
    screen: tuple[float, float] | None
    webdriver: bool
    traits: dict[str, Any]  # of the person; of a group call, the group's
    properties: dict[str, Any]
    group: str
    previous: str  # of an alias call
    signature: str
    secret: bool  # sent with the site's secret key
    ours: bool  # taken by the door of our own forms, which saw the ticks
    cut: bool  # something was too long, too deep or too many


def read(landed_id: int, payload: str) -> Message:
    """The message in a landed payload. Never raises, whatever the message is."""
    landed = _opened(payload)
    said, reading = _part(landed, "said"), Reading()
    context = {**_part(landed, "context"), **_part(said, "context")}
    secret, own = landed.get("secret") is True, _part(context, "kartoteka")
    kind, properties = _kind(landed, said), reading.tree(said.get("properties"))
    received = instant(landed.get("at")) or BEGINNING
    place = _place(kind, context, properties, reading)
    campaign, clicks = _origin(context, place[0], reading)
    return Message(
        landed_id=landed_id,
        kind=kind,
        message_id=reading.identifier(said.get("messageId")),
        device=reading.identifier(said.get("anonymousId")),
        user=reading.identifier(said.get("userId")),
        event=_name(kind, said, properties, reading),
        occurred_at=_occurred(landed, said, received, secret),
        received_at=received,
        url=web_address(place[0]),
        path=place[1],
        title=place[2],
        referrer=referring_address(place[3]),
        campaign=campaign,
        clicks=clicks,
        ip=_ip(landed, context, secret),
        user_agent=_user_agent(landed, context, secret, reading),
        locale=reading.text(context.get("locale"), LONGEST_NAME),
        timezone=reading.text(context.get("timezone"), LONGEST_NAME),
        screen=_screen(context.get("screen")),
        webdriver=own.get("webdriver") is True,
        traits=_traits(kind, said, context, reading),
        properties=properties,
        group=reading.identifier(said.get("groupId") or context.get("groupId")),
        previous=reading.identifier(said.get("previousId")),
        signature=_signature(own),
        secret=secret,
        ours=landed.get("ours") is True,
        cut=reading.cut,
    )


def _opened(payload: str) -> dict[str, Any]:
    """The landed object. The strict decoder refuses lone surrogates, 1e400 and deep nests; then slowly."""
    landed: Any = None
    try:
        landed = _decode(payload)
    except (ValueError, RecursionError):
        try:
            landed = json.loads(
                _shallow(payload), parse_float=_number, parse_int=_number, parse_constant=str, strict=False
            )
        except (ValueError, RecursionError):
            landed = None
    return landed if isinstance(landed, dict) else {}


def _shallow(payload: str) -> str:
    """The text with null in place of what lies deeper than anything we read."""
    kept, depth, start = [], 0, 0
    for token in _BRACKETS.finditer(payload):
        bracket = token[0]
        if bracket in ("[", "{"):
            depth += 1
            if depth == _DEEPEST_ANYTHING:
                kept.append(payload[start : token.start()])
        elif bracket in ("]", "}"):
            if depth == _DEEPEST_ANYTHING:
                kept.append("null")
                start = token.end()
            depth -= 1
    return "".join(kept) + payload[start:] if kept else payload


def _number(digits: str) -> float | str:
    """A number, or its digits where Python has none for it."""
    if len(digits) <= 18 and digits.lstrip("-").isdigit():
        return int(digits)
    number = float(digits)
    return number if isfinite(number) and not digits.lstrip("-").isdigit() else digits


def _part(whole: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


def _kind(landed: Mapping[str, Any], said: Mapping[str, Any]) -> Kind:
    kind = landed.get("kind")
    if kind not in KINDS:
        kind = said.get("type")
    return cast(Kind, kind) if kind in KINDS else "track"


def _name(kind: Kind, said: Mapping[str, Any], properties: Mapping[str, Any], reading: Reading) -> str:
    if kind == "track":
        return reading.text(said.get("event"), LONGEST_NAME)
    if kind in ("page", "screen"):
        name = reading.text(said.get("name"), LONGEST_NAME)
        return name or reading.text(properties.get("name"), LONGEST_NAME)
    return ""


def _occurred(
    landed: Mapping[str, Any], said: Mapping[str, Any], received: datetime, secret: bool
) -> datetime:
    # a batch says when it was sent; a sentAt inside may be of an earlier, failed try
    sent = instant(landed.get("sent")) or instant(said.get("sentAt"))
    original = instant(said.get("originalTimestamp")) or instant(said.get("timestamp"))
    return occurred(received, original, sent, secret)


def _place(
    kind: Kind, context: Mapping[str, Any], properties: Mapping[str, Any], reading: Reading
) -> tuple[str, str, str, str]:
    """Address, path, title and referrer of the page; a page call's own properties come first.

    Those of other calls may mean something else: `url` of Product Viewed is the product's.
    """
    page, text = _part(context, "page"), reading.text
    if kind == "page":
        page = {**page, **{name: said for name in _PLACE if (said := text(properties.get(name)))}}
    url, path, referrer = text(page.get("url")), text(page.get("path")), text(page.get("referrer"))
    if not referrer and "referrer" in context:
        referrer = text(_part(context, "referrer").get("url"))
    return url, path or _path(url), text(page.get("title")), referrer


def _path(url: str) -> str:
    beyond = url.partition("://")[2]
    return "/" + beyond.partition("/")[2].partition("?")[0].partition("#")[0] if beyond else ""


def _origin(context: Mapping[str, Any], url: str, reading: Reading) -> tuple[dict[str, str], dict[str, str]]:
    """The campaign and the advertisers' click ids: as the context says, else as the page's address does."""
    campaign = _texts(context.get("campaign"), CAMPAIGN, reading)
    clicks: dict[str, str] = {}
    for name in ("click", "clickIds"):
        clicks |= _texts(context.get(name), CLICKS, reading)
    if "=" not in url:
        return campaign, clicks
    tagged: dict[str, str] = {}
    query = url.partition("?")[2].partition("#")[0]
    for parameter in query.split("&", _MOST_PARAMETERS)[:_MOST_PARAMETERS]:
        name, _, raw = parameter.partition("=")
        name = name.lower()
        if name in _UTM and (value := reading.text(unquote_plus(raw), _LONGEST_CLICK)):
            tagged.setdefault(_UTM[name], value)
        elif name in CLICKS and (value := reading.text(unquote_plus(raw), _LONGEST_CLICK)):
            clicks.setdefault(name, value)
    return campaign or tagged, clicks


def _texts(said: Any, names: tuple[str, ...] | frozenset[str], reading: Reading) -> dict[str, str]:
    if not isinstance(said, dict):
        return {}
    texts = {name: reading.text(said.get(name), _LONGEST_CLICK) for name in names}
    return {name: value for name, value in texts.items() if value}


def _ip(landed: Mapping[str, Any], context: Mapping[str, Any], secret: bool) -> str:
    """The visitor's address. The sender's own is that of the shop's server when the key is secret."""
    said = internet_address(context.get("ip"))
    if not said and (not secret or context.get("direct") is True):
        said = internet_address(landed.get("ip"))
    return "" if said in ("0.0.0.0", "::") else said  # noqa: S104 - how SDKs say "don't keep it"


def _user_agent(landed: Mapping[str, Any], context: Mapping[str, Any], secret: bool, reading: Reading) -> str:
    said = reading.text(context.get("userAgent"))
    return said or ("" if secret else reading.text(landed.get("ua")))


def _screen(said: Any) -> tuple[float, float] | None:
    if not isinstance(said, dict):
        return None
    width, height = said.get("width"), said.get("height")
    for side in (width, height):
        if not isinstance(side, int | float) or isinstance(side, bool) or abs(side) > 10**9:
            return None
    return cast(tuple[float, float], (width, height))


def _traits(
    kind: Kind, said: Mapping[str, Any], context: Mapping[str, Any], reading: Reading
) -> dict[str, Any]:
    if kind == "group":
        return reading.tree(said.get("traits"))
    known, new = context.get("traits"), said.get("traits")
    return {**reading.tree(known), **reading.tree(new)} if known or new else {}


def _signature(own: Mapping[str, Any]) -> str:
    said = own.get("signature")
    usable = isinstance(said, str) and said.isascii() and said.isalnum() and len(said) <= _LONGEST_SIGNATURE
    return cast(str, said) if usable else ""
