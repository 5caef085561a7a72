"""Brings the catalogues of `foundation/locale` up to date with the texts that a shop's customers see.

`make texts` keeps what is translated, adds what is new with nothing beside it and takes out what is gone;
`python -m kartoteka.translations de` begins a language. A test says what is still to be done.
"""

import ast
import sys
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from foundation.text import LANGUAGES, catalogue

ROOT = Path(__file__).parents[1]
# behind a colon the one function of a file whose other texts only staff see
SHOWN = (
    "console/exchange.py",
    "customers/settlements/words.py",
    "email_campaigns/answers.py:_repeated",
    "email_campaigns/doors/*.py", "email_campaigns/doors/templates/*.html",
    "sync/directories/charging.py",
    "sync/exchange/queueing.py", "sync/exchange/sessions.py", "sync/exchange/spool.py",
    "sync/exchange/steps.py",
    "web_capture/forms/checks.py", "web_capture/forms/routes.py", "web_capture/forms/script.py",
    "web_capture/forms/store.py:_start",
)  # fmt: skip
_KEYWORDS = {"_": None, "ngettext": (1, 2)}
_TEMPLATES = {"extensions": "jinja2.ext.i18n", "newstyle_gettext": "true", "silent": "false"}
_SINCE = datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC"))  # Babel writes a date; one that never changes


def template() -> Catalog:
    """Every text that customers see, untranslated."""
    found = Catalog(creation_date=_SINCE, fuzzy=False)
    for name, source in _sources():
        way, options = ("jinja2.ext:babel_extract", _TEMPLATES) if name.endswith(".html") else ("python", {})
        for line, message, comments, _context in extract(way, BytesIO(source), _KEYWORDS, (), options):
            found.add(message, None, [(name, line)], auto_comments=comments)
    return found


def _sources() -> Iterator[tuple[str, bytes]]:
    for shown in SHOWN:
        pattern, _colon, function = shown.partition(":")
        for path in sorted(ROOT.glob(pattern)):
            source = path.read_text("utf-8")
            yield (
                path.relative_to(ROOT).as_posix(),
                (_only(source, function) if function else source).encode(),
            )


def _only(source: str, function: str) -> str:
    node = next(one for one in ast.parse(source).body if getattr(one, "name", "") == function)
    return ast.get_source_segment(source, node) or ""


def current(language: str) -> Catalog:
    """A language's catalogue as it is, with the texts of today."""
    header = "# What a shop's customers see. docs/translating.md says how to change it or add a language."
    found = Catalog(language, header_comment=header, project="Kartoteka", version="0.1", creation_date=_SINCE,
                    revision_date=_SINCE, last_translator="Kartoteka", language_team=language, fuzzy=False,
                    msgid_bugs_address="-", copyright_holder="Kartoteka")  # fmt: skip
    if (path := catalogue(language)).exists():
        for message in read_po(BytesIO(path.read_bytes()), language):
            if message.id:
                found[message.id] = message
    found.update(template(), no_fuzzy_matching=True, update_creation_date=False)
    return found


def written(language: str) -> str:
    """The file of a catalogue."""
    file = BytesIO()
    write_po(
        file, current(language), width=110, sort_by_file=True, ignore_obsolete=True, include_lineno=False
    )
    return file.getvalue().decode()


if __name__ == "__main__":
    for tag in sys.argv[1:] or LANGUAGES[1:]:
        catalogue(tag).parent.mkdir(parents=True, exist_ok=True)
        catalogue(tag).write_text(written(tag), encoding="utf-8")
        sys.stdout.write(f"{catalogue(tag).relative_to(ROOT)}\n")
