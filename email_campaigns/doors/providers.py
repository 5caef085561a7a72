"""What providers' events say, in our words; events that we learn nothing new from are left out. Pure.

Opens and clicks come to our own links, so those that providers count are passed over. Letters that left by
a provider's own interface carry our id beside the letter; it is taken in place of the Message-ID.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from email_campaigns.delivery.transports import replies
from email_campaigns.delivery.transports.base import FAILED
from email_campaigns.delivery.transports.replies import HARD, Reply


class Event(NamedTuple):
    """Something that became of a letter: kind bounce, complaint, unsubscribed, delivered or taken (by the
    provider, on its way to the recipient)."""

    kind: str
    address: str
    message_id: str
    reason: str = ""
    hard: bool = False
    reply: str = ""


Said = Mapping[str, Any]


def read(provider: str, body: bytes) -> list[Event]:
    """The events in a request's body; ValueError or its like for what isn't of the provider."""
    try:
        said = msgspec.json.decode(body)
    except msgspec.DecodeError:
        if provider != "mailgun":
            raise
        said = dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=500))
    rows = said if isinstance(said, list) else [said]
    if not all(isinstance(one, dict) for one in rows):
        raise ValueError("an event is an object")
    return [event for one in rows for event in PROVIDERS[provider](one)]


def _ours(carried: object, message_id: object) -> object:
    """Our id where the event carries one, else the Message-ID."""
    return carried if isinstance(carried, str) and len(carried) == 32 else message_id


def _text(value: object, most: int = 1000) -> str:
    return str(value).replace("\0", "")[:most] if value is not None else ""


def _bounce(address: object, message_id: object, reply: object, hard: bool, code: object = "") -> Event:
    """The provider says whether it is for good; what for, the server's words do."""
    said = " ".join(_text(reply).split())
    number = _text(code, 3)
    outcome = replies.outcome("rcpt", Reply(int(number) if number.isdigit() else 550, _bare(said)))
    reason = outcome.reason
    if hard:
        reason = reason if outcome.state == FAILED and reason != "refused" else "no_mailbox"
    elif reason in HARD:
        reason = "refused"
    return Event(
        "bounce", _text(address, 400), _text(message_id, 400), reason, hard and reason in HARD, said[:500]
    )


def _bare(said: str) -> str:
    """Without "smtp;" and the number before the enhanced code."""
    rest = said.removeprefix("smtp;").strip()
    return rest[4:] if rest[:3].isdigit() and rest[3:4] in (" ", "-") else rest


def _mailgun(said: Said) -> Iterator[Event]:
    found = said.get("event-data")
    one: Said = found if isinstance(found, dict) else said
    name, address = one.get("event"), one.get("recipient", "")
    message_id = _inner(one, "message", "headers").get("message-id") or one.get("Message-Id", "")
    message_id = _ours(_inner(one, "user-variables").get("delivery"), message_id)
    if name == "failed":
        status = _inner(one, "delivery-status")
        if one.get("severity") == "permanent":
            gone = one.get("reason") in ("bounce", "suppress-bounce")
            words = f"{status.get('message') or ''} {status.get('description') or ''}"
            yield _bounce(address, message_id, words, gone, status.get("code", ""))
    elif name in ("bounced", "dropped"):
        gone = name == "bounced" or one.get("code") in ("605", 605)
        yield _bounce(address, message_id, one.get("error") or one.get("description", ""), gone)
    else:
        kinds = {"complained": "complaint", "unsubscribed": "unsubscribed", "delivered": "delivered",
                 "accepted": "taken"}  # fmt: skip
        yield from _plain(name, kinds, address, message_id)


def _inner(said: Said, *names: str) -> Said:
    for name in names:
        found = said.get(name)
        said = found if isinstance(found, dict) else {}
    return said


def _plain(name: object, kinds: Mapping[str, str], address: object, message_id: object) -> Iterator[Event]:
    if isinstance(name, str) and name in kinds:
        yield Event(kinds[name], _text(address, 400), _text(message_id, 400), reply=name)


def _postmark(said: Said) -> Iterator[Event]:
    name = said.get("RecordType")
    message_id = _ours(_inner(said, "Metadata").get("delivery"), said.get("MessageID", ""))
    address = said.get("Email") or said.get("Recipient") or ""
    if name == "Bounce":
        kind = said.get("Type")
        if kind in ("SpamComplaint", "SpamNotification"):
            yield Event("complaint", _text(address, 400), _text(message_id, 400), reply=_text(kind, 40))
        elif kind in ("HardBounce", "SoftBounce", "Blocked", "BadEmailAddress", "DnsError"):
            words = said.get("Details") or said.get("Description", "")
            yield _bounce(address, message_id, words, kind in ("HardBounce", "BadEmailAddress"))
    elif name == "SubscriptionChange":
        if said.get("SuppressSending") is True and said.get("SuppressionReason") == "ManualSuppression":
            yield Event(
                "unsubscribed", _text(address, 400), _text(message_id, 400), reply="SubscriptionChange"
            )
    else:
        yield from _plain(name, {"SpamComplaint": "complaint", "Delivery": "delivered"}, address, message_id)


def _sendgrid(said: Said) -> Iterator[Event]:
    name, address = said.get("event"), said.get("email", "")
    message_id = _ours(said.get("delivery"), said.get("smtp-id", ""))
    if name == "bounce":
        words = f"{said.get('status') or ''} {said.get('reason') or ''}"
        yield _bounce(address, message_id, words.strip(), said.get("type") != "blocked")
    elif name == "dropped":
        gone = str(said.get("reason", "")).lower() in ("bounced address", "invalid")
        if gone:
            yield _bounce(address, message_id, said.get("reason", ""), True)
    else:
        kinds = {"spamreport": "complaint", "unsubscribe": "unsubscribed", "processed": "taken",
                 "group_unsubscribe": "unsubscribed", "delivered": "delivered"}  # fmt: skip
        yield from _plain(name, kinds, address, message_id)


def _brevo(said: Said) -> Iterator[Event]:
    name, address = said.get("event"), said.get("email", "")
    message_id = _ours(said.get("X-Mailin-custom"), said.get("message-id", ""))
    if name in ("hard_bounce", "invalid_email", "soft_bounce", "blocked"):
        yield _bounce(address, message_id, said.get("reason", ""), name in ("hard_bounce", "invalid_email"))
    else:
        kinds = {"spam": "complaint", "complaint": "complaint", "unsubscribe": "unsubscribed",
                 "unsubscribed": "unsubscribed", "delivered": "delivered", "request": "taken"}  # fmt: skip
        yield from _plain(name, kinds, address, message_id)


def _ses(envelope: Said) -> Iterator[Event]:
    """An event inside a notification; both forms that SES writes."""
    said: Any = msgspec.json.decode(str(envelope.get("Message", "")))
    if not isinstance(said, dict):
        raise ValueError("an event is an object")
    mail, name = _inner(said, "mail"), said.get("eventType") or said.get("notificationType")
    tags = _inner(mail, "tags").get("delivery")
    carried = tags[0] if isinstance(tags, list) and tags else None
    message_id = _ours(carried, _inner(mail, "commonHeaders").get("messageId", ""))
    if name == "Bounce":
        found = _inner(said, "bounce")
        hard = found.get("bounceType") == "Permanent" and found.get("bounceSubType") != "Suppressed"
        for one in _people(found.get("bouncedRecipients")):
            words = one.get("diagnosticCode") or one.get("status") or found.get("bounceSubType")
            yield _bounce(one.get("emailAddress"), message_id, words, hard)
    elif name == "Complaint":
        found = _inner(said, "complaint")
        for one in _people(found.get("complainedRecipients")):
            kind = _text(found.get("complaintFeedbackType") or "complaint", 40)
            yield Event("complaint", _text(one.get("emailAddress"), 400), _text(message_id, 400), reply=kind)
    elif name in ("Delivery", "Send"):
        for address in mail.get("destination") or ():
            kinds = {"Delivery": "delivered", "Send": "taken"}
            yield from _plain(name, kinds, address, message_id)


def _people(found: object) -> list[Said]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


PROVIDERS: dict[str, Callable[[Said], Iterator[Event]]] = {
    "ses": _ses,
    "mailgun": _mailgun,
    "postmark": _postmark,
    "sendgrid": _sendgrid,
    "brevo": _brevo,
}
