"""A site that is captured, for the pages that show it: events land as the collector lets them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import Engine, insert, select
from sqlalchemy.orm import Session

from customers.facts import TimelineRow
from foundation import clock, jobs
from foundation.database import transaction
from foundation.sealing import Sealer
from foundation.settings import Settings
from kartoteka.worker import load_jobs
from sync import context
from sync.context import Context
from sync.tables import LandedRecord
from web_capture import bundle, sites
from web_capture.payload import Event
from web_capture.tables import Captured

load_jobs()
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class Shop:
    """The site shop.example: `say` what its pages do, `read` it into the timeline."""

    def __init__(self, engine: Engine, sealer: Sealer) -> None:
        self.engine = engine
        with transaction(engine) as session:
            site, self.keys = sites.add(session, sealer, "shop.example", currency="KZT")
        self.id: UUID = site.id
        self.here = f"/sites/{site.id}"

    def say(
        self, kind: str, *, secret: bool = False, ua: str = FIREFOX, read: bool = True, **message: Any
    ) -> str:
        """One event; the id of its message."""
        message_id = str(message.setdefault("messageId", uuid4().hex))
        event = Event(message_id, kind, msgspec.json.encode(message))
        at = clock.now()
        payload = bundle.pack(at.isoformat(), at.isoformat(), "203.0.113.9", ua, secret, b"null", [event])
        with transaction(self.engine) as session:
            landed = session.scalar(
                insert(LandedRecord).returning(LandedRecord.id), [
                    {"connection_id": self.id, "stream": "events", "external_id": uuid4().hex,
                     "version_hash": b"", "payload": f"[{payload}]", "gone": False, "via": "collector",
                     "received_at": at}
                ],
            )  # fmt: skip
            session.add(Captured(site_id=self.id, landed_id=landed, events=1))
        if read:
            jobs.run_until_idle(self.engine)
        return message_id

    def event(self, message_id: str) -> TimelineRow:
        """The timeline row of a message."""
        with Session(self.engine) as session:
            key = TimelineRow.source_key.in_([f"m:{message_id}", f"s:{message_id}"])
            return session.scalars(select(TimelineRow).where(key)).one()


@contextmanager
def shop(engine: Engine, settings: Settings, sealer: Sealer) -> Iterator[Shop]:
    """A captured site, with what the jobs of this process work with."""
    context.use(Context(settings, sealer))
    yield Shop(engine, sealer)
    context.use(None)
