"""What kinds, states and choices of forms are called in the console."""

from foundation.text import _
from web_capture.forms import spec as form_spec

Words = list[tuple[str, str]]


def kinds() -> dict[str, str]:
    """What the kinds are called."""
    return {
        "popup": _("Pop-up"),
        "slide": _("Slide-in"),
        "bar": _("Bar"),
        "embedded": _("Embedded form"),
    }


def states() -> dict[str, str]:
    """What the states are called."""
    return {"draft": _("draft"), "live": _("live"), "paused": _("paused"), "ended": _("ended")}


def choices(kind: str) -> dict[str, Words]:
    """The lists one picks from in the builder, with their words."""
    return {
        "position": [(one, _positions()[one]) for one in form_spec.POSITIONS[kind]],
        "theme": [("light", _("light")), ("dark", _("dark")), ("auto", _("as the visitor's system"))],
        "language": languages(),
        "type": _types(),
        "coupon": _coupons(),
        "frequency": _frequencies(),
        "device": [("", _("all")), ("phone", _("phones")), ("desktop", _("desktops"))],
        "visitor": [("", _("all")), ("new", _("new")), ("returning", _("returning"))],
    }


def languages() -> Words:
    """What the languages of forms call themselves."""
    return [(one, _LANGUAGES[one]) for one in form_spec.LANGUAGES]


_LANGUAGES = {"en": "English", "ru": "Русский", "tr": "Türkçe", "kk": "Қазақша", "ko": "한국어"}


def _positions() -> dict[str, str]:
    return {
        "": _("in its place"),
        "center": _("in the middle"),
        "top": _("at the top"),
        "bottom": _("at the bottom"),
        "right": _("at the right"),
        "left": _("at the left"),
    }


def _types() -> Words:
    return [
        ("email", _("E-mail")),
        ("phone", _("Phone")),
        ("name", _("Name")),
        ("firstName", _("First name")),
        ("lastName", _("Last name")),
        ("birthday", _("Birthday")),
        ("text", _("Text")),
        ("choice", _("Choice")),
    ]


def _coupons() -> Words:
    return [
        ("none", _("none")),
        ("fixed", _("one code for all")),
        ("list", _("a code each, from a list")),
    ]


def _frequencies() -> Words:
    return [
        ("until", _("until it is closed or filled in")),
        ("submitted", _("on each page until it is filled in")),
        ("once", _("once")),
        ("days", _("once in some days")),
    ]
