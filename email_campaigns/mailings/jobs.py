"""What happens to mailings by itself: due ones start, sent ones end, winners are found, figures counted."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from email_campaigns import secret
from email_campaigns.delivery import guards
from email_campaigns.mailings import acts, start, states, winner
from email_campaigns.mailings import freeze as freezing
from email_campaigns.results import figures
from email_campaigns.tables import Mailing
from foundation import log, problems
from foundation.clock import now
from foundation.database import transaction
from foundation.jobs import Work, beat, duty, enqueue, job
from foundation.outcomes import describe
from foundation.text import _

__all__ = ["acts"]  # registers the undo of mailings
LONG = timedelta(days=35)  # after its last letter nothing is counted any more

_DUE = text("SELECT id FROM mailings WHERE state = 'scheduled' AND starts_at <= :now ORDER BY starts_at, id")
_COPIED = text(
    "SELECT id FROM mailings WHERE state IN ('scheduled', 'freezing', 'sending', 'paused')"
    " AND frozen ->> 'home' <> :home ORDER BY id"
)
_SENT = (
    "SELECT id FROM mailings m WHERE state = 'sending' AND frozen ->> 'filled' = 'all' AND NOT EXISTS "
    "(SELECT FROM deliveries"
    " WHERE step = 'mailing:' || m.id AND state IN ('planned', 'claimed', 'handed_over', 'deferred'))"
)


@duty("mailings", every=5.0)
def look(engine: Engine) -> bool:
    """One look at all mailings under way. Each is its own transaction, and may be done twice."""
    with transaction(engine) as session:
        held = guards.held(session)
        home = secret.mark(session) if held == "restored" else secret.switch(session).home
        copied = list(session.scalars(_COPIED, {"home": home}))
        due = [] if held else list(session.scalars(_DUE, {"now": now()}))
        sent, decided = list(session.scalars(text(_SENT))), winner.due(session)
    for act, found in ((_ask, copied), (start.due, due), (winner.decide, decided), (finish, sent)):
        for one in found:
            _do(engine, act, one)
    return False


def _do(engine: Engine, act: Callable[[Session, UUID], object], mailing_id: UUID) -> None:
    """One act of one mailing; what goes wrong with it is a problem of its own, and the others go on."""
    subject = f"mailing {mailing_id}"
    try:
        with transaction(engine) as session:
            act(session, mailing_id)
            problems.settle(session, subject)
    except Exception as error:  # noqa: BLE001 (the mailing's edge)
        log.get(__name__).exception("mailing_broke", mailing=str(mailing_id))
        with transaction(engine) as session:
            problems.report(session, area="mail", subject=subject, message=describe(error), key=subject)


def finish(session: Session, mailing_id: UUID) -> None:
    """Everybody has their letter or the reason why not."""
    mailing = states.held(session, mailing_id)
    query = text(f"SELECT id FROM ({_SENT}) s WHERE id = :id")
    if states.may(mailing, "finish") and session.scalar(query, {"id": mailing_id}):
        states.move(session, mailing, "finish", finished_at=now())
        enqueue(session, "mailings.count", {"mailing": str(mailing_id)}, key=f"mailing count:{mailing_id}")


def _ask(session: Session, mailing_id: UUID) -> None:
    """Its letters may have left another installation since the copy was made: a person must say."""
    mailing = states.held(session, mailing_id)
    if states.may(mailing, "ask"):
        reason = _(
            "This is a copy of another installation: letters of this mailing may have left there since."
        )
        states.move(session, mailing, "ask", reason)


@job(start.JOB)
def freeze(work: Work) -> None:
    """Freeze the audience of a mailing that starts and write it into the ledger."""
    mailing_id = UUID(work.args["mailing"])
    freezing.freeze(work.engine, mailing_id)
    while freezing.fill(work.engine, mailing_id):
        work.checkpoint()
        with transaction(work.engine) as session:
            work.progressed(session)


@job("mailings.count")
def count(work: Work) -> None:
    """Keep a mailing's figures for lists."""
    with transaction(work.engine) as session:
        mailing = session.get(Mailing, UUID(work.args["mailing"]))
        if mailing is not None and mailing.started_at is not None:
            mailing.figures = figures.read(session, mailing).kept()
            work.guard(session)


@beat("mailings.count", every=60)
def recount(engine: Engine) -> None:
    """Have figures counted anew: every few minutes while letters leave, more seldom as time goes by."""
    with transaction(engine) as session:
        query = text(
            "SELECT id, started_at, CAST(figures ->> 'at' AS timestamptz) AS counted FROM mailings"
            " WHERE started_at > :since ORDER BY id"
        )
        for row in session.execute(query, {"since": now() - LONG}):
            if row.counted is None or now() - row.counted > _patience(row.started_at):
                enqueue(session, "mailings.count", {"mailing": str(row.id)}, key=f"mailing count:{row.id}")


def _patience(started_at: datetime) -> timedelta:
    age = now() - started_at
    return min(timedelta(hours=12), max(timedelta(minutes=2), age / 20))
