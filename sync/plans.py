"""What an import would do, before anything is done: exact counts, samples, and a hash to hold it to."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from connectors import registry
from connectors.base import Bad, Connector, Raw
from sync import files
from sync.heads import read_heads
from sync.landing import hash_of

FILE_KIND = "spreadsheet"
SHOWN = 10  # samples of each sort
NOBODY = UUID(int=0)  # stands for a connection that the import will make


class Sample(msgspec.Struct, frozen=True):
    """A record that would come, and for a changed one what is here now; both as landed (JSON)."""

    external_id: str
    payload: str
    before: str | None = None


class Plan(msgspec.Struct, frozen=True):
    """What an import would do. `duplicate` rows say again what an earlier row of the file has said."""

    rows: int
    new: int
    changed: int
    same: int
    duplicate: int
    bad: int
    hash: str
    samples: dict[str, list[Sample]]
    bad_rows: list[Bad]


class _Counter:
    """Counts page by page; what was seen before lies in a temporary table, not in memory."""

    def __init__(self, session: Session, connection_id: UUID, stream: str) -> None:
        self.session, self.connection_id, self.stream = session, connection_id, stream
        self.counts = dict.fromkeys(("rows", "new", "changed", "same", "duplicate", "bad"), 0)
        self.samples: dict[str, list[Sample]] = {"new": [], "changed": []}
        self.bad: list[Bad] = []
        session.execute(text("CREATE TEMP TABLE planned (external_id text PRIMARY KEY) ON COMMIT DROP"))

    def page(self, records: Sequence[Raw], bad: Sequence[Bad], repeated: int) -> None:
        """Count one page."""
        ids = [raw.external_id for raw in records]
        fresh = set(
            self.session.scalars(
                text(
                    "INSERT INTO planned SELECT unnest(CAST(:ids AS text[])) ON CONFLICT DO NOTHING"
                    " RETURNING external_id"
                ),
                {"ids": ids},
            )
        )
        again = len(records) - len(fresh)
        self.counts["rows"] += len(records) + len(bad) + repeated
        self.counts["duplicate"] += again + repeated
        self.counts["bad"] += len(bad)
        self.bad.extend(bad[: SHOWN - len(self.bad)])
        first = [raw for raw in records if raw.external_id in fresh]
        heads = read_heads(self.session, self.connection_id, self.stream, [raw.external_id for raw in first])
        for raw in first:
            head = heads.get(raw.external_id)
            sort = "new" if head is None else "same" if head.version_hash == hash_of(raw) else "changed"
            self.counts[sort] += 1
            if sort != "same" and len(self.samples[sort]) < SHOWN:
                before = self._payload(head.landed_id) if head is not None else None
                self.samples[sort].append(Sample(raw.external_id, raw.payload, before))

    def _payload(self, landed_id: int) -> str:
        query = text("SELECT payload FROM landed_records WHERE id = :id")
        return str(self.session.scalar(query, {"id": landed_id}))


def plan(
    engine: Engine, connection_id: UUID | None, path: Path, what: str, options: Mapping[str, Any]
) -> Plan:
    """Read the whole file and compare; nothing is kept. Memory doesn't grow with the file."""
    connector = reader(path, what, options)
    with Session(engine) as session:
        counter = _Counter(session, connection_id or NOBODY, what)
        for page in connector.pull(what, None):
            counter.page(page.records, page.bad, page.repeated)
        held = hash_plan(session, connection_id, path, what, options)
        session.rollback()
    return Plan(**counter.counts, hash=held, samples=counter.samples, bad_rows=counter.bad)


def reader(path: Path, what: str, options: Mapping[str, Any]) -> Connector:
    """The connector that reads one file; BadInput names an option that is wrong."""
    cls = registry.find(FILE_KIND)
    settings = registry.parse_settings(cls, {**options, "path": str(path), "what": what})
    return cls(settings, cls.make_http(settings))


def hash_plan(
    session: Session, connection_id: UUID | None, path: Path, what: str, options: Mapping[str, Any]
) -> str:
    """Names the file, how it is read, and the records it is compared with: differs when any has changed."""
    base = session.execute(
        text(
            "SELECT count(*), max(landed_id), max(moved_at)::text FROM landed_heads"
            " WHERE connection_id = :connection AND stream = :stream"
        ),
        {"connection": connection_id or NOBODY, "stream": what},
    ).one()
    parts = [files.digest(path), what, {k: v for k, v in sorted(options.items()) if v}, list(base)]
    return hashlib.blake2b(msgspec.json.encode(parts, order="sorted"), digest_size=16).hexdigest()
