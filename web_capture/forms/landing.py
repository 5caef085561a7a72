"""Keeps what a form brought exactly as the collector keeps a call, in the caller's transaction."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from foundation import clock
from foundation.wake import wake_after_commit
from web_capture import bundle
from web_capture.payload import Event

# the statement of group.py for one bundle; a submission said again is known by its name and changes nothing
_KEEP = text(
    "WITH kept AS ("
    " INSERT INTO landed_records"
    " (connection_id, stream, external_id, version_hash, payload, gone, via, received_at)"
    " VALUES (:site, 'events', :bundle, '', :payload, false, 'collector', :at)"
    " ON CONFLICT DO NOTHING RETURNING id, connection_id)"
    " INSERT INTO captured (site_id, landed_id, events) SELECT connection_id, id, :events FROM kept"
)


def land(
    session: Session, site_id: UUID, name: str, events: Sequence[dict[str, Any]], address: str, agent: str
) -> None:
    """Keep the track messages of a submission, known by its name, and wake the workers after the commit."""
    said = [Event(one["messageId"], "track", msgspec.json.encode(one)) for one in events]
    call = bundle.pack(clock.now().isoformat(), None, address, agent, False, b"null", said, ours=True)
    values = {"site": site_id, "bundle": f"form:{name}", "payload": f"[{call}]", "events": len(said),
              "at": clock.now()}  # fmt: skip
    session.execute(_KEEP, values)
    wake_after_commit(session, "web.resolve")
