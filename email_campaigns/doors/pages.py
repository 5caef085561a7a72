"""The public pages of letters: no cookies, no scripts, no style but ours, told to nobody by a referrer."""

from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from foundation.text import LANGUAGES, _, ngettext, spoken

STYLE = Path(__file__).with_name("static") / "letters.css"
_PRIVATE = {"referrer-policy": "no-referrer", "x-robots-tag": "noindex, nofollow, noarchive",
            "cache-control": "no-store", "x-content-type-options": "nosniff",
            "cross-origin-opener-policy": "same-origin"}  # fmt: skip
_PAGE = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
# a letter is a stranger's document: its pictures and its styles, no script, no form, an origin of its own
_LETTER = (
    "default-src 'none'; style-src 'unsafe-inline' https:; img-src http: https: data:; font-src https: data:;"
    " form-action 'none'; base-uri 'none'; frame-ancestors 'none';"
    " sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
)


def private(policy: str = _PAGE) -> dict[str, str]:
    """The headers of an answer about one person's letter."""
    return {**_PRIVATE, "content-security-policy": policy}


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("email_campaigns.doors"), autoescape=True, undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"], trim_blocks=True, lstrip_blocks=True, auto_reload=False,
    )  # fmt: skip
    made.install_gettext_callables(_, ngettext, newstyle=True)  # type: ignore[attr-defined]
    return made


@cache
def _names() -> dict[str, str]:
    """What languages call themselves."""
    names = {tag: Locale(tag).get_language_name(tag) or tag for tag in LANGUAGES}
    return {tag: name[:1].upper() + name[1:] for tag, name in names.items()}


def page(template: str, status: int = 200, **shown: Any) -> Response:
    """One of our own pages in the language being spoken."""
    text = _environment().get_template(template).render(tag=spoken(), languages=_names(), **shown)
    return HTMLResponse(text, status, private())


def nothing() -> Response:
    """The one answer to every link that we don't know, whatever is wrong with it."""
    return page("nothing.html", 404)


def letter(html: str) -> Response:
    """A letter as a page."""
    return HTMLResponse(html, 200, private(_LETTER))


def style() -> Response:
    """The style of our pages."""
    headers = {"cache-control": "public, max-age=3600", "x-content-type-options": "nosniff"}
    return Response(STYLE.read_bytes(), headers=headers, media_type="text/css; charset=utf-8")
