"""A conversation: the letters of a thread, their files, and the answer."""

import importlib
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote
from uuid import UUID

from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.pages.mail_settings import context
from console.pages.mail_words import states
from console.web import Call, as_id
from customers.mail import reading, store
from customers.mail.reading import Conversation
from customers.mail.tables import MailMessage, MailThread
from email_campaigns import answers
from email_campaigns.answers import Fate
from foundation.clock import new_id
from foundation.errors import BadInput
from foundation.text import _
from sync.tables import LandedRecord

OPEN = 3  # the last letters of a thread are open, the others folded
RISK = ".blocked"  # what is put behind the name of a file that may run when opened


@dataclass(frozen=True)
class Shown:
    """A letter of the conversation."""

    letter: MailMessage
    open: bool
    fate: Fate | None


def show(call: Call) -> Response:
    """The letters of a thread, the newest at the end, and a place to answer."""
    return _show(call)


def _show(call: Call, wrong: dict[str, str] | None = None) -> Response:
    found = reading.conversation(call.db, call.id(), whole=bool(call.query("all")))
    if found is None:
        raise HTTPException(404)
    fates = answers.fates(
        call.db, [one.delivery_id for one in found.letters if one.actor and one.delivery_id]
    )
    last = _to_answer(found)
    shown = [
        Shown(one, at >= len(found.letters) - OPEN or one is last, fates.get(one.delivery_id or UUID(int=0)))
        for at, one in enumerate(found.letters)
    ]
    return call.page(
        "conversation.html", 422 if wrong else 200, found=found, shown=shown, states=states(),
        automatic=automatic(), wrong=wrong or {}, **_form(call, found, last),
    )  # fmt: skip


def automatic() -> dict[str, str]:
    """What kind of program wrote a letter."""
    return {"reply": _("automatic answer"), "bulk": _("circular"), "report": _("report of a mail server")}


def _to_answer(found: Conversation) -> MailMessage | None:
    """The last letter that a person wrote us; else the last that came."""
    came = [one for one in found.letters if one.direction == "in" and one.automatic != "report"]
    people = [one for one in came if not one.automatic]
    return people[-1] if people else came[-1] if came else None


def _form(call: Call, found: Conversation, last: MailMessage | None) -> dict[str, Any]:
    """What the form of the answer needs; without a card or a sender there is none."""
    if last is None or found.card is None:
        return {"answered": None}
    typed = call.fields()
    subject = last.subject if last.subject[:3].lower() == "re:" else f"Re: {last.subject}".strip()
    return {
        "answered": last,
        "senders": [(str(one.id), f"{one.name} <{one.address}>") for one in answers.senders(call.db)],
        "addresses": [(one, one) for one in answers.addresses(last)],
        "typed": {"subject": subject, "text": "", "sender": "", "to": last.sender, **typed},
        "key": typed.get("key") or str(new_id()),
    }


def answer(call: Call) -> Response:
    """Send an answer; the same form sent twice is one answer."""
    letter = _letter(call.db, call.id(), as_id(call.text("letter", 40)))
    try:
        answers.send(
            call.db, letter, sender_id=as_id(call.text("sender", 40) or "-"), to=call.text("to", 320),
            subject=call.text("subject", 400), body=call.text("text", 100_000),
            key=as_id(call.text("key", 40)), actor=call.actor, context=context(call),
        )  # fmt: skip
    except BadInput as error:
        return _show(call, {error.at or "text": str(error)})
    return call.go(f"/inbox/{call.id()}#last", _("The answer is on its way."))


def settle(call: Call) -> Response:
    """It needs no answer; a new letter makes it wait again."""
    if call.db.get(MailThread, call.id()) is None:
        raise HTTPException(404)
    store.settle(call.db, call.id())
    return call.go(f"/inbox/{call.id()}", _("It waits for no answer any more."))


def _letter(db: Session, thread: UUID, letter_id: UUID) -> MailMessage:
    letter = db.get(MailMessage, letter_id)
    if letter is None or letter.thread_id != thread:
        raise HTTPException(404)
    return letter


@cache
def _reader() -> Any:
    """What takes letters apart, loaded at the first download: the web process starts without it."""
    return importlib.import_module("connectors.letters.reading")


def file(call: Call) -> Response:
    """An attachment, to be saved: never shown here, never run by its name."""
    letter = _letter(call.db, call.id(), call.id("letter"))
    number = call.request.path_params["number"]
    landed = call.db.get(LandedRecord, letter.landed_id) if letter.landed_id else None
    known = {str(one["number"]): one for one in letter.attachments}
    if landed is None or number not in known:
        raise HTTPException(404)
    try:
        name, content = _reader().attachment(landed.payload, int(number))
    except BadInput:
        raise HTTPException(404) from None
    name += RISK if known[number].get("risky") else ""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_. ") else "_" for c in name)
    names = f"filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return Response(
        content,
        media_type="application/octet-stream",
        headers={
            "content-disposition": f"attachment; {names}",
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; sandbox",
            "cache-control": "no-store",
        },
    )
