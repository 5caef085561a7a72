"""What a form may be: its spec, read from what somebody typed, with every mistake said at its place.

A spec is plain JSON and is kept for ever, so whoever reads one counts on `checked` having made it.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from foundation.text import _
from web_capture.forms.reading import BadForm, Reading

KINDS = ("embedded", "popup", "slide", "bar")
STATES = ("draft", "live", "paused", "ended")
OWN_TYPES = ("text", "choice")
TYPES = ("email", "phone", "name", "firstName", "lastName", "birthday", *OWN_TYPES)
POSITIONS = {
    "embedded": ("",),
    "popup": ("center", "top", "bottom"),
    "slide": ("right", "left"),
    "bar": ("top", "bottom"),
}
THEMES = ("light", "dark", "auto")
CHANNELS = ("email", "sms")
FREQUENCIES = ("until", "once", "days", "submitted")
LANGUAGES = ("en", "ru", "tr", "kk", "ko")
MOST_FIELDS, MOST_OPTIONS, MOST_PATTERNS, MOST_VARIANTS, LONGEST_CONSENT = 12, 30, 20, 4, 5_000
OVERRIDES = ("title", "text", "button", "look", "triggers")
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_POLICY = re.compile(r"https?://[^\s<>\"']{1,500}")
SEGMENT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CODE = re.compile(r"\S{1,60}")

Spec = dict[str, Any]


def checked(kind: str, said: Mapping[str, Any]) -> Spec:
    """The spec that was meant; raises BadForm with a sentence for each place that is wrong."""
    reading = Reading(said)
    spec: Spec = {
        "language": reading.one_of("language", LANGUAGES, said),
        "title": reading.text("title", 120, needed=kind != "embedded"),
        "text": reading.text("text", 600),
        "button": reading.text("button", 40, needed=True),
        "thanks": reading.text("thanks", 300, needed=True),
        "fields": _fields(reading),
        "look": _look(reading, kind, _part(said, "look")),
        "consents": _consents(reading),
        "policy_url": _policy(reading),
        "double_opt_in": said.get("double_opt_in") is True,
        "coupon": _coupon(reading),
        "triggers": _triggers(reading, _part(said, "triggers"), ""),
        "targeting": _targeting(reading),
        "frequency": _frequency(reading),
        "schedule": _schedule(reading),
    }
    if said.get("back_in_stock") is True:
        spec["back_in_stock"] = True
    spec["variants"] = _variants(reading, kind)
    _together(reading, spec)
    if reading.errors:
        raise BadForm(reading.errors)
    return spec


def _together(reading: Reading, spec: Spec) -> None:
    """What only can be said of several parts at once."""
    types = {one["type"] for one in spec["fields"]}
    if not types & {"email", "phone"}:
        reading.wrong("fields", _("Ask for an e-mail or a phone; without one nobody can be reached."))
    for consent in spec["consents"]:
        needed = "email" if consent["channel"] == "email" else "phone"
        if needed not in types:
            reading.wrong(f"consent_{consent['channel']}", _("The form doesn't ask for what this would use."))
    if "back_in_stock" in spec and "email" not in types:
        reading.wrong("back_in_stock", _("Ask for an e-mail: that is how people are told."))
    for consent in spec["consents"] if "back_in_stock" in spec else ():
        if consent["required"]:
            reading.wrong(
                f"consent_{consent['channel']}",
                _("Whoever asks to be told of a product need not agree to other letters: don't require it."),
            )
    if spec["double_opt_in"] and not any(one["channel"] == "email" for one in spec["consents"]):
        reading.wrong("double_opt_in", _("There is no consent to e-mail that could be confirmed."))


def _part(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = said.get(name)
    return part if isinstance(part, dict) else {}


def _fields(reading: Reading) -> list[dict[str, Any]]:
    said = reading.said.get("fields")
    rows = [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []
    if len(rows) > MOST_FIELDS:
        reading.wrong("fields", _("A form has at most %d fields.") % MOST_FIELDS)
    fields: list[dict[str, Any]] = []
    for place, row in enumerate(rows[:MOST_FIELDS]):
        at = f"field_{place}"
        kind = reading.one_of("type", TYPES, row, at)
        label = reading.text("label", 80, needed=True, of=row, at=at)
        field = {"type": kind, "label": label, "required": row.get("required") is True}
        field["name"] = f"own_{place}" if kind in OWN_TYPES else kind
        if kind == "choice":
            field["options"] = _options(reading, row, at)
        if field["name"] in {one["name"] for one in fields}:
            reading.wrong(at, _("This is asked twice."))
        elif label in {one["label"] for one in fields}:
            reading.wrong(at, _("Two fields have this label."))
        fields.append(field)
    return fields


def _options(reading: Reading, row: Mapping[str, Any], at: str) -> list[str]:
    said = row.get("options")
    options = [one.strip()[:80] for one in said if isinstance(one, str)] if isinstance(said, list) else []
    options = list(dict.fromkeys(filter(None, options)))
    if not 2 <= len(options) <= MOST_OPTIONS:
        reading.wrong(at, _("Give 2 to %d answers to choose from.") % MOST_OPTIONS)
    return options


def _look(reading: Reading, kind: str, said: Mapping[str, Any], at: str = "") -> dict[str, str]:
    accent = str(said.get("accent") or "#0b5f55").strip().lower()
    if not _COLOUR.fullmatch(accent):
        reading.wrong(f"{at}accent", _("A colour is # and six digits or letters a to f, such as #0b5f55."))
        accent = "#0b5f55"
    return {
        "accent": accent,
        "theme": reading.one_of("theme", THEMES, said, f"{at}theme"),
        "position": reading.one_of("position", POSITIONS.get(kind, ("",)), said, f"{at}position"),
    }


def _consents(reading: Reading) -> list[dict[str, Any]]:
    """At most one for each channel. Kept as shown: without line breaks, as the ledger has it."""
    found: list[dict[str, Any]] = []
    said = reading.said.get("consents")
    for row in said if isinstance(said, list) else []:
        if not isinstance(row, dict) or row.get("channel") not in CHANNELS:
            continue
        text = " ".join(reading.text("text", 10_000, of=row).split())
        at = f"consent_{row['channel']}"
        if len(text) > LONGEST_CONSENT:
            reading.wrong(at, _("This is longer than %d characters.") % LONGEST_CONSENT)
        if text and row["channel"] not in {one["channel"] for one in found}:
            found.append({"channel": row["channel"], "text": text, "required": row.get("required") is True})
    return found


def _policy(reading: Reading) -> str:
    address = reading.text("policy_url", 500)
    if address and not _POLICY.fullmatch(address):
        reading.wrong("policy_url", _("Give an address that begins with https://."))
    return address


def _coupon(reading: Reading) -> dict[str, str]:
    said = _part(reading.said, "coupon")
    kind = reading.one_of("kind", ("none", "fixed", "list"), said, "coupon_kind")
    code = reading.text("code", 60, of=said, at="coupon_code")
    if kind == "fixed" and not _CODE.fullmatch(code):
        reading.wrong("coupon_code", _("Write the code, without spaces."))
    return {"kind": kind, "code": code if kind == "fixed" else ""}


def _triggers(reading: Reading, said: Mapping[str, Any], at: str) -> dict[str, Any]:
    limits = {"delay": (0, 3_600), "scroll": (1, 100), "cart": (1, 10**9), "page": (1, 100)}
    found: dict[str, Any] = {
        name: number
        for name, (least, most) in limits.items()
        if (number := reading.number(name, least, most, said, f"{at}{name}")) is not None
    }
    return found | {name: True for name in ("exit", "returning") if said.get(name) is True}


def _targeting(reading: Reading) -> dict[str, Any]:
    said = _part(reading.said, "targeting")
    found: dict[str, Any] = {}
    for name in ("urls", "not_urls", "utm_source", "utm_campaign", "languages"):
        rows = said.get(name)
        lines = [one.strip() for one in rows if isinstance(one, str)] if isinstance(rows, list) else []
        lines = list(dict.fromkeys(filter(None, lines)))
        if len(lines) > MOST_PATTERNS or any(len(one) > 200 for one in lines):
            reading.wrong(name, _("At most %d lines of 200 characters.") % MOST_PATTERNS)
        if lines:
            found[name] = [one.lower() for one in lines]
    rows = said.get("segments")
    ids = (
        [str(one).lower() for one in rows if SEGMENT.fullmatch(str(one).lower())]
        if isinstance(rows, list)
        else []
    )
    if len(ids) > MOST_PATTERNS:
        reading.wrong("segments", _("At most %d segments.") % MOST_PATTERNS)
    if ids:
        found["segments"] = sorted(set(ids))
    for name, known in (("device", ("", "phone", "desktop")), ("visitor", ("", "new", "returning"))):
        if value := reading.one_of(name, known, said):
            found[name] = value
    return found


def _frequency(reading: Reading) -> dict[str, Any]:
    said = _part(reading.said, "frequency")
    kind = reading.one_of("kind", FREQUENCIES, said, "frequency")
    if kind != "days":
        return {"kind": kind}
    days = reading.number("days", 1, 365, said, "days")
    if days is None:
        reading.wrong("days", _("Say how many days."))
    return {"kind": kind, "days": days or 1}


def _schedule(reading: Reading) -> dict[str, str]:
    """Wall times and their zone; the instants are computed when they are needed."""
    said = _part(reading.said, "schedule")
    zone = str(said.get("zone") or "UTC")
    try:
        ZoneInfo(zone)
    except (KeyError, OSError, ValueError):
        reading.wrong("zone", _("There is no such time zone; write one such as Asia/Almaty."))
        zone = "UTC"
    found = {"from": _wall(reading, said, "from"), "until": _wall(reading, said, "until"), "zone": zone}
    if found["from"] and found["until"] and found["until"] <= found["from"]:
        reading.wrong("until", _("The end comes before the beginning."))
    return found


def _wall(reading: Reading, said: Mapping[str, Any], name: str) -> str:
    value = str(said.get(name) or "")
    try:
        at = datetime.fromisoformat(value) if value else None
    except ValueError:
        at = None
    if value and (at is None or at.tzinfo is not None):
        reading.wrong(name, _("Write a date and a time."))
    return at.isoformat(timespec="minutes") if at and at.tzinfo is None else ""


def instant(schedule: Mapping[str, str], name: str) -> datetime | None:
    """When a form's time begins ("from") or ends ("until"); None when it has no bound there."""
    wall = schedule.get(name)
    return datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(schedule["zone"])) if wall else None


def _variants(reading: Reading, kind: str) -> list[dict[str, Any]]:
    """None, or two to four; each says only in what it differs."""
    said = reading.said.get("variants")
    rows = [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []
    if rows and not 2 <= len(rows) <= MOST_VARIANTS:
        reading.wrong("variants", _("A comparison has two to four variants."))
    return [_variant(reading, kind, row, f"v{place}_") for place, row in enumerate(rows[:MOST_VARIANTS])]


def _variant(reading: Reading, kind: str, row: Mapping[str, Any], at: str) -> dict[str, Any]:
    weight = reading.number("weight", 1, 100, row, f"{at}weight")
    made: dict[str, Any] = {"weight": weight or 1}
    for name, longest in (("title", 120), ("text", 600), ("button", 40)):
        if value := reading.text(name, longest, of=row, at=f"{at}{name}"):
            made[name] = value
    readers: dict[str, Callable[[Mapping[str, Any]], Any]] = {
        "look": lambda part: _look(reading, kind, part, at),
        "triggers": lambda part: _triggers(reading, part, at),
    }
    return made | {name: read(_part(row, name)) for name, read in readers.items() if _part(row, name)}
