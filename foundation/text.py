"""Texts that people see, in their language: `_("Customers")`; English where there is no translation."""

import gettext
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

LOCALES = Path(__file__).parent / "locale"
DOMAIN = "kartoteka"

_language: ContextVar[str] = ContextVar("language", default="en")


@contextmanager
def language(tag: str) -> Iterator[None]:
    """Speak a language (en, ru, tr, kk, ko …) inside the block, in this thread or task."""
    token = _language.set(tag)
    try:
        yield
    finally:
        _language.reset(token)


def _(message: str) -> str:
    """The message in the language being spoken; a plain function, so `{name}` is filled in afterwards."""
    return _translations(_language.get()).gettext(message)


def ngettext(one: str, many: str, count: int) -> str:
    """The form of the message that fits a count in the language being spoken."""
    return _translations(_language.get()).ngettext(one, many, count)


@cache
def _translations(tag: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALES, languages=[tag], fallback=True)
