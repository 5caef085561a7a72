"""The bytes of an answer to a customer's letter: plain text, in its thread, without tracking of any kind."""

import re
from datetime import datetime
from typing import Protocol
from uuid import UUID

from email_campaigns.delivery import mime
from email_campaigns.delivery.claims import Claimed
from email_campaigns.delivery.ledger import message_id
from email_campaigns.delivery.results import Made
from email_campaigns.delivery.signing import Signer

STEP = "answer:"
NO_VERSION = UUID(int=0)  # an answer is no version of any letter
MOST_NAMED = 12  # earlier letters that its References name
_NAMEABLE = re.compile(r"[!-;=?-~]{3,240}")


class Voice(Protocol):
    """Who an answer is from, as letters show it."""

    @property
    def address(self) -> str:
        """The address alone."""

    @property
    def mailbox(self) -> str:
        """Name and address as a header has them."""

    @property
    def reply_to(self) -> str:
        """Where answers go, when that is elsewhere."""

    @property
    def dkim(self) -> Signer | None:
        """What signs for the address's domain."""


def is_answer(row: Claimed) -> bool:
    """Whether a row of the ledger is an answer, whose text stands in its context."""
    return row.step.startswith(STEP)


def made(row: Claimed, sender: Voice, recipient: str, return_path: str, at: datetime) -> Made:
    """The answer ready to leave; the same Message-ID on every try."""
    subject = str(row.context.get("subject", ""))
    encoding, body = mime.encoded(str(row.context.get("text", "")))
    headers = [
        ("From", sender.mailbox),
        ("To", recipient),
        ("Subject", mime.unstructured(subject, 7)),
        ("Date", mime.instant(at)),
        ("Message-ID", f"<{message_id(row.id, sender.address)}>"),
        *_thread(row),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", encoding),
    ]
    if sender.reply_to:
        headers.insert(2, ("Reply-To", sender.reply_to))
    signature = sender.dkim.sign(headers, body, at) if sender.dkim else b""
    told = {"step": row.step, "delivery": str(row.id), "subject": subject, "title": subject,
            "thread": row.step.split(":")[1]}  # fmt: skip
    data = b"".join((signature, mime.block(headers), b"\r\n", body))
    return Made(row, data, return_path, recipient, subject, row.language, told)


def _thread(row: Claimed) -> list[mime.Header]:
    """The letter it answers and those before it, as far as they can be named in a header."""
    given = row.context.get("references", [])
    named = [one for one in given if isinstance(one, str) and _NAMEABLE.fullmatch(one)][-MOST_NAMED:]
    if not named:
        return []
    return [("In-Reply-To", f"<{named[-1]}>"), ("References", "\r\n ".join(f"<{one}>" for one in named))]
