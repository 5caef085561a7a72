"""What every block is drawn with: hidden placeholders, checked addresses, and the mistakes found."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from markupsafe import escape

from email_campaigns.letters import grammar, marks, words
from email_campaigns.letters.filters import SCHEMES
from email_campaigns.letters.grammar import BadTemplate
from email_campaigns.letters.marks import Hidden
from email_campaigns.letters.spec import Block, Look
from foundation.text import _

_EACH = re.compile(r"([A-Za-z][A-Za-z0-9_]*) +in +(.+)", re.S)
_HOST = re.compile(r"[^\s/@:]+|\[[0-9a-fA-F:]+\]")


def value(expression: str) -> str:
    """A placeholder that shows an expression."""
    return "{{ " + expression + " }}"


def only(condition: str, inside: str) -> str:
    """A text that stands under a condition."""
    return "{% if " + condition + " %}" + inside + "{% endif %}"


def each(name: str, over: str, inside: str) -> str:
    """A text that stands once for each of a list."""
    return "{% for " + name + " in " + over + " %}" + inside + "{% endfor %}"


class Drawing:
    """One letter being drawn, in HTML (by MJML) or in plain text."""

    def __init__(self, hidden: Hidden, language: str, look: Look) -> None:
        self.hidden, self.words, self.look = hidden, words.of(language), look
        self.errors: dict[str, str] = {}
        self.path = ""

    @contextmanager
    def at(self, path: str) -> Iterator[None]:
        """Mistakes inside the block are at this place."""
        before, self.path = self.path, path
        try:
            yield
        finally:
            self.path = before

    def wrong(self, field: str, message: str) -> None:
        """Keep a mistake, once for each place."""
        self.errors.setdefault(f"{self.path}/{field}".strip("/"), message)

    def hide(self, field: str, source: str) -> str:
        """A text with its placeholders hidden; empty when it can't be read."""
        try:
            return self.hidden.hide(marks.checked(source))
        except BadTemplate as error:
            self.wrong(field, error.message)
            return ""

    def needed(self, field: str, source: str) -> str:
        """The same of a text that must be there."""
        if not source.strip():
            self.wrong(field, _("This is empty."))
        return self.hide(field, source)

    def line(self, field: str, source: str) -> str:
        """A line as HTML with its marks."""
        return marks.inline(self.hide(field, source), lambda url: self.checked(field, url))

    def attribute(self, field: str, source: str) -> str:
        """A line for an attribute: no marks."""
        return str(escape(" ".join(self.hide(field, source).split())))

    def url(self, field: str, source: str, picture: bool = False) -> str:
        """An address for an attribute; a picture's is on the web."""
        if not source.strip():
            self.wrong(field, _("An address is missing."))
            return ""
        found = self.checked(field, self.hide(field, source.strip()))
        if picture and found.lower().startswith("mailto:"):
            self.wrong(field, _("A picture's address begins with https:// or http://"))
        return str(escape(found))

    def checked(self, field: str, url: str) -> str:
        """An address with hidden placeholders; a mistake when nothing can be linked to it."""
        if message := wrong_address(url, self.hidden):
            self.wrong(field, message)
        return url

    def condition(self, block: Block) -> tuple[list[str], list[str]]:
        """The placeholders before and behind a block that stands under a condition or for each of a list."""
        before, behind = list[str](), list[str]()
        with self._reading("when"):
            if block.when.strip():
                grammar.expression(block.when)
                before.append("{% if " + block.when.strip() + " %}")
                behind.insert(0, "{% endif %}")
        with self._reading("each"):
            if block.each.strip():
                found = _EACH.fullmatch(block.each.strip())
                if not found:
                    raise BadTemplate(_("a loop is written as “line in order.lines”."))
                grammar.expression(found[2])
                grammar.read(each(found[1], "[]", ""))
                before.append("{% for " + found[1] + " in " + found[2] + " %}")
                behind.insert(0, "{% endfor %}")
        return before, behind

    @contextmanager
    def _reading(self, field: str) -> Iterator[None]:
        try:
            yield
        except BadTemplate as error:
            self.wrong(field, error.message)


def wrong_address(url: str, hidden: Hidden | None = None) -> str:
    """What is wrong with an address of a letter; empty when nothing is."""
    said = hidden.any.sub("x", url) if hidden else url
    if hidden and url.startswith(hidden.prefix):
        return ""  # known when the letter is made; refused then if it leads nowhere
    if re.search(r"[\s\x00-\x1f\x7f<>\"\\]", said):
        return _("“%s” has a character that no address has.") % said[:100]
    try:
        parts = urlsplit(said)
        known = parts.scheme.lower() in SCHEMES and (parts.port is None or parts.port > 0)
    except ValueError:
        return _("“%s” is no address.") % said[:100]
    if not known:
        return _("“%s” must begin with https://, http:// or mailto:") % said[:100]
    if parts.scheme.lower() == "mailto":
        return "" if "@" in parts.path else _("“%s” is no mail address.") % said[:100]
    if not parts.hostname or not _HOST.fullmatch(parts.hostname) or "@" in parts.netloc:
        return _("“%s” names no host.") % said[:100]
    if hidden and hidden.any.search(url.partition("//")[2].partition("/")[0]):
        return _("A variable can't stand in the host of “%s”.") % hidden.show(url)[:100]
    return ""
