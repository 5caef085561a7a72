"""Before a letter is sent: what is wrong with it, who would be skipped, and a test to one's own mailbox."""

from typing import Any

from starlette.responses import Response

from console.pages import letter_people, letter_words
from console.pages.connections import sealer_of
from console.pages.letters import as_somebody, find, newest
from console.web import Call
from email_campaigns.delivery import guards, senders, testing
from email_campaigns.letters import checks, render, spam, store
from email_campaigns.letters.render import Unrendered
from foundation.context import Context
from foundation.errors import BadInput, KartotekaError
from foundation.text import _

TRIED = 20


def show(call: Call) -> Response:
    """All findings, tried with the newest customers."""
    return _page(call)


def _page(call: Call, **shown: Any) -> Response:
    letter = find(call)
    row = newest(call, letter)
    people = checks.newest_people(call.db, TRIED)
    found = checks.of(call.db, letter, row.id, people, trigger=letter.purpose == "transactional")
    asked = call.text("language", 20) or call.query("language", 20)
    chosen = as_somebody(call.text("as"))
    from_whom = senders.everyone(call.db)
    offered = letter_people.offered(call.db, "", chosen)
    names = letter_words.languages(call.me.locale, tuple(row.texts))
    extra: dict[str, Any] = {"opinion": None, "refused": "", "wrong": {}, "typed": call.fields()}
    return call.page(
        "letter_checks.html", 422 if shown.get("wrong") else 200, letter=letter, row=row, found=found,
        tried=len(people), names=names, chosen=chosen, scored=spam.program() is not None, tab="checks",
        language=asked if asked in row.texts else row.language, people=offered, senders=from_whom,
        senders_named=[(str(one.id), f"{one.name} <{one.address}>") for one in from_whom],
        languages_named=[(tag, names.get(tag, tag)) for tag in sorted(row.texts)], **(extra | shown),
    )  # fmt: skip


def send_test(call: Call) -> Response:
    """Send the newest version to a mailbox of one's own, as a customer would get it, and say how it went."""
    letter = find(call)
    version = store.version(call.db, newest(call, letter).id)
    sender, to = as_somebody(call.text("sender")), call.text("to", 320)
    if sender is None:
        return _page(call, wrong={"sender": _("Choose who the letter is from.")})
    variables = letter_people.context(call.db, version, as_somebody(call.text("as")))
    context = Context(call.settings, sealer_of(call))
    try:
        outcome = testing.test_send(
            call.engine, version, call.text("language", 20), variables, sender, to, purpose=letter.purpose,
            topic=letter.topic, context=context,
        )  # fmt: skip
    except BadInput as error:
        return _page(call, wrong={{"address": "to"}.get(error.at, error.at or "to"): error.message})
    except KartotekaError as error:
        return _page(call, refused=str(error))
    if outcome.state != "accepted":
        why = guards.sentence(outcome.reason, {"reply": outcome.reply}) or outcome.reply
        return _page(call, refused=_("It did not arrive: %s") % why)
    return call.go(f"/letters/{letter.id}/checks", _("Sent to %s: the mail server took it.") % to)


def score(call: Call) -> Response:
    """What SpamAssassin says, where it is installed; it takes some seconds."""
    letter = find(call)
    version = store.version(call.db, newest(call, letter).id)
    try:
        made = render.render(
            version, call.text("language", 20), letter_people.context(call.db, version, None)
        )
    except Unrendered as error:
        return _page(call, refused=str(error))
    found = spam.opinion(made)
    return _page(call, refused=found) if isinstance(found, str) else _page(call, opinion=found)
