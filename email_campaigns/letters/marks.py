"""Marks inside a text: `**bold**`, `*slanted*`, `[words](address)`, blank lines between paragraphs, lists.

Placeholders are hidden behind words of our own first, so that neither marks nor MJML can touch them.
"""

import re
from collections.abc import Callable, Iterable
from hashlib import sha256

from markupsafe import escape

from email_campaigns.letters import grammar
from email_campaigns.letters.grammar import BadTemplate
from foundation.text import _

_LINK = re.compile(r"\[([^\[\]]+)\]\(([^()\s]+)\)")
_STRONG = re.compile(r"\*\*(?=\S)([^*]+?)(?<=\S)\*\*")
_SLANTED = re.compile(r"(?<![*\w])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![*\w])")
_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")
_BULLET = re.compile(r"[-•] +")


class Hidden:
    """Placeholders of one letter and the words that stand for them meanwhile."""

    def __init__(self, sources: Iterable[str]) -> None:
        whole, salt = "\0".join(sources), 0
        self.prefix = ""
        while not self.prefix or self.prefix in whole:
            self.prefix = "kq" + sha256(f"{salt}{whole}".encode("utf-8", "replace")).hexdigest()[:10]
            salt += 1
        self.kept: list[str] = []
        self.any = re.compile(rf"{self.prefix}([es])(\d+)z")

    def hide(self, source: str) -> str:
        """The text with a word in place of each placeholder; comments are left out."""
        return "".join(
            one.text if one.kind == "data" else self.own(one.text) if one.kind != "comment" else ""
            for one in grammar.pieces(source)
        )

    def own(self, placeholder: str) -> str:
        """The word for a placeholder."""
        self.kept.append(placeholder)
        kind = "e" if placeholder.startswith("{{") else "s"
        return f"{self.prefix}{kind}{len(self.kept) - 1}z"

    def show(self, text: str) -> str:
        """The text with its placeholders back."""
        return self.any.sub(lambda found: self.kept[int(found[2])], text)

    def in_it(self, text: str) -> list[str]:
        """The placeholders hidden in a text."""
        return [self.kept[int(found[2])] for found in self.any.finditer(text)]


def to_html(text: str, address: Callable[[str], str]) -> str:
    """A text with hidden placeholders as HTML. `address` answers a link's address or refuses it."""
    return "".join(_block(one, address) for one in _PARAGRAPHS.split(_lines(text)) if one.strip())


def inline(text: str, address: Callable[[str], str]) -> str:
    """The same of one line: no paragraphs."""
    return _inline(_lines(text).replace("\n", " "), address)


def to_text(text: str) -> str:
    """A text with hidden placeholders without its marks; links stand behind their words."""
    text = _LINK.sub(lambda found: f"{found[1]}: {found[2]}", _lines(text))
    return _SLANTED.sub(r"\1", _STRONG.sub(r"\1", text)).strip()


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")


def _block(text: str, address: Callable[[str], str]) -> str:
    lines = text.strip("\n").split("\n")
    if all(_BULLET.match(line) for line in lines):
        items = "".join(f"<li>{_inline(_BULLET.sub('', line, 1), address)}</li>" for line in lines)
        return f'<ul style="margin:0 0 12px;padding-left:22px">{items}</ul>'
    return f'<p style="margin:0 0 12px">{"<br />".join(_inline(line, address) for line in lines)}</p>'


def _inline(text: str, address: Callable[[str], str]) -> str:
    said, at = "", 0
    for found in _LINK.finditer(text):
        said += _styled(text[at : found.start()])
        said += f'<a href="{escape(address(found[2]))}" class="k-link">{_styled(found[1])}</a>'
        at = found.end()
    return said + _styled(text[at:])


def _styled(text: str) -> str:
    return _SLANTED.sub(r"<i>\1</i>", _STRONG.sub(r"<b>\1</b>", str(escape(text))))


def checked(source: str) -> str:
    """The source, when it is a text that letters can hold. BadTemplate says why not."""
    if "\0" in source:
        raise BadTemplate(_("this text holds a character that can't be stored."))
    grammar.read(source)
    return source
