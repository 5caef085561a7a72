"""The end of a full upload: goods that it did not name are marked as gone, unless too many.

People upload one group of goods after the other as “full”: then most of the shop seems to be missing.
"""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from connectors.accounting.commerceml.parts import Names, Piece
from connectors.accounting.commerceml.reading import read
from connectors.base import Raw
from foundation import clock, problems
from foundation.database import transaction
from foundation.jobs import Work, job
from sync import context
from sync.exchange import archives, queueing, spool
from sync.exchange.importing import payloads
from sync.exchange.tables import ExchangeFile, ExchangeImport, ExchangeSession
from sync.heads import read_heads
from sync.landing import land
from sync.sweep import LARGEST_SHARE, SMALL

STREAM = "products"
PORTION = 500


@job(queueing.LEAVING)
def leave(work: Work) -> None:
    """Mark as gone what a session's files did not name; with `accept_loss` however much that is."""
    session_id = UUID(work.args["session"])
    with transaction(work.engine) as session:
        owner = session.get(ExchangeSession, session_id)
        imports = _imports(session, session_id, int(work.args["round"]))
    if owner is None or not imports:
        return
    key = queueing.vanished(session_id)
    failed = [file.name for file, one in imports if one.state != "done"]
    if failed:
        words = f"{failed[0]} of this upload was not read to its end. Let 1C upload everything again."
        _tell(work, owner, key, words)
        return
    seen = set(_named(work, imports))
    with transaction(work.engine) as session:
        missing, alive = _missing(session, owner.connection_id, seen, owner.started_at)
    if len(missing) > max(SMALL, alive * LARGEST_SHARE) and not work.args.get("accept_loss"):
        words = f"It did not name {len(missing)} of {alive} goods. If that is right, confirm it on its page."
        _tell(work, owner, key, words)
        return
    for start in range(0, len(missing), PORTION):
        work.checkpoint()
        with transaction(work.engine) as session:
            work.guard(session)
            portion = missing[start : start + PORTION]
            there = read_heads(session, owner.connection_id, STREAM, portion)
            kept = payloads(session, there)  # to go on from when it comes back
            gone = [Raw(one, kept.get(one, ""), gone=True) for one in portion]
            land(session, owner.connection_id, STREAM, gone, "import", read_at=clock.now())
    with transaction(work.engine) as session:
        problems.settle(session, key)


def _imports(session: Session, session_id: UUID, number: int) -> list[tuple[ExchangeFile, ExchangeImport]]:
    query = (
        select(ExchangeFile, ExchangeImport)
        .join(ExchangeImport, ExchangeImport.file_id == ExchangeFile.id)
        .where(
            ExchangeFile.session_id == session_id,
            ExchangeFile.round == number,
            ExchangeFile.dropped.is_(False),
        )
        .order_by(ExchangeImport.id)
    )
    return [(file, one) for file, one in session.execute(query)]


def _named(work: Work, imports: list[tuple[ExchangeFile, ExchangeImport]]) -> Iterator[str]:
    """The goods that these files are about."""
    for file, one in imports:
        work.checkpoint()
        path = spool.path_of(context.current().settings, file)
        with archives.opened(path, one.member) as opened:
            for found in read(opened.file, Names()):
                if isinstance(found, Piece) and found.stream == STREAM:
                    yield found.external_id


def _missing(session: Session, connection_id: UUID, seen: set[str], since: datetime) -> tuple[list[str], int]:
    """Goods in force since before the upload that it did not name, and how many are in force in all."""
    rows = session.execute(
        text(
            "SELECT external_id, moved_at < :since FROM landed_heads"
            " WHERE connection_id = :connection AND stream = :stream AND NOT gone ORDER BY external_id"
        ),
        {"connection": connection_id, "stream": STREAM, "since": since},
    ).all()
    return [one for one, before in rows if before and one not in seen], len(rows)


def _tell(work: Work, owner: ExchangeSession, key: str, words: str) -> None:
    with transaction(work.engine) as session:
        work.guard(session)
        problems.report(
            session,
            area="exchange",
            subject=f"full upload of {owner.started_at:%Y-%m-%d %H:%M} UTC",
            message=f"1C ended a full upload. {words} No goods were marked as gone.",
            source_id=owner.connection_id,
            key=key,
        )
