"""The editor of a journey: steps in nested lists, conditions as text with a live count."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, null, select
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse, Response

from console import happenings
from console.pages import journey_drawing, journey_input, journey_words, journeys, mail_words
from console.templating import render
from console.web import Call
from customers.segments import language
from customers.segments import store as segments
from email_campaigns import triggers
from email_campaigns.delivery import senders
from email_campaigns.journeys import calls, outside, program, store
from email_campaigns.journeys.steps import webhooks
from email_campaigns.journeys.tables import Journey
from email_campaigns.tables import Letter
from foundation.clock import now
from foundation.errors import BadInput, Misconfigured
from foundation.text import _, ngettext

PATIENCE = 2_000  # milliseconds for one condition's count; whoever typed on has stopped waiting anyway
MOST_COUNTED = 12  # of a page without a script


def show(call: Call) -> Response:
    """The editor with the newest version, or with an older one to begin from."""
    journey = journeys.find(call)
    number, spec = journeys.numbered(call, journey)
    return _editor(call, journey, spec, number)


def save(call: Call) -> Response:
    """Do what the pressed button says: save, or change the steps and show them again, saving nothing."""
    journey = journeys.find(call)
    trigger = triggers.everything().get(call.text("trigger", 60))
    kinds = {one.name: one.kind for one in trigger.fields} if trigger else {}
    spec, do = journey_input.read(call.form, kinds), call.text("do", 60) or "save"
    typed: dict[str, Any] = {"name": call.text("name"), "priority": call.text("priority", 10)}
    if do == "check":
        counts, wrong = _counted(call, spec)
        return _editor(
            call, journey, spec, journey.version, counts=counts, wrong=wrong, unsaved=True, **typed
        )
    if do.startswith(("try:", "secret:")):
        counts, wrong = _called(call, spec, do)
        return _editor(
            call, journey, spec, journey.version, counts=counts, wrong=wrong, unsaved=True, **typed
        )
    if do != "save":
        journey_input.act(spec, do)
        return _editor(call, journey, spec, journey.version, unsaved=True, **typed)
    try:
        priority = journey_input.number(typed["priority"])
        if not isinstance(priority, int):
            raise BadInput(_("A priority is a number from 1 (first) to 9."), "priority")
        store.rename(call.db, journey, typed["name"], priority)
        before = journey.version
        number = store.save(call.db, journey, spec, call.actor)
    except BadInput as error:
        call.db.rollback()
        wrong = {journey_input.named(error.at): error.message}
        journey = journeys.find(call)
        return _editor(call, journey, spec, journey.version, 422, wrong=wrong, unsaved=True, **typed)
    said = _("Saved as version %d.") % number if number > before else _("Saved.")
    return call.go(f"/journeys/{journey.id}", said)


def _called(call: Call, spec: dict[str, Any], do: str) -> tuple[dict[str, str], dict[str, str]]:
    """Try an outside address out, or give its host another secret; what came of it, and what is wrong."""
    verb, _rest, path = do.partition(":")
    step = journey_input.at(spec, path)
    if step is None or step["type"] != "webhook":
        return {}, {}
    field, origin = f"s{path}_url", webhooks.origin(step["url"])
    if verb == "secret":
        calls.renew(call.db, origin)
        return {field: _("Calls are signed with a new secret from now on.")}, {}
    try:
        return {field: calls.try_out(call.db, step["url"], origin)}, {}
    except Misconfigured as error:
        return {}, {field: str(error)}


def _secrets(call: Call, spec: dict[str, Any]) -> dict[str, str]:
    """Of the outside addresses of a journey that are known here, what calls to them are signed with."""
    found = {one["url"]: webhooks.origin(one["url"]) for one in program.walk(spec["steps"])
             if one["type"] == "webhook"}  # fmt: skip
    known = calls.secrets_of(call.db, set(found.values()))
    return {address: known[origin] for address, origin in found.items() if origin in known}


def _letters(call: Call) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Letters to choose from, and lists of codes that one can hand out of. One query."""
    try:
        pools: ColumnElement[Any] = outside.coupons().pools()
    except Misconfigured:
        pools = null().label("pools")
    wanted = select(Letter.id, Letter.name, pools).where(Letter.archived_at.is_(None)).order_by(Letter.name)
    rows = call.db.execute(wanted).all()
    codes = [(key, name) for key, name in (rows[0].pools or ())] if rows else []
    return [(str(row.id), row.name) for row in rows], [("", _("none")), *codes] if codes else []


def _editor(
    call: Call, journey: Journey, spec: dict[str, Any], number: int, status: int = 200, **shown: Any
) -> Response:
    trigger = journeys.trigger_of(spec)
    known = segments.everything(call.db)
    letters, coupons = _letters(call)
    extra: dict[str, Any] = {
        "name": journey.name,
        "priority": journey.priority,
        "counts": {},
        "unsaved": False,
    }
    return journeys.page(
        call, journey, spec, "journey_edit.html", status, tab="steps", number=number,
        about=trigger.about() if trigger else "", fields=trigger.fields if trigger else (), segments=known,
        over=trigger is not None and trigger.over is not None,
        letters=letters,
        senders=[(str(one.id), f"{one.name} · {one.address}") for one in senders.everyone(call.db)],
        lists=[(str(one.id), one.name) for one in known if one.kind == "list"], examples=examples(),
        kinds=journey_words.kinds(), pictures=journey_words.PICTURES, units=journey_words.units(),
        weekdays=journey_words.weekdays(), acts=journey_words.acts(), failures=journey_words.failures(),
        settable=journey_words.settable(), coupons=coupons,
        known=[*happenings.kinds(), *mail_words.happenings().items()],
        secrets=_secrets(call, spec), goals=journey_words.goals(),
        reentries=journey_words.reentries(), most_arms=journey_input.MOST_ARMS,
        most_exits=journey_input.MOST_EXITS, **(extra | shown),
    )  # fmt: skip


def examples() -> list[tuple[str, str]]:
    """Conditions to learn from, with what each means."""
    return [
        ("orders.count(last 7 days) = 0", _("hasn't ordered for a week")),
        ("orders.count() >= 2", _("has ordered twice or more, ever")),
        ("orders.sum() >= 50000 KZT", _("has spent that much")),
        ('city = "Almaty"', _("lives there")),
        ("opened(any letter, last 3 days)", _("has opened a letter lately")),
        ("not clicked(any letter, last 3 days)", _("hasn't clicked")),
        ("visited(last 24 hours)", _("was on the site within a day")),
        ("debts.count() > 0", _("has an invoice to pay")),
    ]


# conditions, counted


def count(call: Call) -> Response:
    """A piece of the page: how many a condition holds for, or why it can't be used."""
    said = call.text("condition", journey_input.LONGEST + 1)
    words, wrong = _count(call.db, call, said) if said else ("", "")
    return HTMLResponse(render("journey_count.html", {"words": words, "wrong": wrong}))


def _count(session: Session, call: Call, said: str) -> tuple[str, str]:
    """Words, and what is wrong with it."""
    try:
        node = language.parse(said)
        segments.known_lists(session, node)
    except BadInput as error:
        return "", f"{error.message} ({error.at})" if error.at else error.message
    found = segments.first_in_time(session, node, now(), 1, milliseconds=PATIENCE)
    if found is None:
        return _("This takes longer than %s seconds to count.") % (PATIENCE // 1000), ""
    words = ngettext("holds for %s customer now", "holds for %s customers now", found.number)
    return words % call.reader.number(found.number), ""


def _counted(call: Call, spec: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Of every condition by its field: its count, and what is wrong."""
    counts: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for place, (name, said) in enumerate(_conditions(spec)):
        if place < MOST_COUNTED:
            words, problem = _count(call.db, call, said)
            (wrong if problem else counts)[name] = problem or words
    return counts, wrong


def _conditions(spec: dict[str, Any]) -> Iterator[tuple[str, str]]:
    goal = spec["goal"] or {}
    if goal.get("condition"):
        yield "goal_condition", goal["condition"]
    for place, one in enumerate(spec["exits"]):
        yield f"exit{place}", one["condition"]
    yield from _of_steps(spec["steps"], "")


def _of_steps(steps: list[dict[str, Any]], prefix: str) -> Iterator[tuple[str, str]]:
    for place, step in enumerate(steps):
        path = f"{prefix}{place}"
        if step.get("condition"):
            yield f"s{path}_condition", step["condition"]
        sides = ("yes", "no") if step["type"] == "condition" else range(len(step.get("arms", ())))
        for side, inside in zip(sides, journey_drawing.inner(step), strict=False):
            yield from _of_steps(list(inside), f"{path}.{side}.")  # type: ignore[arg-type]
