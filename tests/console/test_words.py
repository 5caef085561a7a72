"""Every text goes through gettext, and reads as this house writes."""

import gettext
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from connectors import registry
from foundation import text
from tests.console.conftest import Browser

TEMPLATES = Path(__file__).parents[2] / "console" / "templates"
NAMES = {"Kartoteka", "Olga Owner", "olga@example.org", "owner", "UTC", "127.0.0.1",
         "kartoteka user link"}  # fmt: skip


class Marking(gettext.NullTranslations):
    """A translation that shows what went through it."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


class Texts(HTMLParser):
    """What a person can read on a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tag = tag
        names = ("placeholder", "aria-label", "title", "alt") if tag != "time" else ()
        self.found += [value for name, value in attrs if name in names and value]

    def handle_data(self, data: str) -> None:
        if self.tag != "time":  # Babel's words
            self.found.append(data)

    def handle_endtag(self, tag: str) -> None:
        self.tag = ""


@pytest.mark.parametrize(
    "path",
    ["/", "/customers", "/customers?q=zzz", "/duplicates", "/connections", "/connections/new", "/problems",
     "/operations", "/settings", "/settings/tokens", "/settings/policy", "/imports/new", "/sign-in",
     "/set-up/x", "/sign-in/link/x", "/nowhere", "/journeys", "/journeys/new", "/tasks"],
)  # fmt: skip
def test_every_text_can_be_translated(browser: Browser, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    if path in ("/sign-in", "/set-up/x", "/sign-in/link/x"):
        browser.submit("/sign-out")
    monkeypatch.setattr(text, "_translations", lambda tag: Marking())
    reading = Texts()
    reading.feed(browser.get(path).text)
    rest = re.sub(r"⟦.*?⟧", "", "\n".join(reading.found), flags=re.DOTALL)
    titles = {cls.title for cls in registry.all_connectors().values()}
    for name in sorted(NAMES | titles, key=len, reverse=True):
        rest = rest.replace(name, "")
    rest = re.sub(r"\b[0-9a-f]{12}\b|testclient|zzz", "", rest)
    assert not re.findall(r"[A-Za-z]{3,}", rest), re.findall(r".*[A-Za-z]{3,}.*", rest)


def test_texts_keep_the_tone() -> None:
    for template in TEMPLATES.glob("*.html"):
        source = template.read_text("utf-8")
        for message in re.findall(r'_\("((?:[^"\\]|\\.)*)"', source):
            assert "!" not in message and "successful" not in message.lower(), (template.name, message)


def test_templates_mark_nothing_as_safe() -> None:
    for template in TEMPLATES.glob("*.html"):
        source = template.read_text("utf-8")
        assert "|safe" not in source.replace(" ", "") and "autoescape" not in source, template.name
        inline = r"\sstyle=|\son[a-z]+=|<style|<script(?! type=\"module\" src=)"
        assert not re.search(inline, source), template.name
