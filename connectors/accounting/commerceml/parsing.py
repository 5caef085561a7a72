"""libxml2 fed piece by piece, hardened and bounded: what belongs to no object must not grow too large."""

from collections.abc import Iterable, Sequence

from lxml import etree

from connectors.accounting.commerceml.fragments import Element
from foundation.errors import BadInput

_MOST_BYTES = 16 << 20  # of one object, or of what we don't know
_MOST_MARKS = 800_000  # "<" in it: elements are what costs memory
_LINES = 1 << 20  # in one comment


class Parsing:
    """One file on its way through the parser. `trouble` is why no more of it can be read."""

    def __init__(self, tags: Sequence[str]) -> None:
        self._parser = etree.XMLPullParser(
            events=("end",), tag=tags, resolve_entities=False, no_network=True, load_dtd=False,
            huge_tree=False, collect_ids=False, remove_blank_text=True, remove_comments=True, remove_pis=True,
        )  # fmt: skip
        self.trouble: BadInput | None = None
        self.root: Element = None
        self._passed = 0  # lines that the parser has not been shown
        self._size = self._marks = 0

    def feed(self, text: bytes) -> Iterable[tuple[str, Element]]:
        """Show it more; answers what has ended."""
        try:
            if self._passed:
                self._count_passed()
            self._parser.feed(text)
        except etree.XMLSyntaxError as error:
            self.trouble = _broken(error.msg, error.lineno)
        return self._parser.read_events()

    def skip(self, text: bytes) -> None:
        """Leave out some of the file; lines go on being counted as if it had been there."""
        self._passed += text.count(b"\n")

    def _count_passed(self) -> None:
        while self._passed > 0:
            lines, self._passed = min(self._passed, _LINES), max(0, self._passed - _LINES)
            self._parser.feed(b"<!--%b-->" % (b"\n" * lines))

    def check(self, text: bytes, useful: bool, place: str) -> bool:
        """Whether to go on after a text that ended an object, or none."""
        if useful:
            self._size = self._marks = 0
        else:
            self._size += len(text)
            self._marks += text.count(b"<")
            self.trouble = self.trouble or self._fatal()  # after some errors it only goes silent
        if self._size > _MOST_BYTES or self._marks > _MOST_MARKS:
            self.trouble = self.trouble or BadInput("what stands here is too large for one object", place)
        return self.trouble is None

    def finish(self) -> Iterable[tuple[str, Element]]:
        """The end of the file; answers what ended with it."""
        try:
            self._count_passed()
            self.root = self._parser.close()
        except etree.XMLSyntaxError as error:
            # prefixes nobody declared are logged as well, and stop nothing
            self.trouble = self._fatal()
            if self.trouble is None and not len(self._parser.feed_error_log):
                self.trouble = _broken(error.msg, error.lineno)
        return self._parser.read_events()

    def _fatal(self) -> BadInput | None:
        for entry in self._parser.feed_error_log:
            if entry.level == etree.ErrorLevels.FATAL:
                return _broken(entry.message, entry.line)
        return None


def _broken(message: str | None, line: int | None) -> BadInput:
    why = message or "it ends too early"
    return BadInput(f"the file breaks off or is no sound XML: {why}", f"line {line or 1}")
