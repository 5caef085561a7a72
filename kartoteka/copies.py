"""Notices that a data folder is a copy of another one, and holds its connections until a person says so.

Two copies that pull, look after webhooks and one day send letters would each do it all: the second waits.
"""

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, select

from foundation.clock import now
from foundation.database import transaction
from foundation.tables import Lease
from sync import connections
from sync.tables import Connection

NAME = "place"
ALWAYS = datetime(9999, 1, 1, tzinfo=UTC)
WHY = "this data folder is a copy: another installation may be using the connection; resume it when none does"


def identity(data: Path) -> str:
    """What a folder keeps when it is renamed or its machine gets another name, and a copy of it lacks."""
    return f"folder {data.stat().st_ino}"


def hold(engine: Engine, data: Path) -> int:
    """Pause the active connections of a folder that was copied since its last start; answers how many."""
    with transaction(engine) as session:
        row = session.get(Lease, NAME, with_for_update=True)
        here = identity(data)
        if row is None:
            session.add(Lease(name=NAME, holder=here, until=ALWAYS, ticked_at=now()))
            return 0
        if row.holder == here:
            return 0
        row.holder = here
        held = session.scalars(select(Connection).where(Connection.state == "active")).all()
        for connection in held:
            connections.pause(session, connection, WHY)
        return len(held)
