"""Landed versions made ready for the card: read, normalised and sorted before any lock is taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import Engine, text

from connectors import registry
from connectors.base import Connector, Raw
from customers import store
from customers.store import Ready, Resolved
from customers.tables import Source
from foundation.database import transaction
from foundation.records import Gone
from sync import claims, connections
from sync.claims import Claim
from sync.tables import Connection

_READ = (
    "SELECT r.id, h.stream, h.external_id, r.payload, r.version_at, r.gone, r.received_at, r.operation_id"
    f" FROM {claims.CLAIMED} JOIN landed_heads h ON h.landed_id = w.landed_id"
    " AND h.connection_id = w.connection_id JOIN landed_records r ON r.id = h.landed_id"
    " WHERE h.pending ORDER BY r.id"
)

HEAVY = 3_000_000  # bytes of payload that are worked on together,
LETTERS = 32_000_000  # and of letters: with files they weigh what they like
_LIGHT = text(
    "SELECT id FROM (SELECT id, row_number() OVER o AS n, sum(octet_length(payload)) OVER o AS weight"
    " FROM landed_records WHERE id = ANY(:ids) WINDOW o AS (ORDER BY id)) r WHERE n = 1 OR weight <= :heavy"
)


class Item(msgspec.Struct, frozen=True):
    """One landed version to be resolved."""

    landed_id: int
    stream: str
    raw: Raw
    received_at: datetime
    operation_id: UUID | None


@dataclass(frozen=True)
class Portion:
    """Versions in the order they landed, those that can't be read apart; `ready` is what the good ones say.

    Without `ready` one of them can't be sorted; the parts show which.
    """

    good: Sequence[tuple[Item, Resolved]]
    bad: Sequence[tuple[Item, Exception]]
    ready: Ready | None


def claimed(engine: Engine, claim: Claim) -> Portion:
    """The claimed versions that are still in force, as records: as many as memory bears."""
    with transaction(engine) as session:
        source = session.get_one(Source, claim.connection_id)
        connector = registry.find(source.kind)
        settings = connections.public_settings(connector, session.get_one(Connection, claim.connection_id))
        heavy = LETTERS if source.role == "mailbox" else HEAVY  # the others wait for their turn
        ids = session.scalars(_LIGHT, {"ids": list(claim.landed_ids), "heavy": heavy}).all()
        values = {"connection": claim.connection_id, "ids": ids}
        rows = session.execute(text(_READ), values)
        items = [Item(r[0], r[1], Raw(r[2], r[3], r[4], r[5]), r[6], r[7]) for r in rows]
    good: list[tuple[Item, Resolved]] = []
    bad: list[tuple[Item, Exception]] = []
    for item in items:
        try:
            good.append((item, _normalised(connector, settings, item)))
        except Exception as error:  # noqa: BLE001 - a stranger's record may break a connector anyhow
            bad.append((item, error))
    return Portion(good, bad, _made_ready(source, good))


def _made_ready(source: Source, good: Sequence[tuple[Item, Resolved]]) -> Ready | None:
    try:
        return store.prepare(source.id, source.role, [said for _, said in good])
    except Exception:  # noqa: BLE001 - whose fault it is shows when the parts are applied
        return None


def _normalised(connector: type[Connector], settings: object, item: Item) -> Resolved:
    raw = item.raw
    if raw.gone:
        what = next(stream.what for stream in connector.streams if stream.name == item.stream)
        at = raw.version_at or item.received_at
        gone = Gone(external_id=raw.external_id, what=what, at=at)
        return Resolved(item.landed_id, item.received_at, (gone,))
    records = tuple(connector.normalise(item.stream, raw, settings))
    return Resolved(item.landed_id, item.received_at, records)
