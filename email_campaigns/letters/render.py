"""A letter for one person: templates that were compiled once, filled in within bounds of time and size."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from jinja2 import Template

from email_campaigns.letters import grammar, limits, naming
from email_campaigns.letters.compiled import Compiled
from email_campaigns.letters.naming import Named
from email_campaigns.letters.sandbox import MAKING, Making, numbers
from email_campaigns.letters.values import Missing, Unrendered
from foundation.text import _

__all__ = ["Missing", "Rendered", "Text", "Unrendered", "Version", "render"]
_LOOK = 64  # pieces between two looks at the clock


class Rendered(NamedTuple):
    """A letter as one person gets it; `subject` fits a header."""

    subject: str
    preheader: str
    html: str
    text: str
    language: str = ""


class Text:
    """One language of a version, ready to be filled in."""

    __slots__ = ("html", "preheader", "subject", "text")

    def __init__(self, kept: Compiled) -> None:
        self.subject, self.preheader = _template(kept.subject), _template(kept.preheader)
        self.html, self.text = grammar.compiled(kept.html, html=True), _template(kept.text)


class Version:
    """What a letter says since somebody saved it; shared by threads, never changed.

    A language is compiled when somebody first gets it, so two threads may do so at once: the same comes out.
    """

    __slots__ = ("_chosen", "_kept", "_named", "_ready", "id", "language", "letter_id", "number")

    def __init__(
        self, version_id: UUID, letter_id: UUID, number: int, language: str, texts: Mapping[str, Compiled]
    ) -> None:
        self.id, self.letter_id, self.number, self.language = version_id, letter_id, number, language
        self._kept = dict(texts)
        self._ready: dict[str, Text] = {}
        self._chosen: dict[str, str] = {}
        self._named: Named | None = None

    @property
    def named(self) -> Named:
        """What its templates name, in all languages."""
        if self._named is None:
            found = Named()
            for kept in self._kept.values():
                for source in (kept.subject, kept.preheader, kept.html, kept.text):
                    naming.read(grammar.environment(True).parse(source), found)
            self._named = found
        return self._named

    @property
    def needs(self) -> frozenset[str]:
        """The first names of its variables: customer, order, cart …"""
        return frozenset(path.partition(".")[0].removesuffix("[]") for path in self.named.paths)

    @property
    def skus(self) -> list[str]:
        """The products it shows by their SKUs."""
        return sorted(set(self.named.skus))

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages it has texts in."""
        return tuple(self._kept)

    def source(self, language: str) -> Compiled:
        """The templates of one of its languages."""
        return self._kept[language]

    def text(self, language: str) -> Text:
        """One of its languages, compiled."""
        found = self._ready.get(language)
        if found is None:
            found = self._ready[language] = Text(self._kept[language])
        return found

    def choose(self, language: str) -> str:
        """The language among its own that comes nearest to a person's; the version's own for others."""
        found = self._chosen.get(language)
        if found is None:
            found = nearest(language, self._kept) or self.language
            if len(self._chosen) < 1_000:
                self._chosen[language] = found
        return found


def nearest(language: str, known: Mapping[str, Any]) -> str:
    """“ru” of those known for “ru-KZ”; empty when none will do."""
    wanted = language.replace("_", "-").lower()
    names = {name.lower(): name for name in known}
    return names.get(wanted) or names.get(wanted.partition("-")[0]) or ""


def render(version: Version, language: str, context: Mapping[str, Any]) -> Rendered:
    """The letter for a person who reads `language` (its own for others), with the variables of `context`.

    `Missing` when a variable has no value and no fallback, `Unrendered` for whatever else goes wrong with
    this one person's letter; both say what in words, and others' letters are not concerned.
    """
    chosen = version.choose(language)
    text = version.text(chosen)
    names = {**context, "range": numbers, MAKING: Making(chosen, str(context.get("zone") or "UTC"))}
    try:
        return Rendered(
            _line(text.subject, names)[: limits.SUBJECT],
            _line(text.preheader, names),
            _part(text.html, names),
            _part(text.text, names),
            chosen,
        )
    except Unrendered:
        raise
    except Exception as error:
        raise Unrendered(_("The letter can't be made: %s.") % str(error).rstrip(".")[:300]) from error


def _template(source: str) -> Template:
    found: Template = grammar.compiled(source, html=False)
    return found


def _part(template: Template, names: dict[str, Any]) -> str:
    write: Callable[[Any], Iterator[str]] = template.root_render_func
    making: Making = names[MAKING]
    pieces: list[str] = []
    size, rest = 0, iter(write(template.new_context(names, shared=True)))
    while some := list(islice(rest, _LOOK)):
        pieces += some
        size += sum(map(len, some))
        making.on_time()
        if size > limits.OUTPUT:
            raise Unrendered(_("The letter grows beyond %d characters.") % limits.OUTPUT)
    return "".join(pieces)


def _line(template: Template, names: dict[str, Any]) -> str:
    """One line without characters that would end a header or turn its direction."""
    said = _part(template, names)
    if said.isprintable():
        return " ".join(said.split())
    return " ".join("".join(one if one.isprintable() else " " for one in said).split())
