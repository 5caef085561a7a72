"""A few letters of a mailing as real people would get them, and what checks say about such people."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from email_campaigns.letters import catalogue, checks, render, variables
from email_campaigns.letters import store as letters
from email_campaigns.letters.checks import Finding
from email_campaigns.letters.render import Version
from email_campaigns.mailings import variants
from email_campaigns.tables import Mailing
from foundation.clock import now


class Sample(NamedTuple):
    """One letter; `problem` says why this person would get none."""

    customer_id: UUID
    name: str
    variant: str
    subject: str
    preheader: str
    text: str
    html: str
    problem: str


def versions(session: Session, mailing: Mailing) -> dict[str, Version]:
    """Arm -> what it says, subjects that are tried out included."""
    found = {}
    for arm, _letter, row in variants.refuse_unless_sound(session, mailing):
        if not arm.subjects:
            found[arm.name] = letters.version(session, row.id)
            continue
        texts = {tag: letters.written(kept) for tag, kept in row.texts.items()}
        for tag, subject in arm.subjects.items():
            if tag in texts:
                texts[tag]["subject"] = subject
        found[arm.name] = letters.draft(row.language, texts)
    return found


def samples(session: Session, mailing: Mailing, people: Sequence[tuple[UUID, str, str]]) -> list[Sample]:
    """The letters of these people, given as (customer, name, arm); the rest is shown with the first arm's."""
    known = versions(session, mailing)
    first = next(iter(known.values()))
    found = []
    for customer_id, name, arm in people:
        version = known.get(arm, first)
        context = variables.contexts(session, [customer_id], now(), version).get(customer_id, {})
        language = context.get("customer", {}).get("language", "")
        try:
            made = render.render(version, language, {**context, "links": catalogue.example()["links"]})
        except render.Unrendered as error:
            found.append(Sample(customer_id, name, arm, "", "", "", "", str(error)))
            continue
        found.append(Sample(customer_id, name, arm, made.subject, made.preheader, made.text, made.html, ""))
    return found


def findings(session: Session, mailing: Mailing, people: Sequence[UUID]) -> list[Finding]:
    """What the checks of its letters warn of, tried with these people."""
    found: list[Finding] = []
    seen: set[UUID] = set()
    for _arm, letter, row in variants.refuse_unless_sound(session, mailing):
        if row.id not in seen:
            seen.add(row.id)
            found += checks.of(session, letter, row.id, people)
    return [one for one in dict.fromkeys(found) if one.level != "error"]
