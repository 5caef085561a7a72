"""From claimed rows to letters ready to leave: contexts for all at once, then each rendered, linked, put
together.

What is the same for all letters of a mailing (sender, keys, headers that don't change) is made once per
lane.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import idna
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from customers import emails
from email_campaigns import secret
from email_campaigns.delivery import answering, domains, mime
from email_campaigns.delivery.claims import Claimed
from email_campaigns.delivery.ledger import message_id
from email_campaigns.delivery.links import Own, Signer, asking, usual
from email_campaigns.delivery.results import Made
from email_campaigns.delivery.signing import Signer as Dkim
from email_campaigns.delivery.transports import kinds
from email_campaigns.delivery.transports.base import Kind
from email_campaigns.letters import render, variables
from email_campaigns.letters import store as letters
from email_campaigns.letters.values import Ours
from email_campaigns.tables import LetterVersion, Sender, Transport
from foundation.clock import now
from foundation.context import Context, current
from foundation.database import transaction

# no more than what every server takes, so that nothing is left to check
_SIMPLE = re.compile(r"[a-z0-9]+(?:[._+-][a-z0-9]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")

Refused = tuple[Claimed, str, dict[str, Any]]


@dataclass(frozen=True)
class From:
    """A sender as letters show it, and what signs for it."""

    address: str
    domain: str
    mailbox: str
    reply_to: str
    dkim: Dkim | None
    bounces: str  # return path: local part and domain of a mailbox that takes tags, or empty


class Composer:
    """Makes letters for one lane; not shared between threads."""

    def __init__(self, engine: Engine, bounces: str = "", context: Context | None = None) -> None:
        self.engine, self.context, self.bounces = engine, context or current(), bounces
        with transaction(engine) as session:
            key = secret.token_key(session, self.context.sealer)
        self.links = Signer(key, self.context.public_url)
        self._senders: dict[UUID, From] = {}
        self._versions: dict[UUID, render.Version] = {}
        self._usual: dict[UUID, bool] = {}

    def prepare(self, rows: Sequence[Claimed]) -> "Batch":
        """Everything from the database that these letters need, in a constant number of queries."""
        with transaction(self.engine) as session:
            for one in rows:
                if one.sender_id not in self._senders:
                    self._senders[one.sender_id] = self._from(session, one.sender_id)
                if one.letter_version_id not in self._versions and not answering.is_answer(one):
                    self._learn(session, one.letter_version_id)
            contexts: dict[tuple[UUID, UUID], Mapping[str, Any]] = {}
            for version in {one.letter_version_id for one in rows} & self._versions.keys():
                cards = {
                    one.customer_id for one in rows if one.letter_version_id == version and one.customer_id
                }
                found = variables.contexts(session, cards, now(), self._versions[version])
                contexts.update({(version, card): context for card, context in found.items()})
        return Batch(self, contexts)

    def _learn(self, session: Session, version_id: UUID) -> None:
        self._versions[version_id] = letters.version(session, version_id)
        texts = session.get_one(LetterVersion, version_id).texts
        self._usual[version_id] = all(usual(text["html"]) for text in texts.values())

    def usual(self, row: Claimed) -> bool:
        """Whether the letter's addresses can be found the quick way."""
        return self._usual[row.letter_version_id]

    def _from(self, session: Session, sender_id: UUID) -> From:
        row = session.get_one(Sender, sender_id)
        domain = row.address.rpartition("@")[2]
        via = kinds.kinds().get(session.get_one(Transport, row.transport_id).kind)
        signer = _outliving(domains.signer(session, self.context.sealer, domain), via)
        return From(
            row.address, domain, mime.mailbox(row.name, row.address), row.reply_to, signer, self.bounces
        )

    def know(self, version: render.Version, sender_id: UUID) -> None:
        """Make letters of a version that need not be saved yet."""
        self._versions[version.id], self._usual[version.id] = version, False
        with transaction(self.engine) as session:
            self._senders[sender_id] = self._from(session, sender_id)

    def asked(self, row: Claimed) -> dict[str, str]:
        """The links by which the letter asks its person something."""
        return self.links.asked(row.id, asking(self._versions[row.letter_version_id].named.paths))

    def sender(self, row: Claimed) -> From:
        """Who a letter is from."""
        return self._senders[row.sender_id]

    def version(self, row: Claimed) -> render.Version:
        """What a letter says."""
        return self._versions[row.letter_version_id]


@dataclass(slots=True)
class Drawn:
    """A rendered letter, its links still plain."""

    row: Claimed
    own: Own
    shown: render.Rendered


class Batch:
    """Letters whose people are known."""

    def __init__(
        self, composer: Composer, contexts: Mapping[tuple[UUID, UUID], Mapping[str, Any]],
        anybody: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self._composer, self._contexts, self._anybody = composer, contexts, anybody or {}

    def make(self, rows: Sequence[Claimed]) -> tuple[list[Made], list[Refused]]:
        """The letters of these rows, and those that can't be made, each with its reason."""
        made, refused, at = list[Made](), list[Refused](), now()
        self._composer.links.trim()
        for row in rows:
            recipient = routable(row.address)
            if not recipient:
                refused.append((row, "bad_address", {"why": emails.parse(row.address).problem}))
                continue
            if answering.is_answer(row):
                sender = self._composer.sender(row)
                back = self._return_path(row, sender)
                made.append(answering.made(row, sender, recipient, back, at))
                continue
            try:
                one = self._draw(row)
            except render.Unrendered as error:
                refused.append((row, "missing", {"why": str(error)[:500]}))
            else:
                made.append(self._put_together(one, recipient, at))
        return made, refused

    def _draw(self, row: Claimed) -> Drawn:
        own = self._composer.links.own(row.id)
        card = row.customer_id
        known = self._contexts.get((row.letter_version_id, card), {}) if card else self._anybody
        links = {name: Ours(link) for name, link in own._asdict().items()} | self._composer.asked(row)
        context = {**(variables.merged(known, row.context) if row.context else known), "links": links}
        return Drawn(row, own, render.render(self._composer.version(row), row.language, context))

    def _put_together(self, one: Drawn, recipient: str, at: datetime) -> Made:
        composer, row, shown = self._composer, one.row, one.shown
        sender, version = composer.sender(row), composer.version(row)
        body_mark = mime.boundary_of(row.letter_version_id.bytes + row.id.bytes[-4:])
        body = mime.alternative(*self._linked(one), body_mark)
        headers = [
            ("From", sender.mailbox),
            ("To", recipient),
            ("Subject", mime.unstructured(shown.subject, 7)),
            ("Date", mime.instant(at)),
            ("Message-ID", f"<{message_id(row.id, sender.address)}>"),
            ("MIME-Version", "1.0"),
            ("Content-Type", f'multipart/alternative;\r\n boundary="{body_mark}"'),
            *_extra(row, sender, one.own),
        ]
        signature = sender.dkim.sign(headers, body, at) if sender.dkim else b""
        data = b"".join((signature, mime.block(headers), b"\r\n", body))
        told = {
            "step": row.step,
            "delivery": str(row.id),
            "letter": str(version.letter_id),
            "subject": shown.subject,
        }
        if row.step.startswith("mailing:"):
            told["mailing"] = row.step[8:]
        return Made(row, data, self._return_path(row, sender), recipient, shown.subject, shown.language, told)

    def _linked(self, one: Drawn) -> tuple[str, str]:
        """Text and HTML with the letter's own links; addresses that are new get their numbers first."""
        links, row, unknown = self._composer.links, one.row, set[str]()
        usual = self._composer.usual(row)
        made = (
            links.text(row.id, one.shown.text, unknown),
            links.html(row.id, one.shown.html, unknown, usual=usual),
        )
        if not unknown:
            return made
        with transaction(self._composer.engine) as session:
            links.learn(session, unknown)
        return links.text(row.id, one.shown.text, set()), links.html(
            row.id, one.shown.html, set(), usual=usual
        )

    def _return_path(self, row: Claimed, sender: From) -> str:
        """VERP: bounces come back to an address that names the delivery and can't be made up."""
        if not sender.bounces:
            return sender.address
        local, _at, domain = sender.bounces.rpartition("@")
        return f"{local}+{self._composer.links.token('return', row.id.bytes)}@{domain}"


def _outliving(signer: Dkim | None, via: Kind | None) -> Dkim | None:
    """Of our signatures those that the way out leaves whole."""
    if signer is None or via is None:
        return signer
    if via.signed == "none":
        return None
    keys = signer.keys[:1] if via.signed == "one" else signer.keys
    return replace(signer, keys=keys, leaves=signer.leaves | via.rewritten)


def _extra(row: Claimed, sender: From, own: Own) -> list[mime.Header]:
    """Headers that say what kind of letter it is, and how to be rid of the next ones."""
    group = row.step.partition(":")[2].partition(":")[0]
    found = [("Feedback-ID", f"{group}:{row.purpose}:{sender.domain}")]
    if sender.reply_to:
        found.insert(0, ("Reply-To", sender.reply_to))
    if row.purpose == "marketing":
        name = (
            "".join(c if c.isascii() and (c.isalnum() or c == "-") else "-" for c in row.topic) or "letters"
        )
        found += [
            ("List-Id", f"<{name.lower()[:60]}.{sender.domain}>"),
            ("List-Unsubscribe", f"<{own.unsubscribe}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ]
    if not row.step.startswith(("mailing:", "test:")):
        found.append(("Auto-Submitted", "auto-generated"))  # a trigger wrote it, not a person (RFC 3834)
    return found


def routable(address: str) -> str:
    """The address as servers take it, its domain in ASCII; empty when it is none."""
    if _SIMPLE.fullmatch(address):
        return address
    if address.isascii():
        return "" if emails.parse(address).problem else address
    local, _at, domain = address.rpartition("@")
    try:
        home = idna.encode(domain, uts46=True).decode() if not domain.isascii() else domain
    except (idna.IDNAError, UnicodeError):
        return ""
    return "" if emails.parse(f"{local}@{home}").problem else f"{local}@{home}"
