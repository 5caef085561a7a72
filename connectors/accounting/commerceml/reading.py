"""Reads CommerceML of any version as a stream: bytes in, parts of objects out, memory bounded at any size.

Only the elements that carry objects reach Python; each is written out as text and cleared. What no such
element holds is bounded too: too much of it in a row is refused.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from lxml import etree

from connectors.accounting.commerceml import classifier, splitting
from connectors.accounting.commerceml.fragments import (
    Element,
    drop,
    identifier,
    is_gone,
    local,
    said,
    written,
)
from connectors.accounting.commerceml.opening import PACKAGES, text_of
from connectors.accounting.commerceml.parts import Head, Names, Piece
from connectors.accounting.commerceml.values import flag
from connectors.base import Bad
from foundation.errors import BadInput

_TOLD = "СодержитТолькоИзменения"
_INSIDE = frozenset({"Документ", "Контейнер", "ПодчиненныйДокумент", "Контрагент", "Товар", "Предложение"})
_MOST_BYTES = 16 << 20  # of one object, or of what we don't know
_MOST_MARKS = 800_000  # "<" in it: elements are what costs memory
_SHOWN = 2000  # characters of a bad element
_LONGEST_ID = 200

Found = Sequence[Piece | Bad]


def read(file: BinaryIO, names: Names) -> Iterator[Piece | Bad | Head]:
    """The parts of every object of a file, what can't be used, and at last the Head.

    What classifiers say goes into `names`. A file that breaks off yields what came before and its Head, then
    raises BadInput with the line.
    """
    reading = _Reading(names)
    parser = etree.XMLPullParser(
        events=("end",), tag=reading.tags(), resolve_entities=False, no_network=True,
        load_dtd=False, huge_tree=False, collect_ids=False, remove_blank_text=True, remove_comments=True,
        remove_pis=True,
    )  # fmt: skip
    trouble: BadInput | None = None
    size = marks = 0
    for chunk in text_of(file):
        trouble = _feed(parser, chunk)
        done = reading.done
        for _, element in parser.read_events():
            yield from reading.take(element)
        if reading.done > done:
            size = marks = 0
        else:
            size += len(chunk)
            marks += chunk.count(b"<")
        if size > _MOST_BYTES or marks > _MOST_MARKS:
            trouble = trouble or BadInput("what stands here is too large for one object", reading.place)
        if trouble:
            break
    else:
        trouble = _finish(parser, reading)
        for _, element in parser.read_events():
            yield from reading.take(element)
    yield reading.head()
    if trouble:
        raise trouble


def _feed(parser: "etree.XMLPullParser", chunk: bytes) -> BadInput | None:
    try:
        parser.feed(chunk)
    except etree.XMLSyntaxError as error:
        return _broken(error.msg, error.lineno)
    return _fatal(parser)  # after some errors it only goes silent


def _finish(parser: "etree.XMLPullParser", reading: "_Reading") -> BadInput | None:
    try:
        reading.root = parser.close()
    except etree.XMLSyntaxError as error:
        # prefixes nobody declared are logged as well, and stop nothing
        return _fatal(parser) or (None if len(parser.feed_error_log) else _broken(error.msg, error.lineno))
    return None


def _fatal(parser: "etree.XMLPullParser") -> BadInput | None:
    for entry in parser.feed_error_log:
        if entry.level == etree.ErrorLevels.FATAL:
            return _broken(entry.message, entry.line)
    return None


def _broken(message: str | None, line: int | None) -> BadInput:
    why = message or "it ends too early"
    return BadInput(f"the file breaks off or is no sound XML: {why}", f"line {line or 1}")


class _Reading:
    """What is known so far of one file, and what each kind of element means."""

    def __init__(self, names: Names) -> None:
        self.done = 0
        self.place = "line 1"
        self._names = names
        self._home: Element = None  # the parent of the objects now being read
        self._last: Element = None  # the object before
        self.root: Element = None
        self._only_changes: list[bool | None] = []
        self._kinds: dict[str, None] = {}
        self._counts = {"goods": 0, "offers": 0, "counterparties": 0, "documents": 0}
        self._by_tag: dict[str, Callable[[Element], Found]] = {}
        self._by_name: dict[str, Callable[[Element], Found]] = {
            "Товар": self._good,
            "Предложение": self._offer,
            "Контрагент": self._party,
            "Документ": self._document,
            "Контейнер": self._container,
            **dict.fromkeys(classifier.SINGLE, self._learn),
        }

    def tags(self) -> tuple[str, ...]:
        """The elements that are to be shown: each more costs a little for every element of the file."""
        return tuple(f"{{*}}{name}" for name in self._by_name)

    def take(self, element: Element) -> Found:
        """What a finished element means."""
        tag = element.tag
        act = self._by_tag.get(tag)
        if act is None:
            act = self._by_tag[tag] = self._by_name[local(element)]
        return act(element)

    def head(self) -> Head:
        """What the file said of itself, asked at its end."""
        root = self.root
        for one in [] if root is None else [root] if local(root) in PACKAGES else root:
            self._leave(one)
        told = [one for one in self._only_changes if one is not None]
        return Head(
            version=said(root, "ВерсияСхемы") if root is not None else "",
            formed_at=said(root, "ДатаФормирования") if root is not None else "",
            only_changes=None if not told else any(told),
            kinds=tuple(self._kinds),
            counts=self._counts,
        )

    def _is_mine(self, element: Element) -> bool:
        """Whether an object stands by itself; those inside a document, a party or a line are theirs."""
        home = element.getparent()
        if home is self._home:
            return True
        above = home
        while above is not None:
            if local(above) in _INSIDE:
                return False
            self.root, above = above, above.getparent()
        self._home = home
        while home is not None:
            self._leave_before(home)
            home = home.getparent()
        return True

    def _leave_before(self, element: Element) -> None:
        """Take what stands before an element and will be asked for by nobody else, and give it back."""
        for one in element.itersiblings(preceding=True):
            self._leave(one)
        while element.getprevious() is not None:
            del element.getparent()[0]

    def _leave(self, element: Element) -> None:
        name = local(element)
        if name in classifier.LISTS:
            classifier.LISTS[name](element, self._names)
        elif name == _TOLD:
            self._only_changes.append(flag(element.text or ""))
        elif name in PACKAGES:
            self._kinds[name] = None
            self._only_changes.append(flag(element.get(_TOLD) or ""))
            for child in element:
                self._leave(child)

    def _done(self, element: Element) -> None:
        """Give an object's memory back, and that of the one before it.

        The element itself stays, empty, until the next: the parser may still be adding text behind it.
        """
        before = element.getprevious()
        element.clear()
        if before is self._last and before is not None:
            self._home.remove(before)
        elif before is not None:
            self._leave_before(element)
        self._last = element
        self.done += 1

    def _good(self, element: Element) -> Found:
        if not self._is_mine(element):
            return ()
        self._counts["goods"] += 1
        return self._single(element, "products", "good")

    def _party(self, element: Element) -> Found:
        if not self._is_mine(element):
            return ()
        self._counts["counterparties"] += 1
        return self._single(element, "counterparties", "party")

    def _offer(self, element: Element) -> Found:
        if not self._is_mine(element):
            return ()
        self._counts["offers"] += 1
        parts = splitting.offer(element)
        external_id = splitting.offer_id(element)
        if self._is_bad(external_id):
            found: Found = self._bad(element)
        else:
            gone = is_gone(element)
            found = [Piece("products", external_id, part, text, gone) for part, text in parts]
        self._done(element)
        return found

    def _document(self, element: Element) -> Found:
        if not self._is_mine(element):
            return ()
        self._counts["documents"] += 1
        self._kinds["Документ"] = None
        found = self._paper(element)
        self._done(element)
        return found

    def _container(self, element: Element) -> Found:
        if not self._is_mine(element):
            return ()
        self._kinds["Контейнер"] = None
        self._counts["documents"] += sum(1 for _ in element.iterchildren("{*}Документ"))
        found = [one for paper in splitting.container(element) for one in self._paper(paper)]
        self._done(element)
        return found

    def _paper(self, element: Element) -> Found:
        external_id = splitting.document_id(element)
        if self._is_bad(external_id):
            return self._bad(element)
        return (Piece("documents", external_id, "document", written(element)),)

    def _single(self, element: Element, stream: str, part: str) -> Found:
        text = written(element)
        external_id = identifier(element, text)
        if self._is_bad(external_id):
            found: Found = self._bad(element)
        else:
            found = (Piece(stream, external_id, part, text, is_gone(element, text)),)
        self._done(element)
        return found

    def _is_bad(self, external_id: str) -> bool:
        return not external_id or len(external_id) > _LONGEST_ID

    def _bad(self, element: Element) -> Found:
        text = written(element)
        self.place = f"line {element.sourceline}"
        reason = f"{local(element)} has no id that can be used; the rest of the file goes on"
        return (Bad(self.place, reason, text[:_SHOWN]),)

    def _learn(self, element: Element) -> Found:
        above = element.getparent()
        while above is not None:
            if local(above) in _INSIDE:
                return ()
            above = above.getparent()
        classifier.SINGLE[local(element)](element, self._names)
        if local(element.getparent()) == "Группа":
            element.clear()  # what stands before it may be its parent's id
        else:
            drop(element)
        self.done += 1
        return ()
