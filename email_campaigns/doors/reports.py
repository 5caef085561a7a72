"""Reads returned mail: delivery reports (RFC 3464), complaints (RFC 5965), bounces in words. Pure.

Whoever writes us mail is a stranger: it is cut, its nesting is counted before it is parsed, and whatever
breaks a parser is no report.
"""

import logging
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.parser import BytesHeaderParser
from typing import NamedTuple

from flufl.bounce import all_failures

from email_campaigns.delivery.transports import replies
from email_campaigns.delivery.transports.base import DEFERRED
from email_campaigns.delivery.transports.replies import HARD, Reply

LARGEST = 512_000  # bytes that are looked at
DEEPEST = 50  # parts that may hold others
_CONTAINERS = re.compile(rb"boundary\s*\*?\d?\*?\s*=|content-type:\s*message/", re.I)
_CODE = re.compile(r"\b([45]\d\d)(?=[ \-#])[ \-#]*(?:\(?#?([45]\.\d{1,3}\.\d{1,3}))?")
_STATUS = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b")
_DAEMON = re.compile(r"mailer-daemon|postmaster|mail.?delivery|mdaemon|bounce", re.I)
_TOKEN = re.compile(r"\+([\w-]{43,60})@")
_LINK = re.compile(r"/m/([ucovp])/([\w-]{43,60})")
_ADDRESSED = ("x-original-to", "delivered-to", "envelope-to", "to")
KINDS = {"u": "unsubscribe", "c": "click", "o": "open", "v": "view", "p": "preferences"}
_RUSSIAN = re.compile(
    r"не существует|не найден|пользовател[ья] нет|нет такого|почтовый ящик (не |отключ|заблок)|недоступен"
    r"|удал[её]н",
    re.I,
)
_RUSSIAN_FULL = re.compile(r"переполнен|превышена? квот", re.I)
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)


class Report(NamedTuple):
    """What a returned message says: kind bounce, complaint, delayed, delivered or nothing."""

    kind: str
    reason: str = ""  # of a bounce: a code as transports have them
    hard: bool = False
    reply: str = ""
    tokens: tuple[tuple[str, str], ...] = ()  # kind and token of what else names the letter


NOTHING = Report("nothing")


def read(raw: bytes) -> Report:
    """What a raw message reports."""
    raw = raw[:LARGEST]
    if len(_CONTAINERS.findall(raw)) > DEEPEST:
        return NOTHING
    try:
        message = message_from_bytes(raw)
        if (complaint := _complaint(message, raw)) is not None:
            return complaint
        return _delivery_report(message) or _in_words(message)
    except Exception:  # noqa: BLE001 - a stranger's message may break the parser in any way
        return NOTHING


def tokens_of(raw: bytes, recipient: str) -> list[str]:
    """The tokens in the address that a message came to, and in the headers where servers note it."""
    try:
        headers = BytesHeaderParser().parsebytes(raw[:LARGEST])
        noted = [str(value) for name in _ADDRESSED for value in headers.get_all(name, [])]
    except Exception:  # noqa: BLE001 - see `read`
        noted = []
    return [found for said in (recipient, *noted) if (found := token_of(said))][:10]


def token_of(recipient: str) -> str:
    """The token in the address that a message came to; empty when it has none."""
    found = _TOKEN.search(recipient)
    return found[1] if found else ""


def _complaint(message: Message, raw: bytes) -> Report | None:
    feedback = next(
        (part for part in message.walk() if part.get_content_type() == "message/feedback-report"), None
    )
    if feedback is None:
        return None
    fields = _fields(feedback)
    kind = fields.get("feedback-type", "").lower()
    if kind not in ("abuse", "fraud", "virus", "other", "opt-out", "opt-out-list"):
        return NOTHING  # not-spam, auth-failure and what else there is
    named = [("return", found) for found in _TOKEN.findall(fields.get("original-mail-from", ""))]
    for part in message.walk():
        if part.get_content_type() in ("message/rfc822", "text/rfc822-headers"):
            named += _named(part)
    return Report("complaint", kind, True, fields.get("user-agent", "")[:200], tuple(dict.fromkeys(named)))


def _named(part: Message) -> Iterator[tuple[str, str]]:
    """Sealed tokens in the letter that came back."""
    for one in part.walk():
        said = "\n".join(re.sub(r"\r?\n\s*", "", str(value)) for value in one.values())
        if one.get_content_maintype() == "text":
            body = one.get_payload(decode=True)
            said += (body if isinstance(body, bytes) else b"").decode("ascii", "replace")
        for kind, token in _LINK.findall(said):
            yield KINDS[kind], token
        for token in _TOKEN.findall(said):
            yield "return", token


def _fields(part: Message) -> dict[str, str]:
    """The fields of a report, whether the parser took them for a message of its own or for text."""
    inner = part.get_payload()
    blocks = inner if isinstance(inner, list) else [message_from_bytes(str(inner).encode("utf-8", "replace"))]
    read = [block for block in reversed(blocks) if isinstance(block, Message)]
    return {name.lower(): str(value) for block in read for name, value in block.items()}


def _delivery_report(message: Message) -> Report | None:
    status = next(
        (part for part in message.walk() if part.get_content_type() == "message/delivery-status"), None
    )
    if status is None:
        return None
    inner = status.get_payload()
    blocks = [one for one in inner if isinstance(one, Message)] if isinstance(inner, list) else []
    people = [block for block in blocks if block.get("action") or block.get("final-recipient")]
    actions = {
        str(block.get("action", "")).split("(")[0].strip().lower(): block for block in reversed(people)
    }
    for name in ("failed", "error", "fail"):
        if name in actions:
            return _failed(actions[name], message)
    if "delayed" in actions:
        return Report("delayed", reply=_one_line(actions["delayed"].get("diagnostic-code", "")))
    return Report("delivered") if actions.keys() & {"delivered", "relayed", "expanded"} else NOTHING


def _failed(block: Message, message: Message) -> Report:
    status = _STATUS.search(str(block.get("status", "")))
    said = _one_line(
        str(block.get("diagnostic-code", "")).partition(";")[2] or block.get("diagnostic-code", "")
    ) or _about(block, message)
    code = _CODE.search(said)
    mark = status[0] if status else ""
    inner = _STATUS.search(said)
    if inner and (not mark or mark[2:] in ("0.0", "5.0")):
        mark = inner[0]  # "5.0.0" says nothing; what the server itself said does
    number = int(code[1]) if code else 450 if mark.startswith("4") else 550 if mark[2:3] == "1" else 554
    return _bounce(number, mark, said or mark)


def _about(block: Message, message: Message) -> str:
    """What the words of a report say of the address whose fields say nothing, as OpenSMTPD's do."""
    address = str(block.get("final-recipient", "")).rpartition(";")[2].strip()
    for line in _text(message).splitlines() if "@" in address else ():
        before, found, after = line.partition(address)
        if found and not before.strip(" <-*"):
            return _one_line(after.lstrip(" >:"))
    return ""


def _bounce(number: int, mark: str, said: str) -> Report:
    """A letter that a server gave up: its reason from the codes first, then from the words."""
    words = _CODE.sub("", said, count=1).strip()
    outcome = replies.outcome("rcpt", Reply(number, f"{mark} {words}".strip()))
    reason = outcome.reason
    if reason in ("refused", "no_mailbox") and mark[2:3] != "1" and _RUSSIAN_FULL.search(said):
        reason = "mailbox_full"
    elif reason == "refused" and _RUSSIAN.search(said):
        reason = "no_mailbox"
    if outcome.state == DEFERRED:
        reason = reason if reason == "mailbox_full" else "gave_up"
    return Report("bounce", reason, reason in HARD and outcome.state != DEFERRED, said[:500])


def _in_words(message: Message) -> Report:
    """A bounce without fields; only of those who write bounces, so that an absence note is none."""
    sender = str(message.get("from", ""))
    empty = str(message.get("return-path", "")).strip() == "<>"
    if not _DAEMON.search(sender) and not empty:
        return NOTHING
    if "x-auto-response-suppress" in message and not _DAEMON.search(sender):
        return NOTHING
    said = _text(message)
    temporary, permanent = all_failures(message)
    found = _CODE.search(said)
    if temporary and not permanent:
        return Report("delayed", reply=_one_line(said)[:300])
    about = _one_line(said[found.start() :] if found else said)[:500]
    if found:
        return _bounce(int(found[1]), found[2] or "", about)
    if permanent or _RUSSIAN.search(said) or _RUSSIAN_FULL.search(said):
        return _bounce(554, "", about)
    return NOTHING


def _text(message: Message) -> str:
    parts = []
    for part in message.walk():
        if part.get_content_type() == "message/rfc822":
            break  # from here on it is the letter itself
        if part.get_content_type() == "text/plain":
            body = part.get_payload(decode=True)
            charset = part.get_content_charset() or "utf-8"
            try:
                parts.append((body if isinstance(body, bytes) else b"").decode(charset, "replace"))
            except LookupError:
                parts.append((body if isinstance(body, bytes) else b"").decode("utf-8", "replace"))
    return "\n".join(parts)[:20_000].replace("\0", "")


def _one_line(said: object) -> str:
    return " ".join(str(said).replace("\0", "").encode("utf-8", "replace").decode().split())
