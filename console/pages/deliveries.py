"""Deliveries: the ledger of letters by state, reason, step and address, and one letter's story."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.pages.letter_words import languages
from console.pages.mail_settings import context
from console.pages.mail_words import happenings, reasons, states
from console.templating import link
from console.web import Call
from customers.tables import Customer
from email_campaigns.delivery import ledger, listing
from email_campaigns.journeys.tables import Journey
from email_campaigns.tables import Delivery, Mailing
from foundation.text import _, ngettext

PAGE = 50
FILTERS = ("state", "reason", "step", "address")


def listing_page(call: Call) -> Response:
    """Letters that match, the newest first."""
    asked = {name: call.query(name) for name in FILTERS}
    if asked["state"] not in listing.STATES:
        asked["state"] = ""
    try:
        before = UUID(call.query("before"))
    except ValueError:
        before = None
    found = listing.page(call.db, **asked, before=before, limit=PAGE + 1)
    rows = found[:PAGE]
    names = listing.named(call.db, rows) | _named_step(call, asked["step"])
    return call.page(
        "deliveries.html", rows=rows, names=names, people=_people(call, rows), asked=asked, states=states(),
        chips=_chips(asked, names),
        states_named=[("", _("any")), *((key, said[0]) for key, said in states().items())],
        reasons_named=[("", _("any")), *reasons().items()],
        mendable=asked["state"] == "failed" and asked["step"] and asked["reason"] in ledger.MENDABLE,
        older=rows[-1].id if len(found) > PAGE else None, newer=before is not None,
    )  # fmt: skip


def _people(call: Call, rows: Sequence[listing.Row | Delivery]) -> dict[UUID | None, str]:
    """Whom rows are meant for, by card: most telling where there is no address. One query."""
    cards = {row.customer_id for row in rows if row.customer_id}
    wanted = select(Customer.id, func.coalesce(Customer.name, Customer.phone)).where(Customer.id.in_(cards))
    return {card: said for card, said in call.db.execute(wanted) if said} if cards else {}


def _named_step(call: Call, step: str) -> dict[str, str]:
    """The name of the mailing that is filtered by, though no row matches."""
    mailing = step.removeprefix("mailing:")
    try:
        row = call.db.get(Mailing, UUID(mailing)) if mailing != step else None
    except ValueError:
        row = None
    return {step: row.name} if row is not None else {}


def _chips(asked: dict[str, str], names: dict[str, str]) -> list[dict[str, str]]:
    """What is filtered by, each with the list without it."""
    shown = {
        "state": states().get(asked["state"], ("",))[0],
        "reason": reasons().get(asked["reason"], asked["reason"]),
        "step": names.get(asked["step"], asked["step"].partition(":")[0]), "address": asked["address"],
    }  # fmt: skip
    return [
        {"words": words, "without": link("/deliveries", **{**asked, name: ""})}
        for name, words in shown.items()
        if asked[name]
    ]


def show(call: Call) -> Response:
    """One letter: to whom, of what, by which way, what became of it."""
    story = listing.story(call.db, call.id(), context(call))
    if story is None:
        raise HTTPException(404)
    return call.page(
        "delivery.html", story=story, states=states(), happenings=happenings(),
        journey=_journey(call, story.row.step), who=_people(call, [story.row]).get(story.row.customer_id),
        languages=languages(call.me.locale, (story.row.language,) if story.row.language else ()),
    )  # fmt: skip


def _journey(call: Call, step: str) -> tuple[str, str] | None:
    """The journey that a letter is of, with the place that tells about this person's way."""
    kind, *parts = step.split(":")
    if kind != "journey" or len(parts) != 4:
        return None
    row = call.db.get(Journey, UUID(parts[0]))
    return (row.name, f"/journeys/{row.id}/runs/{UUID(parts[3])}") if row else None


def again(call: Call) -> Response:
    """Send failed letters of a step once more, the cause being mended."""
    step, reason = call.text("step", 200), call.text("reason", 40)
    count = ledger.again(call.db, step, reason)
    said = ngettext("%(num)s letter goes out again.", "%(num)s letters go out again.", count)
    return call.go(link("/deliveries", step=step), said % {"num": call.reader.number(count)})


def resolve(call: Call) -> Response:
    """A person says what became of a letter of unknown fate."""
    verdict = call.text("verdict", 20)
    ledger.resolve(call.db, call.id(), verdict, call.actor)
    said = {
        "arrived": _("Counted as arrived."),
        "lost": _("Counted as lost; nobody is written to again."),
        "again": _("It goes out once more, with the same Message-ID."),
    }
    return call.go(f"/deliveries/{call.id()}", said[verdict])
