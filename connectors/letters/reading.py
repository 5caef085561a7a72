"""From a landed letter to records: the letter, and whoever wrote it as far as the letter says so."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from email.message import Message as Mail

from msgspec import structs

from connectors.letters import automatic, headers, payload, quoting
from connectors.letters.bodies import Bodies, bodies, content, inner_of, parsed, parts
from connectors.letters.headers import Mailbox
from foundation.errors import BadInput
from foundation.records import AnyRecord, Attachment, Message, Person

REPORT = 512_000  # bytes of a report that are kept for whoever reads it
RECIPIENTS = 20
_DELIVERY = re.compile(r"([0-9a-f]{32})@")
_TAGGED = re.compile(r"\+([\w-]{43,60})@")
_TAGS = ("x-original-to", "delivered-to", "envelope-to", "to")
_RESULT = re.compile(r"\b(dmarc|dkim|spf)\s*=\s*([a-z]+)([^;]*)", re.I)
_PROVED = re.compile(r"\bheader\.(?:d|i|from)\s*=\s*(?:[^;\s@]*@)?([a-z0-9.-]+)", re.I)


def records(external_id: str, landed: str, vouches: str = "") -> Sequence[AnyRecord]:
    """The records of one landed letter. `vouches` names the server whose word about senders counts."""
    held = payload.unpack(landed)
    mail, whole = parsed(held.letter)
    inside = bodies(mail, whole and not held.cut)
    writers = headers.mailboxes(mail, "from") or headers.mailboxes(mail, "sender", "reply-to")
    writer = writers[0] if writers else None
    readers = headers.mailboxes(mail, "to", "cc")
    kind = "" if held.sent else automatic.verdict(mail, writer, _kinds(mail))
    letter = _message(external_id, held, mail, inside, writer, readers, kind)
    if vouches and writer:
        letter = _vouched(letter, mail, vouches, writer)
    other = (readers[0] if readers else None) if held.sent else writer
    if other is None or kind == "report":
        return [letter]
    return [Person(external_id=other.address, writer=other.address), letter]


def attachment(landed: str, number: int) -> tuple[str, bytes]:
    """Name and content of an attachment of a landed letter; BadInput when it has none of this number."""
    held = payload.unpack(landed)
    mail, whole = parsed(held.letter)
    named = {one.number: one.name for one in bodies(mail, whole).attachments}
    found = next((part for at, part in parts(mail) if at == number and at in named), None)
    if found is None:
        raise BadInput("the letter has no such attachment", "number")
    return named[number], content(found)


def _message(
    external_id: str, held: payload.Payload, mail: Mail, inside: Bodies, writer: Mailbox | None,
    readers: Sequence[Mailbox], kind: str,
) -> Message:  # fmt: skip
    new, quoted = quoting.split(inside.text)
    named = headers.ids(mail, "in-reply-to", "references")
    reply_to = headers.mailboxes(mail, "reply-to")
    own = headers.ids(mail, "message-id")
    return Message(
        external_id=external_id,
        sent=held.sent,
        at=headers.sent_at(mail, held.at),
        message_id=own[0] if own else "",
        answers=named,
        root=next(iter(headers.ids(mail, "references") or named), ""),
        deliveries=_deliveries(mail, named),
        sender=writer.address if writer else "",
        sender_name=writer.name if writer else "",
        reply_to=reply_to[0].address if reply_to and reply_to[0] != writer else "",
        recipients=tuple(one.address for one in readers[:RECIPIENTS]),
        more_recipients=max(0, len(readers) - RECIPIENTS),
        subject=headers.text(mail, "subject", 500),
        text=new,
        quoted=quoted,
        attachments=tuple(
            Attachment(number=one.number, name=one.name, type=one.type, size=one.size, risky=one.risky)
            for one in inside.attachments
        ),
        automatic=kind,
        cut=not inside.whole,
        size=held.size,
        report=held.letter[:REPORT].decode("latin-1").replace("\0", "").strip() if kind == "report" else "",
    )


def _kinds(mail: Mail) -> set[str]:
    """The kinds of a letter's outer parts."""
    return {_kind(part) for part in (mail, *inner_of(mail)[:20]) if isinstance(part, Mail)}


def _kind(part: Mail) -> str:
    try:
        return str(part.get_content_type()).lower()
    except Exception:  # noqa: BLE001 - a stranger's letter may break the parser in any way
        return ""


def _deliveries(mail: Mail, named: Sequence[str]) -> tuple[str, ...]:
    """Which of our letters it may answer: by the Message-IDs it names and the return path it came to."""
    found = [match[1] for one in named if (match := _DELIVERY.match(one))]
    for name in _TAGS:
        for tag in _TAGGED.findall(" ".join(headers.values(mail, name)))[:5]:
            raw = urlsafe_b64decode(tag + "=" * (-len(tag) % 4)) if len(tag) % 4 != 1 else b""
            if len(raw) >= 32:
                found.append(raw[:16].hex())
    return tuple(dict.fromkeys(found))[: headers.MOST_IDS]


def _vouched(letter: Message, mail: Mail, server: str, writer: Mailbox) -> Message:
    """The letter, with whether the server named has checked that its sender's domain wrote it."""
    domain = writer.address.rpartition("@")[2]
    for said in [headers.plain(one) for one in headers.values(mail, "authentication-results")]:
        name, _, results = said.partition(";")
        if name.split()[:1] != [server.lower()] and name.strip().lower() != server.lower():
            continue
        passed = any(
            verdict.lower() == "pass" and method.lower() in ("dmarc", "dkim") and _of(details, domain)
            for method, verdict, details in _RESULT.findall(results)
        )
        return structs.replace(letter, vouched=passed)
    return letter


def _of(details: str, domain: str) -> bool:
    """Whether what was proved is of this domain or of one above it."""
    proved = [one.lower().strip(".") for one in _PROVED.findall(details)]
    return any(domain == one or ("." in one and domain.endswith(f".{one}")) for one in proved)
