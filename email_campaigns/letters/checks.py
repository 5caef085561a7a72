"""What to look at before a letter is sent: mistakes that forbid it, and what its author should know."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import unescape
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from email_campaigns.letters import catalogue, grammar, limits, naming, store, variables
from email_campaigns.letters.drawing import wrong_address
from email_campaigns.letters.naming import Named
from email_campaigns.letters.render import Missing, Rendered, Unrendered, Version, render
from email_campaigns.tables import Letter
from foundation import clock
from foundation.text import _

SUBJECT = 90  # characters that inboxes show, generously
_ADDRESS = re.compile(r"\b(?:href|src|background)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.I)
_IMAGE = re.compile(r"<img\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*>", re.I)
_ALT = re.compile(r"\balt\s*=\s*(?:\"\s*[^\"\s]|'\s*[^'\s])", re.I)
_BARE = re.compile(r"https?://[^\s<>\"']+", re.I)


class Finding(NamedTuple):
    """Something about a letter; an `error` forbids sending it. `language` is empty where all have it."""

    level: str  # error warning
    code: str
    message: str
    language: str = ""


def check(
    version: Version,
    purpose: str = "marketing",
    people: Sequence[Mapping[str, Any]] = (),
    trigger: bool = False,
) -> list[Finding]:
    """All findings, errors first. `people` are variables of real customers, to see who would be skipped.

    `trigger` says that a trigger sends it, which knows variables that a mailing doesn't.
    """
    said: dict[Finding, list[str]] = {}
    for language in version.languages:
        for one in _language(version, language, purpose, trigger):
            said.setdefault(one, []).append(language)
    found: list[Finding] = []
    for one, languages in said.items():
        everywhere = len(languages) == len(version.languages)
        found += [one] if everywhere else [one._replace(language=language) for language in languages]
    found += _people(version, people)
    return sorted(found, key=lambda one: one.level != "error")


def of(
    session: Session, letter: Letter, version_id: UUID, people: Iterable[UUID] = (), trigger: bool = False
) -> list[Finding]:
    """The findings about a saved version; `people` are customers to try it with."""
    version = store.version(session, version_id)
    ids = list(people)
    known = variables.contexts(session, ids, clock.now(), version) if ids else {}
    return check(version, letter.purpose, list(known.values()), trigger)


def newest_people(session: Session, count: int) -> list[UUID]:
    """The newest customers with an e-mail, to try a letter with."""
    query = text(
        "SELECT id FROM customers WHERE live AND identified AND email IS NOT NULL ORDER BY id DESC LIMIT :few"
    )
    return list(session.scalars(query, {"few": count}))


def refusals(session: Session, letter: Letter, version_id: UUID, trigger: bool = False) -> list[Finding]:
    """What forbids sending a version; empty when nothing does."""
    return [one for one in of(session, letter, version_id, trigger=trigger) if one.level == "error"]


def _language(version: Version, language: str, purpose: str, trigger: bool) -> Iterator[Finding]:
    kept = version.source(language)
    html, text = _named(kept.html), _named(kept.subject, kept.preheader, kept.text)
    yield from _variables(html.paths | text.paths)
    if purpose == "marketing":
        yield from _unsubscribe(html, text)
    yield from _addresses(kept.html, kept.text)
    if not kept.subject.strip():
        yield Finding("error", "subject", _("The subject is empty."))
    try:
        made = render(version, language, catalogue.example() | {"products": _every_product(version)})
    except Unrendered as error:
        yield Finding("error", "render", str(error))
        return
    if not trigger:
        yield from _of_a_mailing(version, language)
    yield from _rendered(made)


def _named(*sources: str) -> Named:
    found = Named()
    for source in sources:
        naming.read(grammar.environment(True).parse(source), found)
    return found


def _every_product(version: Version) -> dict[str, Any]:
    example = catalogue.example()["viewed"][0]
    return dict.fromkeys(version.skus, example)


def _variables(paths: Iterable[str]) -> Iterator[Finding]:
    for path in sorted(paths):
        if not catalogue.is_known(path):
            yield Finding("error", "unknown", _("There is no variable “%s”.") % path)


def _of_a_mailing(version: Version, language: str) -> Iterator[Finding]:
    """What only a trigger knows, where the letter can't do without."""
    known = {
        name: value
        for name, value in catalogue.example().items()
        if name not in ("product", "viewed", "coupon")
    }
    known |= {name: known[name] | {"url": None} for name in ("order", "invoice")}
    known["links"] = {**known["links"], "confirm": None}
    try:
        render(version, language, known | {"products": _every_product(version)})
    except Missing as error:
        said = _("Only a trigger knows “%s”: in a mailing nobody would get this letter.")
        yield Finding("warning", "trigger", said % error.variable)
    except Unrendered:
        return


def _unsubscribe(html: Named, text: Named) -> Iterator[Finding]:
    if "links.unsubscribe" not in html.paths:
        message = _("There is no way to unsubscribe. Add a footer: marketing without one is against the law.")
        yield Finding("error", "unsubscribe", message)
    elif "links.unsubscribe" not in text.paths:
        yield Finding("warning", "unsubscribe-text", _("The text part has no link to unsubscribe."))


def _addresses(html: str, text: str) -> Iterator[Finding]:
    said = [unescape(one[0] or one[1]) for one in _ADDRESS.findall(html)]
    for url in sorted({one for one in said if "{{" not in one and "{%" not in one}):
        if not url or url == "#":
            yield Finding("error", "link", _("A link leads nowhere."))
        elif not url.startswith("#") and (message := wrong_address(url)):
            yield Finding("error", "link", message)
        elif _unreachable(url):
            yield Finding("warning", "link", _("“%s” can't be reached by people outside.") % url[:100])
    for url in sorted({one.rstrip(".,;:)") for one in _BARE.findall(text) if "{{" not in one} - set(said)):
        if message := wrong_address(url):
            yield Finding("error", "link", message)


def _unreachable(url: str) -> bool:
    """Whether an address is a private one, or one that stands in examples."""
    host = (urlsplit(url).hostname or "").lower()
    if not host or urlsplit(url).scheme.lower() == "mailto":
        return False
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".example", ".test", ".local", ".localhost", ".invalid"))


def _rendered(made: Rendered) -> Iterator[Finding]:
    if not made.subject:
        yield Finding("error", "subject", _("The subject is empty."))
    elif len(made.subject) > SUBJECT:
        said = _("The subject has %d characters; inboxes show about 60.")
        yield Finding("warning", "subject-long", said % len(made.subject))
    if not made.text.strip():
        yield Finding("error", "text", _("The text part is empty."))
    weight = len(made.html.encode())
    if weight > limits.HEAVY:
        said = _(
            "The letter weighs %d KB: Gmail cuts off what is beyond 100 KB, the way to unsubscribe with it."
        )
        yield Finding("warning", "weight", said % (weight // 1024))
    bare = [one for one in _IMAGE.findall(made.html) if not _ALT.search(one)]
    if bare:
        said = _("%d pictures have no words for those who don't see them.")
        yield Finding("warning", "alt", said % len(bare))


def _people(version: Version, people: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    skipped: Counter[str] = Counter()
    others: Counter[str] = Counter()
    links = catalogue.example()["links"]
    for one in people:
        try:
            render(version, one.get("customer", {}).get("language", ""), {**one, "links": links})
        except Missing as error:
            skipped[error.variable] += 1
        except Unrendered as error:
            others[str(error)] += 1
    for variable, count in skipped.most_common():
        said = _("%(count)d of %(all)d customers tried would get no letter: they have no “%(variable)s”.")
        yield Finding("warning", "missing", said % {"count": count, "all": len(people), "variable": variable})
    for message, count in others.most_common(5):
        said = _("%(count)d of %(all)d customers tried would get no letter: %(message)s")
        yield Finding("warning", "unmade", said % {"count": count, "all": len(people), "message": message})
