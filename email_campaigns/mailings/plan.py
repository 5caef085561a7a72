"""Before sending: who gets the letter, who doesn't and why, with samples; and a hash of all that was shown.

Whoever would be stopped is stopped by the very guards that the claim asks. Of a large audience a part that is
drawn by chance is asked, and the counts say "about".
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from email_campaigns import secret
from email_campaigns.delivery import guards
from email_campaigns.delivery.guards import Candidate
from email_campaigns.letters.checks import Finding
from email_campaigns.mailings import people, schedule, store, variants
from email_campaigns.mailings.people import Audience, Share
from email_campaigns.mailings.samples import Sample, findings, samples
from email_campaigns.tables import Mailing, Sender, Transport
from foundation.clock import now
from foundation.errors import BadInput
from foundation.text import _

EXACT = 20_000  # people asked one by one; of more so many by chance
CHUNK = 2_000
NAMED = 5  # people named for each reason


class Person(NamedTuple):
    """Somebody of the audience, as a plan shows them."""

    id: UUID
    name: str
    address: str


class Skip(NamedTuple):
    """Why some get no letter."""

    code: str
    sentence: str
    number: int
    people: list[Person]


@dataclass
class Plan:
    """What a mailing would do if it were started now."""

    hash: str
    audience: int
    letters: int
    held_out: int
    skips: list[Skip]
    waiting: int  # of the letters: it is night at their recipients'
    arms: list[tuple[str, int]]  # variants with their number of letters; "" is the rest that waits
    begins: datetime
    exact: bool
    asked: int  # how many people the guards were asked about
    refused: str = ""  # why it can't be started
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)


class Base(NamedTuple):
    """What the hash is made of: the audience and what would be sent to it."""

    audience: int
    members: str
    setup: str

    @property
    def hash(self) -> str:
        """One word that names all of it; begins with the number of people."""
        return f"{self.audience}-{self.members}-{self.setup}"


_BASE = (
    "SELECT count(*), coalesce(bit_xor(hashtextextended(CAST(customer_id AS text), 0)), 0)"
    " FROM ({audience}) a"
)


def base(session: Session, mailing: Mailing, among: Audience) -> Base:
    """What a plan is about, as it is now. One query for the audience."""
    count, mixed = session.execute(text(_BASE.format(audience=among.sql)), dict(among.params)).one()
    letters = [(arm.name, str(version.id), dict(arm.subjects), arm.share, arm.hours)
               for arm, _letter, version in variants.refuse_unless_sound(session, mailing)]  # fmt: skip
    said = [
        letters, str(mailing.sender_id), [str(one) for one in mailing.include],
        [str(one) for one in mailing.exclude],
        mailing.schedule, mailing.late_hours, mailing.per_hour, str(mailing.holdout),
        {key: mailing.winner.get(key) for key in ("by", "after_hours")},
    ]  # fmt: skip
    setup = sha256(msgspec.json.encode(said, order="sorted")).hexdigest()[:16]
    return Base(int(count), f"{int(mixed) & (1 << 64) - 1:016x}", setup)


def moved(seen: str, found: Base) -> str:
    """What has changed since somebody looked at a plan, as a sentence; empty when nothing has."""
    if seen == found.hash:
        return ""
    count, _dash, rest = seen.partition("-")
    _members, _dash, setup = rest.partition("-")
    if not count.isascii() or not count.isdigit() or not setup:
        return _("Look at the plan first.")
    if setup != found.setup:
        return _("The mailing or its letter was changed since you looked.")
    if int(count) != found.audience:
        said = _("The audience changed from %(before)s to %(after)s since you looked.")
        return said % {"before": f"{int(count):,}", "after": f"{found.audience:,}"}
    return _("The audience changed since you looked: as many people, but not the same.")


def share_of(mailing: Mailing) -> Share:
    """The arms of a mailing with their shares."""
    arms = variants.arms(mailing)
    names, hours = [one.name for one in arms], [one.hours for one in arms]
    return Share(names, [one.share for one in arms], hours, bool(variants.rest(mailing)))


def make(session: Session, mailing: Mailing, at: datetime | None = None) -> Plan:
    """The plan as of now. What forbids starting stands in `refused`; nothing is changed."""
    at = at or now()
    try:
        refuse_unless_ready(session, mailing, at)
        among = people.audience(session, mailing, at)
        found = base(session, mailing, among)
    except BadInput as error:
        return Plan("", 0, 0, 0, [], 0, [], at, True, 0, refused=error.message)
    if not found.audience:
        return Plan(found.hash, 0, 0, 0, [], 0, [], at, True, 0, refused=nobody())
    start = people.begins(session, mailing, among)
    plan = _counted(session, mailing, among, max(start, at), found)
    plan.begins = start
    plan.notes = _notes(session, mailing, plan)
    return plan


def nobody() -> str:
    """What is said of an empty audience."""
    return _("Nobody is in the audience: this mailing would be sent to no one.")


def refuse_unless_ready(session: Session, mailing: Mailing, at: datetime) -> None:
    """`BadInput` names what a mailing lacks to be started."""
    if not mailing.include:
        raise BadInput(_("Choose at least one segment: without any, nobody is meant."), "include")
    sender = session.get(Sender, mailing.sender_id) if mailing.sender_id else None
    if sender is None or sender.removed_at is not None:
        raise BadInput(_("Choose who the letters are from."), "sender")
    variants.refuse_unless_sound(session, mailing)
    schedule.refuse_past(mailing.schedule, at)


_ROWS = """
SELECT q.customer_id, q.variant, q.holdout, c.name, lower(coalesce(c.email, '')) AS address, c.email_consent,
  c.country, c.city, CASE WHEN coalesce(c.email, '') = '' THEN 1
    ELSE row_number() OVER (PARTITION BY lower(coalesce(c.email, '')) ORDER BY c.id) END AS place
FROM ({wanted}) q JOIN customers c ON c.id = q.customer_id AND c.live
"""
_SOME = "SELECT * FROM ({rows}) r ORDER BY sha256(uuid_send(r.customer_id)) LIMIT :m_most"


def _counted(session: Session, mailing: Mailing, among: Audience, start: datetime, found: Base) -> Plan:
    wanted, params = people.select(session, mailing, among, start, share_of(mailing))
    query = _SOME.format(rows=_ROWS.format(wanted=wanted))
    rows = session.execute(text(query), {**params, "m_most": EXACT}).all()
    purpose, topic = _purpose(session, mailing)
    go, skipped, waiting = _judged(session, store.step(mailing.id), rows, purpose, topic)
    exact = len(rows) == found.audience
    scale = 1.0 if exact or not rows else found.audience / len(rows)
    arms = Counter(row.variant for row in go)
    names = [one.name for one in variants.arms(mailing)] + ([""] if variants.rest(mailing) else [])
    skips = [
        Skip(
            code,
            _sentence(code, shown),
            round(len(shown) * scale),
            [_person(row) for row, _why in shown[:NAMED]],
        )
        for code, shown in sorted(skipped.items(), key=lambda one: -len(one[1]))
        if code != "holdout"
    ]
    return Plan(
        found.hash, found.audience, round(len(go) * scale), round(len(skipped.get("holdout", ())) * scale),
        skips,
        round(waiting * scale) if mailing.schedule.get("kind", "now") == "now" else 0,
        [(name, round(arms[name] * scale)) for name in names], start, exact, len(rows),
        findings=findings(session, mailing, [row.customer_id for row in go[:100]]),
        samples=samples(session, mailing, _shown(go)),
    )  # fmt: skip


def _shown(go: Sequence[Any]) -> list[tuple[UUID, str, str]]:
    """Three of those who get it, of different variants where there are."""
    first: dict[str, Any] = {}
    for row in go:
        first.setdefault(row.variant, row)
    chosen = [*first.values(), *(row for row in go if row not in first.values())][:3]
    return [(row.customer_id, row.name, row.variant) for row in chosen]


def _purpose(session: Session, mailing: Mailing) -> tuple[str, str]:
    _arm, letter, _version = variants.refuse_unless_sound(session, mailing)[0]
    return letter.purpose, letter.topic


Skipped = dict[str, list[tuple[Any, Mapping[str, Any]]]]


def _judged(
    session: Session, step: str, rows: Sequence[Any], purpose: str, topic: str
) -> tuple[list[Any], Skipped, int]:
    """Who gets a letter, who doesn't by reason, and how many of the first have to wait for the morning."""
    skipped: Skipped = {}
    asked = []
    for row in rows:
        code = (
            "no_address"
            if not row.address
            else "shared"
            if row.place > 1
            else "holdout"
            if row.holdout
            else ""
        )
        if code:
            skipped.setdefault(code, []).append((row, {}))
        else:
            asked.append(row)
    known, switch = {row.customer_id: row for row in asked}, secret.switch(session)
    go, waiting, at = list[Any](), 0, now()
    for begin in range(0, len(asked), CHUNK):
        candidates = [_candidate(step, row, purpose, topic, at) for row in asked[begin : begin + CHUNK]]
        verdicts = guards.judge(session, candidates, switch)
        for one, code, detail in verdicts.skip:
            skipped.setdefault(code, []).append((known[one.id], detail))
        go += [known[one.id] for one in verdicts.go]
        go += [known[one.id] for one, _code, _until, _detail in verdicts.wait]
        waiting += len(verdicts.wait)
    return go, skipped, waiting


def _candidate(step: str, row: Any, purpose: str, topic: str, at: datetime) -> Candidate:
    return Candidate(
        id=row.customer_id, step=step, profile_id=row.customer_id, address=row.address, purpose=purpose,
        topic=topic,
        state="planned", due_at=at, card=row.customer_id, consent=row.email_consent, country=row.country,
        city=row.city, domain=row.address.rpartition("@")[2],
    )  # fmt: skip


def _sentence(code: str, shown: Sequence[tuple[Any, Mapping[str, Any]]]) -> str:
    if code == "suppressed":
        return _("The address is on the suppression list.")
    return guards.sentence(code, shown[0][1])


def _person(row: Any) -> Person:
    return Person(row.customer_id, row.name, row.address)


def _notes(session: Session, mailing: Mailing, plan: Plan) -> list[str]:
    """What a person should know before they start it."""
    found: list[str] = []
    if held := guards.held(session):
        found.append(guards.sentence(held))
    sender = session.get_one(Sender, mailing.sender_id)
    way = session.get_one(Transport, sender.transport_id)
    if way.state != "on":
        found.append(_("The transport “%s” is paused: nothing leaves until it is resumed.") % way.name)
    found += filter(None, [schedule.oddity(mailing.schedule)])
    if mailing.per_hour and plan.letters > mailing.per_hour:
        said = _("At %(pace)s an hour it takes about %(hours)s hours.")
        found.append(
            said % {"pace": f"{mailing.per_hour:,}", "hours": f"{plan.letters / mailing.per_hour:,.0f}"}
        )
    return found + list(_odd_shares(mailing, plan))


def _odd_shares(mailing: Mailing, plan: Plan) -> Iterable[str]:
    small = [name for name, count in plan.arms if name and count < 500]
    if small:
        yield _("Fewer than 500 letters a variant seldom tell which is better.")
    if mailing.holdout and plan.held_out < 200:
        yield _("So few are held out that only a very large effect would show.")
