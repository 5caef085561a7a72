"""Messages that came to a return path, read and acted on. Apart from `returning`, which the web part loads,
as the library that reads bounces brings all of dnspython.

A returned message counts only with a token that we sealed: in the address it came to, or for complaints in
the letter it encloses. Anybody can write the rest.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from email_campaigns import secret, tokens
from email_campaigns.doors import reports
from email_campaigns.doors.known import Known, find
from email_campaigns.doors.returning import bounced, complained, delivered


class Outcome(NamedTuple):
    """What came of a message: ignored (why is in `reason`), bounced, soft, delayed, delivered, complained."""

    kind: str
    delivery: UUID | None = None
    reason: str = ""


def take(session: Session, raw: bytes, recipient: str = "") -> Outcome:
    """Act on a message that came to the return path; the same one again changes nothing.

    `recipient` is the address it came to; headers that name it will do.
    """
    report = reports.read(raw)
    if report.kind == "nothing":
        return Outcome("ignored", None, "no report")
    known = _known(session, report, reports.tokens_of(raw, recipient))
    if known is None:
        return Outcome("ignored", None, "no token of ours")
    if report.kind == "complaint":
        complained(session, known, report.reason)
        return Outcome("complained", known.id, report.reason)
    if report.kind == "bounce":
        bounced(session, known, report.reason, report.hard, report.reply)
        return Outcome("bounced" if report.hard else "soft", known.id, report.reason)
    if report.kind == "delivered":
        delivered(session, known)
    return Outcome(report.kind, known.id)


def _known(session: Session, report: reports.Report, given: Sequence[str]) -> Known | None:
    key = secret.token_key(session)
    enclosed = report.tokens if report.kind == "complaint" else ()
    named = [*(("return", token) for token in given), *enclosed]
    for kind, token in named:
        read = tokens.read(key, kind, token)
        if read is not None:
            return find(session, read[0])
    return None
