"""Jinja2 for the console: always escaping, strict about missing names, speaking the reader's language."""

import contextlib
import json
import re
from functools import cache
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from console import format as formatting
from console import static_files
from foundation.text import _, ngettext


def link(path: str, /, **query: object) -> str:
    """A path with a query string; empty values are left out."""
    pairs = [(key, value) for key, value in query.items() if value not in (None, "", [])]
    return f"{path}?{urlencode(pairs, doseq=True)}" if pairs else path


def pretty(payload: str | None) -> str:
    """JSON set out in lines; anything else as it came, at most 20,000 characters."""
    text = payload or ""
    with contextlib.suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    return text if len(text) <= 20_000 else text[:20_000] + "\n…"


def breakable(value: str) -> Markup:
    """Text that may break behind "@" where it is too long for its place."""
    return Markup("<wbr>").join(re.split("(?<=@)", value))


def outline(value: object) -> str:
    """Nested data set out in lines, at most 20,000 characters."""
    return pretty(json.dumps(value, ensure_ascii=False, default=str))


def icon(name: str) -> Markup:
    """One of our line icons, as a reference into the sprite; decoration only."""
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>').format(
        static_files.address("icons.svg"), name
    )


@cache
def environment() -> Environment:
    """The one environment; templates are compiled once per process."""
    made = Environment(
        loader=PackageLoader("console"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.install_gettext_callables(_, ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.globals.update(asset=static_files.address, link=link, icon=icon)
    made.filters.update(pretty=pretty, breakable=breakable, outline=outline, initials=formatting.initials)
    return made


def render(name: str, context: dict[str, Any]) -> str:
    """The text of a template with this context."""
    return environment().get_template(name).render(context)
