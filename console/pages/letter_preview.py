"""The preview of a letter: a page of its own in a frame that runs nothing, as one customer would get it.

Letters carry their styles inside, so this one answer allows styles in its text; it allows no script,
no form, and
pictures only from addresses that the letter's author wrote or that are the shops' own.
"""

import re
from typing import Any
from uuid import UUID

from markupsafe import escape
from sqlalchemy import text
from starlette.responses import Response

from console.pages import letter_input, letter_people
from console.pages.letters import find, language_of
from console.static_files import address
from console.templating import render as page
from console.web import Call
from email_campaigns.letters import render, store
from email_campaigns.letters.render import Rendered, Unrendered, Version
from email_campaigns.letters.spec import BadLetter
from foundation.text import _

POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src {images}; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'self'; sandbox"
)
_DARK = re.compile(r"@media\s*\(\s*prefers-color-scheme\s*:\s*dark\s*\)", re.I)
_HOST = re.compile(r"\b(?:src|background)=[\"'](https?://[A-Za-z0-9.-]+(?::\d{1,5})?)(?=[/?#\"'])", re.I)
_SRC = re.compile(r"\bsrc=[\"'][^\"']*[\"']", re.I)
_STILL = "<style>a { pointer-events: none; }</style></head>"  # a link would leave the frame for nowhere


def show(call: Call) -> Response:
    """A saved version."""
    letter = find(call)
    number = call.query("version", 6)
    row = (
        store.numbered(call.db, letter.id, int(number))
        if _is_number(number)
        else store.newest(call.db, letter.id)
    )
    if row is None:
        return _problems([_("There is nothing to show yet.")])
    return _shown(
        call, store.version(call.db, row.id), call.query("language", 20), call.query("as"), call.query("look")
    )


def typed(call: Call) -> Response:
    """What is typed in the editor; nothing is saved."""
    letter = find(call)
    language = language_of(call, letter)
    row = store.newest(call.db, letter.id)
    own = store.written(row.texts[language])["text"] if row and language in row.texts else ""
    try:
        version = store.draft(language, {language: letter_input.read(call.form, own)})
    except BadLetter as error:
        return _problems(list(error.errors.values()))
    return _shown(call, version, language, call.text("as"), call.text("look"))


def _shown(call: Call, version: Version, language: str, who: str, look: str) -> Response:
    try:
        chosen = UUID(who) if who else None
        context = letter_people.context(call.db, version, chosen)
        letter = render.render(version, language or version.language, context)
    except ValueError:
        return _problems([_("There is no such customer.")])
    except Unrendered as error:
        return _problems([_("This customer would get no letter."), str(error)])
    if look == "text":
        return _answer(_plain(letter), "'none'")
    html = _DARK.sub("@media all" if look == "dark" else "@media not all", letter.html)
    hosts = _hosts(call, version)
    return _answer(_pictures(html, hosts).replace("</head>", _STILL, 1), " ".join(["'self'", *hosts]))


def _plain(letter: Rendered) -> str:
    said = f"{_('Subject')}: {letter.subject}\n\n{letter.text}"
    style = "font:14px/1.5 ui-monospace,monospace;white-space:pre-wrap;padding:16px;overflow-wrap:anywhere"
    return (
        f'<!doctype html><html lang="{letter.language}"><meta charset="utf-8">'
        f'<title>{escape(letter.subject)}</title><body style="{style}">{escape(said)}'
    )


def _problems(messages: list[str]) -> Response:
    return _answer(page("letter_refused.html", {"messages": messages}), "'none'")


def _answer(html: str, images: str) -> Response:
    policy = POLICY.format(images=images)
    return Response(html, headers={"content-security-policy": policy}, media_type="text/html; charset=utf-8")


def _hosts(call: Call, version: Version) -> list[str]:
    """Where pictures may come from: addresses written in the letter, and the company's own sites."""
    own: Any = call.db.execute(
        text("SELECT domain FROM sites UNION SELECT unnest(origins) FROM sites")
    ).scalars()
    hosts = {f"https://{domain}" for domain in own}
    for language in version.languages:
        hosts |= {found.lower() for found in _HOST.findall(version.source(language).html)}
    return sorted(hosts)[:50]


def _pictures(html: str, hosts: list[str]) -> str:
    """The letter with a picture of ours in place of those from elsewhere."""
    ours = f'src="{address("picture.svg")}"'

    def replaced(found: re.Match[str]) -> str:
        host = _HOST.match(found[0])
        return found[0] if host and host[1].lower() in hosts else ours

    return _SRC.sub(replaced, html)


def _is_number(said: str) -> bool:
    return said.isascii() and said.isdigit()
