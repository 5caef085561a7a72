"""Which file an import means, and how far it has come: what stands between 1C's asking and the job."""

from datetime import timedelta
from uuid import UUID

import msgspec
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from foundation import clock, jobs
from foundation.errors import BadInput
from foundation.settings import Settings
from foundation.text import _
from sync import runs
from sync.exchange import archives, spool
from sync.exchange.replies import Refused
from sync.exchange.tables import ExchangeFile, ExchangeImport, ExchangeSession
from sync.tables import Run

KIND = "exchange"
JOB = "sync.exchange"
LEAVING = "sync.exchange.leaving"
UNFINISHED = ("waiting", "running")
FRESH = timedelta(hours=1)  # so long a new session goes on with files of the one before
REST = timedelta(minutes=1)  # after its last chunk a file that nobody asks to import is imported all the same


class State(msgspec.Struct, frozen=True):
    """How an import does. `percent` is of the file's bytes."""

    state: str
    read: int = 0
    percent: int = 0
    problems: int = 0
    error: str = ""


def find(session: Session, settings: Settings, owner: ExchangeSession, name: str) -> tuple[ExchangeFile, str]:
    """The file that a name means, and the name inside when it lies in a zip. Refused names what there is."""
    name = spool.plain_name(name)
    files = _files(session, owner, name)
    for file in files:
        if _same(file.name, name):
            return file, ""
    broken = ""
    for file in files:
        path = spool.path_of(settings, file)
        if not path.exists() or not archives.is_zip(path):
            continue
        try:
            inside = archives.members(path)
        except BadInput:
            broken = _("The archive %s has not come whole (%s bytes); send it again.") % (
                file.name,
                file.size,
            )
            continue
        for member in inside:
            if _same(member.replace("\\", "/"), name):
                return file, member
    raise Refused(
        broken or _("The file %s did not arrive in this exchange. Send it first (mode=file).") % name
    )


def _files(session: Session, owner: ExchangeSession, name: str) -> list[ExchangeFile]:
    """Files that may be meant, of this session; of the one before when this has brought none."""
    last = name.rpartition("/")[2].lower()
    meant = or_(
        func.lower(ExchangeFile.name) == last,
        func.lower(ExchangeFile.name).endswith("/" + last, autoescape=True),
        func.lower(ExchangeFile.name).endswith(".zip"),
    )
    newest = (ExchangeFile.at.desc(), ExchangeFile.attempt.desc())
    mine = ExchangeFile.session_id == owner.id
    if session.scalar(select(ExchangeFile.id).where(mine).limit(1)) is not None:
        query = select(ExchangeFile).where(mine, ExchangeFile.round == owner.round, meant)
        return list(session.scalars(query.order_by(*newest)))
    before = session.scalar(
        select(ExchangeSession.id)
        .where(
            ExchangeSession.connection_id == owner.connection_id,
            ExchangeSession.id < owner.id,
            ExchangeSession.seen_at > clock.now() - FRESH,
        )
        .order_by(ExchangeSession.id.desc())
        .limit(1)
    )
    query = select(ExchangeFile).where(ExchangeFile.session_id == before, meant)
    return list(session.scalars(query.order_by(ExchangeFile.round.desc(), *newest)))


def _same(one: str, other: str) -> bool:
    """Whether two names mean a file: 1C says paths in one request and bare names in the next."""
    return one.rpartition("/")[2].lower() == other.rpartition("/")[2].lower()


def ask(session: Session, connection_id: UUID, file: ExchangeFile, member: str) -> State:
    """Import a file once, in the background; asked again, how it does. A failed one is tried again."""
    key = (ExchangeImport.file_id == file.id, ExchangeImport.member == member)
    session.execute(select(ExchangeFile.id).where(ExchangeFile.id == file.id).with_for_update())
    found = session.scalars(select(ExchangeImport).where(*key).with_for_update()).first()
    if found is None:
        found = ExchangeImport(connection_id=connection_id, file_id=file.id, member=member)
        session.add(found)
        _begin(session, found, member or file.name)
    state = read(session, found)
    if state.state == "failed" and found.state in UNFINISHED:
        found.state, found.error = "failed", state.error
    elif state.state == "failed" and found.at < clock.now() - FRESH:  # a later exchange tries it once more
        _begin(session, found, member or file.name)
        state = State("waiting")
    return state


def _begin(session: Session, one: ExchangeImport, name: str) -> None:
    one.state, one.error, one.at = "waiting", "", clock.now()
    run = runs.begin(session, one.connection_id, KIND, detail={"file": name})
    args = {"connection": str(one.connection_id)}
    run.job_id = jobs.enqueue(session, JOB, args, key=f"{KIND}:{one.connection_id}")
    one.run_id = run.id
    session.flush()


def read(session: Session, one: ExchangeImport) -> State:
    """How an import does; failed, too, when its run was given up or stopped."""
    run = session.get(Run, one.run_id) if one.run_id else None
    if run is None:
        return State(one.state, error=one.error)
    if one.state in UNFINISHED and run.state not in runs.UNFINISHED:
        return State("failed", run.read, 0, run.problems, run.error or run.state)
    return State(one.state, run.read, int(run.detail.get("percent", 0)), run.problems, one.error)


def ask_unasked(session: Session) -> None:
    """Old 1C never asks to import documents; one that does not end as a file does is tried, too."""
    asked = select(ExchangeImport.id).where(ExchangeImport.file_id == ExchangeFile.id).exists()
    query = (
        select(ExchangeFile, ExchangeSession.connection_id)
        .join(ExchangeSession, ExchangeSession.id == ExchangeFile.session_id)
        .where(ExchangeFile.type == "sale", ExchangeSession.version == "", ~asked)
        .where(ExchangeFile.dropped.is_(False))
        .where(ExchangeFile.at < clock.now() - REST, ExchangeFile.at > clock.now() - 24 * FRESH)
        .order_by(ExchangeFile.at)
        .limit(50)
    )
    for file, connection_id in session.execute(query).all():
        ask(session, connection_id, file, "")


def ask_leaving(session: Session, owner: ExchangeSession, *, accept_loss: bool = False) -> None:
    """Mark as gone, in the background, the goods that this round of a session did not name."""
    args = {"session": str(owner.id), "round": owner.round, "accept_loss": accept_loss}
    jobs.enqueue(session, LEAVING, args, key=f"leaving:{owner.id}:{accept_loss}")


def vanished(session_id: UUID) -> str:
    """The key of the problem of an upload that left out too much."""
    return f"vanished:exchange:{session_id}"
