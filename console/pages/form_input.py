"""What was typed into the builder, as the spec that web_capture checks. Nothing is refused here."""

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData, QueryParams

from web_capture.forms.spec import MOST_FIELDS, MOST_VARIANTS

LINES = ("urls", "not_urls", "utm_source", "utm_campaign", "languages")
MOMENTS = ("delay", "scroll", "exit")  # when it opens; a variant may have moments of its own
NUMBERS = ("delay", "scroll", "cart", "page")
SWITCHES = ("exit", "returning")
LONGEST = 5_000

Typed = FormData | QueryParams
Spec = dict[str, Any]


def read(typed: Typed) -> Spec:
    """The spec as it was meant, every part of it present."""
    spec: Spec = {name: _text(typed, name) for name in ("language", "title", "text", "button", "thanks")}
    spec["policy_url"], spec["double_opt_in"] = _text(typed, "policy_url"), "double_opt_in" in typed
    spec["back_in_stock"] = "back_in_stock" in typed
    spec["fields"] = [one for place in range(MOST_FIELDS) if (one := _field(typed, f"field_{place}_"))]
    spec["look"] = {name: _text(typed, name) for name in ("accent", "theme", "position")}
    spec["consents"] = [
        {"channel": channel, "text": said, "required": f"consent_{channel}_required" in typed}
        for channel in ("email", "sms")
        if (said := _text(typed, f"consent_{channel}"))
    ]
    spec["coupon"] = {"kind": _text(typed, "coupon_kind"), "code": _text(typed, "coupon_code")}
    spec["triggers"] = _triggers(typed, "")
    spec["targeting"] = {name: _text(typed, name).splitlines() for name in LINES} | {
        name: _text(typed, name) for name in ("device", "visitor")
    }
    spec["targeting"]["segments"] = [one for one in typed.getlist("segment") if isinstance(one, str)]
    spec["frequency"] = {"kind": _text(typed, "frequency"), "days": _text(typed, "days")}
    spec["schedule"] = {name: _text(typed, name) for name in ("from", "until", "zone")}
    spec["variants"] = _variants(typed, spec)
    return spec


def _field(typed: Typed, at: str) -> Mapping[str, Any] | None:
    """A row of the builder; one without a label isn't there."""
    label = _text(typed, f"{at}label")
    if not label:
        return None
    kind, options = _text(typed, f"{at}type"), _text(typed, f"{at}options").splitlines()
    return {"type": kind, "label": label, "required": f"{at}required" in typed} | (
        {"options": options} if kind == "choice" else {}
    )


def _triggers(typed: Typed, at: str) -> Spec:
    numbers = {name: value for name in NUMBERS if (value := _text(typed, at + name))}
    return numbers | {name: True for name in SWITCHES if at + name in typed}


def _variants(typed: Typed, spec: Spec) -> list[Spec]:
    """Those that have a weight. What one leaves empty is as in the form itself."""
    found = []
    for place in range(MOST_VARIANTS):
        at = f"v{place}_"
        if not (weight := _text(typed, f"{at}weight")):
            continue
        words = {name: value for name in ("title", "text", "button") if (value := _text(typed, at + name))}
        look = {name: value for name in ("accent", "theme", "position") if (value := _text(typed, at + name))}
        made: Spec = {"weight": weight} | words
        if look:
            made["look"] = spec["look"] | look
        moments = {name: value for name, value in _triggers(typed, at).items() if name in MOMENTS}
        if moments:
            rest = {name: value for name, value in spec["triggers"].items() if name not in MOMENTS}
            made["triggers"] = rest | moments
        found.append(made)
    return found


def _text(typed: Typed, name: str) -> str:
    value = typed.get(name, "")
    return value.replace("\x00", "").strip()[:LONGEST] if isinstance(value, str) else ""
