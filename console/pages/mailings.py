"""Mailings: the list, a new one, its live progress, and what a person does to it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from console import streaming
from console.format import Reader
from console.pages import mailing_words
from console.streaming import News
from console.templating import link
from console.web import Call, as_id
from email_campaigns.delivery import guards
from email_campaigns.mailings import acts, freeze, schedule, start, states, store, variants, winner
from email_campaigns.tables import Mailing, Sender
from foundation.clock import now
from foundation.errors import BadInput
from foundation.text import _, ngettext

PAGE = 50
GOING = ("freezing", "sending")
WITHOUT = ("skipped", "failed", "unknown", "cancelled", "deferred")
_COUNTS = text(
    "SELECT state, reason, count(*) AS n FROM deliveries WHERE step = :step GROUP BY 1, 2 ORDER BY 3 DESC"
)
_PACE = text(
    "SELECT count(*) FROM deliveries WHERE transport_id = :transport AND handed_at IS NOT NULL"
    " AND handed_at > :since AND step = :step"
)
_LOOK_BACK = timedelta(minutes=2)


def listing(call: Call) -> Response:
    """Every mailing, the newest first."""
    after = call.query("after")
    rows, older = store.page(call.db, as_id(after) if after else None, PAGE)
    return call.page(
        "mailings.html", rows=rows, older=older, newer=bool(after), states=mailing_words.states_()
    )


def ask(call: Call) -> Response:
    """The name of a new mailing."""
    return call.page("mailing_new.html", typed=call.fields(), wrong={})


def create(call: Call) -> Response:
    """Make the draft and go to its first question."""
    try:
        mailing = store.create(call.db, call.text("name"), call.actor)
    except BadInput as error:
        return call.page("mailing_new.html", 422, typed=call.fields(), wrong={error.at: error.message})
    return call.go(f"/mailings/{mailing.id}/audience")


def find(call: Call) -> Mailing:
    """The mailing of the address; 404 when there is none."""
    mailing = call.db.get(Mailing, call.id())
    if mailing is None:
        raise HTTPException(404)
    return mailing


def show(call: Call) -> Response:
    """How it goes; a draft's first open question instead."""
    mailing = find(call)
    if mailing.state == "draft":
        return call.go(f"/mailings/{mailing.id}/{store.missing(mailing) or 'check'}")
    counts = call.db.execute(_COUNTS, {"step": store.step(mailing.id)}).all()
    reasons = [
        (mailing_words.outcomes()[row.state], guards.sentence(row.reason) or row.reason, row.n,
         link("/deliveries", step=store.step(mailing.id), state=row.state, reason=row.reason))
        for row in counts if row.reason or row.state in WITHOUT
    ]  # fmt: skip
    return call.page(
        "mailing.html", mailing=mailing, states=mailing_words.states_(), news=_news(call.db, mailing,
        call.reader, counts),
        reasons=reasons, names=store.names(call.db, mailing), schedule=schedule.said(mailing.schedule),
        sender=call.db.get(Sender, mailing.sender_id), live=mailing.state in GOING, may=_may(mailing),
        winner=winner.said(mailing), decides=_decides(mailing), rest=variants.rest(mailing),
    )  # fmt: skip


def _may(mailing: Mailing) -> dict[str, bool]:
    acts_ = ("pause", "resume", "cancel", "send", "go_on", "change")
    return {act: states.may(mailing, act) for act in acts_}


def _decides(mailing: Mailing) -> datetime | None:
    at = winner.decides_at(mailing)
    return datetime.fromisoformat(at) if at else None


def _news(db: Session, mailing: Mailing, reader: Reader, rows: Any) -> dict[str, Any]:
    """What the live page shows, in the reader's words: counts, the share that is done, pace and time left."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.state] = counts.get(row.state, 0) + row.n
    total, written = int(mailing.frozen.get("people", 0)), sum(counts.values())
    if mailing.frozen.get("filled") == freeze.ALL or written > total:
        total = written  # cards that were merged before their turn have no row of their own
    waiting = total - sum(
        counts.get(one, 0) for one in ("accepted", "failed", "unknown", "skipped", "holdout", "cancelled")
    )
    shown = {
        "waiting": reader.number(waiting),
        "leaving": reader.number(counts.get("claimed", 0) + counts.get("handed_over", 0)),
        **{
            one: reader.number(counts.get(one, 0))
            for one in ("accepted", "failed", "unknown", "skipped", "holdout")
        },
    }
    return shown | {
        "total": reader.number(total),
        "done": None
        if not total or mailing.state == "freezing"
        else round((total - waiting) * 100 / total, 1),
        "words": _words(db, mailing, reader, total, waiting),
    }


def _words(db: Session, mailing: Mailing, reader: Reader, total: int, waiting: int) -> str:
    if mailing.state == "freezing":
        return _("The audience is being written down.")
    if mailing.state == "done":
        return _("Everybody has their letter, or the reason why not.")
    if mailing.state != "sending":
        return ""
    done = _("%(done)s of %(total)s") % {
        "done": reader.number(total - waiting),
        "total": reader.number(total),
    }
    sender = db.get(Sender, mailing.sender_id)
    values = {
        "transport": sender and sender.transport_id,
        "since": now() - _LOOK_BACK,
        "step": store.step(mailing.id),
    }
    lately = int(db.scalar(_PACE, values) or 0)
    if not lately:
        return done
    span = min(_LOOK_BACK, now() - (mailing.started_at or now())).total_seconds() or 1.0
    pace = lately / max(span, 1.0)
    left = round(waiting / pace / 60)
    said = ngettext("about %s minute left", "about %s minutes left", left) % reader.number(left)
    return f"{done} · {_('%s a second') % f'{pace:.1f}'} · {said}" if waiting else done


async def stream(request: Request) -> Response:
    """The progress by server-sent events, until the mailing rests."""
    mailing_id = as_id(request.path_params["id"])

    def look(db: Session, reader: Reader) -> list[News]:
        mailing = db.get(Mailing, mailing_id)
        if mailing is None or mailing.state not in GOING:
            return [News("end", {})]
        rows = db.execute(_COUNTS, {"step": store.step(mailing_id)}).all()
        return [News("news", _news(db, mailing, reader, rows))]

    return await streaming.serve(request, look)


def pause(call: Call) -> Response:
    """Send no more until it is resumed."""
    acts.pause(call.db, call.id(), call.actor)
    return call.go(f"/mailings/{call.id()}", _("Paused. Letters that were leaving at this moment have left."))


def resume(call: Call) -> Response:
    """Go on."""
    acts.resume(call.db, call.id())
    return call.go(f"/mailings/{call.id()}", _("It goes on."))


def cancel(call: Call) -> Response:
    """End it for good."""
    done = acts.cancel(call.db, call.id(), call.actor)
    said = _("Cancelled: %(ended)s letters will not be sent, %(left)s had left already.")
    said %= {"ended": call.reader.number(done.ended), "left": call.reader.number(done.left)}
    return call.go(f"/mailings/{call.id()}", said)


def answer(call: Call) -> Response:
    """A person says that it goes out all the same."""
    start.answer(call.db, call.id(), call.actor)
    return call.go(f"/mailings/{call.id()}", _("It goes out now."))


def unschedule(call: Call) -> Response:
    """Back to a draft."""
    start.unschedule(call.db, call.id(), call.actor)
    return call.go(f"/mailings/{call.id()}/when", _("It is a draft again, and nothing is sent."))


def clone(call: Call) -> Response:
    """A draft that says the same."""
    made = store.clone(call.db, find(call), call.actor)
    return call.go(
        f"/mailings/{made.id}/audience", _("A copy, without a date: nothing is sent before you start it.")
    )


def delete(call: Call) -> Response:
    """Remove a draft."""
    store.delete(call.db, find(call))
    return call.go("/mailings", _("The draft is deleted."))


def choose(call: Call) -> Response:
    """Name the winner for the rest."""
    count = winner.choose(call.db, call.id(), call.text("variant", 10), call.actor)
    said = ngettext("%s person gets it now.", "%s people get it now.", count) % call.reader.number(count)
    return call.go(f"/mailings/{call.id()}/results", said)
