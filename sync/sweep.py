"""Complete sweeps: what a whole reading of a stream did not see is asked for by name, then marked as gone."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from uuid import UUID

from sqlalchemy import Engine, delete, text
from sqlalchemy.orm import Session

from connectors.base import Connector, Raw, Stream
from foundation import clock, problems
from foundation.database import transaction
from foundation.errors import Permanent
from foundation.jobs import Work
from sync import runs
from sync.landing import land
from sync.tables import Sighting

CHUNK = 100
LARGEST_SHARE = 0.2  # of a stream may vanish in one sweep
SMALL = 10  # so few may always vanish


class TooManyGone(Permanent):
    """More than a fifth of a stream has vanished: a person must say that this is right."""


def first_seen(session: Session, run_id: UUID, stream: str, records: Iterable[Raw]) -> set[str]:
    """Remember what this run has seen; answers the ids that it had not seen before."""
    ids = sorted({raw.external_id for raw in records if not raw.gone})
    found = session.scalars(
        text(
            "INSERT INTO sightings (run_id, stream, external_id)"
            " SELECT :run, :stream, s.id FROM unnest(CAST(:ids AS text[])) AS s(id) ON CONFLICT DO NOTHING"
            " RETURNING external_id"
        ),
        {"run": run_id, "stream": stream, "ids": ids},
    )
    return set(found)


def settle(
    work: Work, connector: Connector, stream: Stream, connection_id: UUID, run_id: UUID,
    began_at: datetime, *, accept_loss: bool,
) -> None:  # fmt: skip
    """Ask for each object that was not seen; those that are gone get their tombstone.

    Asking by name tells real deletions from records that slipped between two pages while paging shifted.
    """
    with transaction(work.engine) as session:
        unseen, alive = _unseen(session, connection_id, run_id, stream.name, began_at)
        held = not allowed(session, connection_id, stream, len(unseen), alive, accept_loss=accept_loss)
    if held:
        raise TooManyGone(_words(stream, len(unseen), alive))
    remaining = iter(unseen)
    while chunk := list(islice(remaining, CHUNK)):
        read_at = clock.now()
        raws = look_again(connector, stream.name, chunk)
        with transaction(work.engine) as session:
            work.guard(session)
            run = runs.hold(session, run_id)
            runs.count(run, land(session, connection_id, stream.name, raws, "pull", read_at=read_at))
    forget(work.engine, run_id, stream.name)


def allowed(
    session: Session, connection_id: UUID, stream: Stream, missing: int, alive: int, *, accept_loss: bool
) -> bool:
    """Whether so many may be marked as gone; when not, a person is asked, for a lost right looks the same."""
    if missing > max(SMALL, alive * LARGEST_SHARE) and not accept_loss:
        _ask(session, connection_id, stream, missing, alive)
        return False
    problems.settle(session, f"vanished:{connection_id}:{stream.name}")
    return True


def look_again(connector: Connector, stream: str, external_ids: Sequence[str]) -> list[Raw]:
    """The objects as they are now; those nobody answers for come as gone."""
    if type(connector).fetch is Connector.fetch:
        return [Raw(external_id, "", gone=True) for external_id in external_ids]
    found = {raw.external_id: raw for raw in connector.fetch(stream, external_ids)}
    return [found.get(i) or Raw(i, "", gone=True) for i in external_ids]


def forget(engine: Engine, run_id: UUID, stream: str | None = None) -> None:
    """Drop what a run has noted."""
    with transaction(engine) as session:
        statement = delete(Sighting).where(Sighting.run_id == run_id)
        session.execute(statement if stream is None else statement.where(Sighting.stream == stream))


def _unseen(
    session: Session, connection_id: UUID, run_id: UUID, stream: str, began_at: datetime
) -> tuple[list[str], int]:
    """Objects in force since before the run that it did not see, and how many are in force in all."""
    here = {"connection": connection_id, "stream": stream, "run": run_id, "began": began_at}
    alive = session.scalar(
        text(
            "SELECT count(*) FROM landed_heads"
            " WHERE connection_id = :connection AND stream = :stream AND NOT gone"
        ),
        here,
    )
    unseen = session.scalars(
        text(
            "SELECT h.external_id FROM landed_heads h WHERE h.connection_id = :connection"
            " AND h.stream = :stream AND NOT h.gone AND h.moved_at < :began"
            " AND NOT EXISTS (SELECT FROM sightings s WHERE s.run_id = :run AND s.stream = h.stream"
            " AND s.external_id = h.external_id) ORDER BY h.external_id"
        ),
        here,
    ).all()
    return list(unseen), int(alive or 0)


def _words(stream: Stream, missing: int, alive: int) -> str:
    return (
        f"{stream.title}: {missing} of {alive} are no longer there. Nothing was marked as gone. If that is "
        "right, pull in full again and accept the loss; otherwise check the access rights of the key."
    )


def _ask(session: Session, connection_id: UUID, stream: Stream, missing: int, alive: int) -> None:
    problems.report(
        session,
        area="pull",
        subject=f"{stream.name}: {missing} vanished",
        message=_words(stream, missing, alive),
        source_id=connection_id,
        key=f"vanished:{connection_id}:{stream.name}",
    )
