"""Texts that people see, in their language: `_("Customers")`; English where there is no translation.

The catalogues are the .po files below `locale`, each read when its language is first spoken.
"""

import gettext
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from io import BytesIO
from pathlib import Path

LOCALES = Path(__file__).parent / "locale"
DOMAIN = "kartoteka"
LANGUAGES = ("en", *sorted(path.parts[-3] for path in LOCALES.glob(f"*/LC_MESSAGES/{DOMAIN}.po")))
_LONGEST = 1_000  # characters of Accept-Language; browsers send fewer than a hundred
_RANGE = re.compile(
    r"\s*([a-z]{1,8}(?:-[a-z0-9]{1,8})*)\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?)\s*)?", re.I | re.A
)

_language: ContextVar[str] = ContextVar("language", default="en")


@contextmanager
def language(tag: str) -> Iterator[None]:
    """Speak a language (ru, kk, ko-KR …) inside the block, in this thread or task; English for others."""
    token = _language.set(nearest(tag) or "en")
    try:
        yield
    finally:
        _language.reset(token)


def spoken() -> str:
    """The language being spoken: one of `LANGUAGES`."""
    return _language.get()


def nearest(tag: str) -> str:
    """The one of `LANGUAGES` that serves a tag such as ru-KZ or tr_TR; empty when none does."""
    first = tag[:35].replace("_", "-").partition("-")[0].lower()
    return first if first in LANGUAGES else ""


def accepted(header: str) -> str:
    """The one of `LANGUAGES` that an Accept-Language header likes best; empty when it names none."""
    ranges = filter(None, map(_RANGE.fullmatch, header[:_LONGEST].split(",")))
    liked = [(float(one[2] or 1), known) for one in ranges if (known := nearest(one[1]))]
    return max((one for one in liked if one[0]), key=lambda one: one[0], default=(0.0, ""))[1]


def _(message: str) -> str:
    """The message in the language being spoken; a plain function, so `{name}` is filled in afterwards."""
    return _translations(_language.get()).gettext(message) if message else ""  # gettext has its header there


def ngettext(one: str, many: str, count: int) -> str:
    """The form of the message that fits a count in the language being spoken."""
    return _translations(_language.get()).ngettext(one, many, count)


def catalogue(tag: str) -> Path:
    """Where a language's translations are."""
    return LOCALES / tag / "LC_MESSAGES" / f"{DOMAIN}.po"


@cache
def _translations(tag: str) -> gettext.NullTranslations:
    if tag == "en":
        return gettext.NullTranslations()
    # at the first text in another language: no process needs Babel's catalogues to start
    pofile, mofile = import_module("babel.messages.pofile"), import_module("babel.messages.mofile")
    compiled = BytesIO()
    with catalogue(tag).open("rb") as file:
        mofile.write_mo(compiled, pofile.read_po(file, tag))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
