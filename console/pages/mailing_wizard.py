"""The questions of a mailing, one a page: audience, letter, when; and the check before it starts."""

from typing import Any

from sqlalchemy import select
from starlette.responses import Response

from console.pages import mailing_words
from console.pages.mailings import find
from console.web import Call
from customers.segments import store as segments
from email_campaigns.delivery import senders
from email_campaigns.letters import store as letters
from email_campaigns.mailings import plan, schedule, start, store, variants
from email_campaigns.tables import Letter, Mailing
from foundation.errors import BadInput
from foundation.text import _

VARIANTS = 4
NEXT = {"audience": "letter", "letter": "when", "when": "check"}


def _page(
    call: Call, mailing: Mailing, step: str, wrong: dict[str, str] | None = None, **shown: Any
) -> Response:
    fixed = mailing.state != "draft"
    return call.page(
        f"mailing_{step}.html", 422 if wrong else 200, mailing=mailing, step=step,
        steps=mailing_words.steps(),
        wrong=wrong or {}, fixed=fixed, states=mailing_words.states_(), **shown,
    )  # fmt: skip


def _kept(call: Call, step: str, **parts: Any) -> Response:
    """Keep what was typed and go on; what can't be used stays in the form."""
    mailing = find(call)
    try:
        store.change(call.db, mailing, **parts)
    except BadInput as error:
        call.db.rollback()
        return PAGES[step](call, {error.at: error.message})
    return call.go(f"/mailings/{mailing.id}/{NEXT[step]}")


def audience(call: Call, wrong: dict[str, str] | None = None) -> Response:
    """Which segments get it, and which never."""
    mailing = find(call)
    chosen = dict.fromkeys(mailing.include, "include") | dict.fromkeys(mailing.exclude, "exclude")
    if wrong:
        chosen = {one.id: call.text(f"s_{one.id}", 10) for one in segments.everything(call.db)}
    rows = segments.everything(call.db)
    return _page(call, mailing, "audience", wrong, rows=rows, chosen=chosen)


def save_audience(call: Call) -> Response:
    """Keep the segments, and the name."""
    said = {one.id: call.text(f"s_{one.id}", 10) for one in segments.everything(call.db)}
    parts: dict[str, Any] = {
        side: [one for one, value in said.items() if value == side] for side in ("include", "exclude")
    }
    if not parts["include"]:
        return audience(call, {"include": _("Choose at least one segment: without any, nobody is meant.")})
    return _kept(call, "audience", name=call.text("name"), **parts)


def letter(call: Call, wrong: dict[str, str] | None = None) -> Response:
    """Who it is from and what it says; variants to compare."""
    mailing = find(call)
    known = call.db.scalars(select(Letter).where(Letter.archived_at.is_(None)).order_by(Letter.name)).all()
    newest = letters.newest(call.db, mailing.letter_id) if mailing.letter_id else None
    languages = sorted(newest.texts, key=lambda tag: tag != newest.language) if newest else []
    subjects = {tag: newest.texts[tag]["subject"] for tag in languages} if newest else {}
    shown = _typed_letter(call) if wrong else {
        "sender_id": str(mailing.sender_id or ""), "letter_id": str(mailing.letter_id or ""),
        "variants": mailing.variants, "winner": mailing.winner,
    }  # fmt: skip
    return _page(
        call, mailing, "letter", wrong, letters=known, senders=senders.everyone(call.db), said=shown,
        most=VARIANTS,
        languages=languages, subjects=subjects, measures=mailing_words.measures(),
    )  # fmt: skip


def _typed_letter(call: Call) -> dict[str, Any]:
    typed = []
    for place in range(VARIANTS):
        at = f"v{place}_"
        subjects = {key.removeprefix(f"{at}subject_"): value for key, value in call.fields().items()
                    if key.startswith(f"{at}subject_") and value}  # fmt: skip
        if share := call.text(f"{at}share", 10):
            letter_id, hours = call.text(f"{at}letter", 40), call.text(f"{at}hours", 10)
            typed.append({"share": share, "letter_id": letter_id, "subjects": subjects, "hours": hours})
    winner = {"by": call.text("winner_by", 20), "after_hours": call.text("winner_hours", 10)}
    return {
        "sender_id": call.text("sender", 40), "letter_id": call.text("letter", 40), "variants": typed,
        "winner": winner,
    }  # fmt: skip


def save_letter(call: Call) -> Response:
    """Keep sender, letter and variants."""
    said = _typed_letter(call)
    if not said["letter_id"]:
        return letter(call, {"letter": _("Choose a letter.")})
    if not said["variants"]:
        said["winner"] = {}
    return _kept(call, "letter", **said)


def when(call: Call, wrong: dict[str, str] | None = None) -> Response:
    """When it goes, how fast, and how many are held out."""
    mailing = find(call)
    kept = {
        "kind": mailing.schedule.get("kind", "now"), "wall": mailing.schedule.get("wall", ""),
        "zone": mailing.schedule.get("zone") or call.me.zone, "per_hour": mailing.per_hour or "",
        "holdout": f"{mailing.holdout.normalize():f}" if mailing.holdout else "",
        "late_hours": mailing.late_hours,
    }  # fmt: skip
    return _page(
        call,
        mailing,
        "when",
        wrong,
        said=kept | (call.fields() if wrong else {}),
        kinds=mailing_words.kinds(),
    )


def save_when(call: Call) -> Response:
    """Keep the schedule."""
    said = {name: call.text(name, 60) for name in ("kind", "wall", "zone")}
    parts = {name: call.text(name, 20) for name in ("per_hour", "holdout", "late_hours")}
    return _kept(call, "when", schedule=said, **parts)


def check(call: Call) -> Response:
    """The plan: who gets it, who doesn't and why, with samples; nothing is changed by looking."""
    mailing = find(call)
    return _check(call, mailing)


def _check(call: Call, mailing: Mailing, moved: str = "") -> Response:
    made = plan.make(call.db, mailing)
    return _page(
        call, mailing, "check", plan=made, moved=moved, names=store.names(call.db, mailing),
        schedule=schedule.said(mailing.schedule), rest=variants.rest(mailing), most=plan.EXACT,
        hours={arm.name: arm.hours for arm in variants.arms(mailing)},
    )  # fmt: skip


def begin(call: Call) -> Response:
    """Start it as it was shown; when something moved since, show that first."""
    mailing = find(call)
    try:
        operation = start.start(call.db, mailing.id, call.actor, call.text("plan", 100))
    except start.Moved as error:
        call.db.rollback()
        return _check(call, find(call), error.message)
    except BadInput as error:
        call.db.rollback()
        return _check(call, find(call), error.message)
    said = _("It starts now.") if mailing.state == "freezing" else _("Scheduled.")
    return call.go(f"/mailings/{mailing.id}", said, operation.id)


PAGES = {"audience": audience, "letter": letter, "when": when}
