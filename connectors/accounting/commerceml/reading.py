"""Reads CommerceML of any version as a stream: bytes in, parts of objects out, memory bounded at any size.

Only the elements that carry objects reach Python; each is written out as text and cleared. What no such
element holds is bounded too: too much of it in a row is refused.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO

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
from connectors.accounting.commerceml.parsing import Parsing
from connectors.accounting.commerceml.parts import Head, Names, Piece, Same
from connectors.accounting.commerceml.skimming import Cut, Known, is_strange, windows
from connectors.accounting.commerceml.values import flag
from connectors.base import Bad

_TOLD = "СодержитТолькоИзменения"
_INSIDE = frozenset({"Документ", "Контейнер", "ПодчиненныйДокумент", "Контрагент", "Товар", "Предложение"})
_COUNTED = {
    "Товар": "goods", "Предложение": "offers", "Контрагент": "counterparties", "Документ": "documents",
}  # fmt: skip
_SHOWN = 2000  # characters of a bad element
_LONGEST_ID = 200

Found = Sequence[Piece | Bad]
Item = Piece | Same | Bad | Head


def read(file: BinaryIO, names: Names, known: Known | None = None) -> Iterator[Item]:
    """The parts of every object of a file, what can't be used, and at last the Head.

    What classifiers say goes into `names`. A file that breaks off yields what came before and its Head, then
    raises BadInput with the line. Objects that are `known` to change nothing come out as Same, unparsed; that
    is asked once a window, when all before it has been yielded.
    """
    reading = _Reading(names)
    parsing = reading.parsing
    for window in windows(text_of(file), known is not None):
        same: Mapping[bytes, int] | None = None
        learned, fresh = 0, set[str]()  # under other names, or behind something newer, it isn't the same
        for number, cut in enumerate(window):
            if known and reading.clean and cut.blank and cut.digest:
                if same is None:
                    same, learned = known(window[number:]), reading.learned
                count = same.get(cut.digest, 0)
                if count and learned == reading.learned and cut.external_id not in fresh:
                    yield reading.skip(cut, count)
                    continue
            done = reading.done
            for found in reading.feed(cut):
                if same and isinstance(found, Piece):
                    fresh.add(found.external_id)
                yield found
            if not parsing.check(cut.own or cut.gap, reading.done > done, reading.place):
                break
        if parsing.trouble:
            break
    else:
        for _, element in parsing.finish():
            yield from reading.take(element)
    yield reading.head()
    if parsing.trouble:
        raise parsing.trouble


class _Reading:
    """What is known so far of one file, and what each kind of element means."""

    def __init__(self, names: Names) -> None:
        self.done = self.learned = 0
        self.clean = False  # what comes next stands beside an object of ours, and in nothing else
        self.place = "line 1"
        self._names = names
        self._home: Element = None  # the parent of the objects now being read
        self._last: Element = None  # the object before
        self._root: Element = None
        self._only_changes: list[bool | None] = []
        self._kinds: dict[str, None] = {}
        self._counts = dict.fromkeys(_COUNTED.values(), 0)
        self._by_tag: dict[str, Callable[[Element], Found]] = {}
        self._by_name: dict[str, Callable[[Element], Found]] = {
            "Товар": self._good,
            "Предложение": self._offer,
            "Контрагент": self._party,
            "Документ": self._document,
            "Контейнер": self._container,
            **dict.fromkeys(classifier.SINGLE, self._learn),
        }
        # each element that is to be shown costs a little for every element of the file
        self.parsing = Parsing([f"{{*}}{name}" for name in self._by_name])

    def skip(self, cut: Cut, count: int) -> Same:
        """Leave out an object that would change nothing."""
        self.parsing.skip(cut.gap)
        self.parsing.skip(cut.own)
        self._counts[_COUNTED[cut.name]] += 1
        if cut.name == "Документ":
            self._kinds[cut.name] = None
        return Same(cut.stream, cut.external_id, count)

    def feed(self, cut: Cut) -> Iterable[Piece | Bad]:
        """What ends with this stretch of the file.

        Bytes between two objects that came out as one object, and ended with it, will do so again.
        """
        events = self.parsing.feed(cut.gap + cut.own if cut.own else cut.gap)
        if not cut.digest:
            self.clean = self.clean and cut.blank and not cut.own
            return (one for _, element in events for one in self.take(element))
        sure, before, last = self.clean and cut.blank, self.done, self.done
        found: list[Piece | Bad] = []
        element: Element = None
        for _, element in events:
            last = self.done
            found += self.take(element)
        self.clean = self.done > last and local(element) == cut.name and not is_strange(cut.gap)
        if sure and self.clean and self.done == before + 1:
            _mark(found, cut)
        return found

    def take(self, element: Element) -> Found:
        """What a finished element means."""
        tag = element.tag
        act = self._by_tag.get(tag)
        if act is None:
            act = self._by_tag[tag] = self._by_name[local(element)]
        return act(element)

    def head(self) -> Head:
        """What the file said of itself, asked at its end."""
        root = self._root if self.parsing.root is None else self.parsing.root
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
            self._root, above = above, above.getparent()
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
            self.learned += 1
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
        self.learned += 1
        classifier.SINGLE[local(element)](element, self._names)
        if local(element.getparent()) == "Группа":
            element.clear()  # what stands before it may be its parent's id
        else:
            drop(element)
        self.done += 1
        return ()


def _mark(found: list[Piece | Bad], cut: Cut) -> None:
    """Note on the last piece of an element that all of them came from these bytes."""
    for one in found:
        if not isinstance(one, Piece) or one.external_id != cut.external_id or one.stream != cut.stream:
            return
    if 0 < len(found) < 256:
        last = found[-1]
        assert isinstance(last, Piece)
        seen = bytes((len(found),)) + cut.digest
        found[-1] = Piece(last.stream, last.external_id, last.part, last.fragment, last.gone, seen)
