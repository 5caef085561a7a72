"""A POST with an `Idempotency-Key` happens once: its answer is kept with it and given again to repeats."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from console.tables import ApiToken, IdempotentAnswer
from foundation.clock import now
from foundation.errors import BadInput

KEPT = timedelta(hours=24)
LONGEST_KEY = 200


class Conflict(Exception):
    """The key was used for another request."""


def once(
    db: Session, request: Request, token: ApiToken, body: bytes, act: Callable[[], Response]
) -> Response:
    """The answer of `act`, or of the first time when the key has been here.

    The row of the key is written first, in the same transaction: a simultaneous repeat waits, then finds
    our answer; when we fail the row goes with our transaction and the repeat acts.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        return act()
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        raise BadInput(f"must be 1 to {LONGEST_KEY} printable characters", "/header/Idempotency-Key")
    asked = hashlib.sha256(
        f"{request.method} {request.url.path}?{request.url.query}\n".encode() + body
    ).digest()
    table = IdempotentAnswer
    db.execute(delete(table).where(table.token_id == token.id, table.created_at < now() - KEPT))
    values = {"token_id": token.id, "key": key, "asked": asked, "status": 0, "location": "", "body": b"",
              "created_at": now()}  # fmt: skip
    fresh = db.execute(insert(table).values(values).on_conflict_do_nothing().returning(table.key)).first()
    mine = (table.token_id == token.id) & (table.key == key)
    if fresh is None:
        kept = db.execute(select(table.asked, table.status, table.location, table.body).where(mine)).one()
        if kept.asked != asked:
            raise Conflict("This Idempotency-Key was used for another request.")
        headers = {"Idempotent-Replayed": "true", **({"Location": kept.location} if kept.location else {})}
        return Response(kept.body, kept.status, headers, "application/json")
    response = act()
    said = {"status": response.status_code, "body": bytes(response.body)}
    db.execute(update(table).where(mine).values(location=response.headers.get("location", ""), **said))
    return response
