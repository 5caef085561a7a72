"""Addresses that get no letters, kept as keyed hashes: they outlive imports, forms and erasure."""

import hmac
import re
from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from customers import emails
from email_campaigns import secret
from email_campaigns.tables import Suppression
from foundation.clock import now

_ADDRESS = re.compile(r"[^\s<>@,;:\"']+@[^\s<>@,;:\"']+")
EVERYTHING, MARKETING = "", "marketing"  # scopes; any other is a topic


class Block(NamedTuple):
    """Why an address is blocked; the strictest scope first, then the oldest."""

    scope: str
    reason: str
    since: datetime
    until: datetime | None


_SIMPLE = re.compile(r"[a-z0-9._+-]{1,64}@[a-z0-9.-]{1,253}")


@lru_cache(maxsize=4096)
def _folds(domain: str) -> bool:
    """Whether the provider of a domain delivers several spellings to one mailbox."""
    spelling = f"a.b-c_d+e@{domain}"
    return emails.parse(spelling).key != spelling


def normal(address: str) -> str:
    """The form of an address that stands for its mailbox: every spelling its provider delivers to it."""
    if _SIMPLE.fullmatch(address) and not _folds(address.rpartition("@")[2]):
        return address  # the usual case, at a tenth of the cost
    return emails.parse(address).key or address.strip().casefold()


def hashed(key: bytes, address: str) -> bytes:
    """What the table knows an address by, under the installation's key."""
    return hmac.digest(key, normal(address).encode("utf-8", "replace"), "sha256")


def key(session: Session, address: str) -> bytes:
    """The same, with the key looked up."""
    return hashed(secret.suppression_key(session), address)


def add(
    session: Session,
    address: str,
    reason: str,
    *,
    scope: str = EVERYTHING,
    detail: str = "",
    delivery_id: UUID | None = None,
    actor: str = "",
    until: datetime | None = None,
) -> bool:
    """Block an address; whether that is news: blocked as long for the same scope it stays one row."""
    query = text(
        "INSERT INTO suppressions (key, scope, reason, detail, delivery_id, actor, since, until)"
        " SELECT CAST(:key AS bytea), CAST(:scope AS text), :reason, :detail, CAST(:delivery AS uuid),"
        "  :actor, CAST(:now AS timestamptz), CAST(:until AS timestamptz) WHERE NOT EXISTS ("
        "  SELECT FROM suppressions WHERE key = :key AND scope = :scope AND since <= :now AND (until IS NULL"
        "  OR until >= coalesce(CAST(:until AS timestamptz), 'infinity'))) RETURNING id"
    )
    values = {
        "key": key(session, address), "scope": scope, "reason": reason, "detail": _nameless(detail),
        "delivery": delivery_id, "actor": actor, "now": now(), "until": until,
    }  # fmt: skip
    return session.execute(query, values).first() is not None


def _nameless(detail: str) -> str:
    """What a server said, without the address: only its hash is kept."""
    return _ADDRESS.sub("…", detail.replace("\0", ""))[:1000]


_ADD_ALL = text(
    "INSERT INTO suppressions (key, scope, reason, detail, delivery_id, actor, since, until)"
    " SELECT w.key, '', :reason, :detail, NULL, :actor, CAST(:now AS timestamptz), NULL"
    " FROM unnest(CAST(:keys AS bytea[])) AS w (key) WHERE NOT EXISTS (SELECT FROM suppressions s"
    " WHERE s.key = w.key AND s.scope = '' AND s.until IS NULL) RETURNING id"
)


def add_all(session: Session, addresses: Collection[str], reason: str, detail: str, actor: str) -> int:
    """Block many addresses for good, in one statement; answers how many of them are news."""
    own = secret.suppression_key(session)
    keys = sorted({hashed(own, address) for address in addresses})
    values = {"keys": keys, "reason": reason, "detail": _nameless(detail), "actor": actor, "now": now()}
    return len(session.execute(_ADD_ALL, values).all())


def history(session: Session, address: str) -> list[Suppression]:
    """Every block an address has or had, the newest first."""
    wanted = select(Suppression).where(Suppression.key == key(session, address))
    return list(session.scalars(wanted.order_by(Suppression.id.desc()).limit(100)))


def counts(session: Session) -> dict[str, int]:
    """How many blocks are in force, by reason."""
    query = text(
        "SELECT reason, count(*) FROM suppressions WHERE until IS NULL OR until > :now GROUP BY reason"
        " ORDER BY count(*) DESC"
    )
    return dict(session.execute(query, {"now": now()}).all())


def lift(
    session: Session,
    address: str,
    *,
    scope: str | None = None,
    reason: str = "",
    actor: str = "",
    why: str = "",
) -> int:
    """End the blocks of an address, of one scope or of all, for one reason or any; how many were in force.

    The rows stay, with who ended them and why.
    """
    rows = session.query(Suppression).filter(
        Suppression.key == key(session, address),
        (Suppression.until.is_(None)) | (Suppression.until > now()),
    )
    if scope is not None:
        rows = rows.filter(Suppression.scope == scope)
    if reason:
        rows = rows.filter(Suppression.reason == reason)
    found = rows.with_for_update().all()
    for row in found:
        row.until = now()
        row.detail = f"{row.detail}\n{actor or 'system'} ended it{why and f': {why}'}".strip()
    session.flush()
    return len(found)


_BLOCKS = text(
    "SELECT key, scope, reason, since, until FROM suppressions"
    " WHERE key IN (SELECT decode(hash, 'hex') FROM unnest(CAST(:keys AS text[])) AS hash)"
    " AND (until IS NULL OR until > :now) ORDER BY (scope <> ''), (scope <> 'marketing'), since, id"
)


def blocks(session: Session, keys: Collection[bytes]) -> dict[bytes, list[Block]]:
    """The blocks in force of so many hashes, in one query."""
    found: dict[bytes, list[Block]] = {}
    for hash_, *block in session.execute(_BLOCKS, {"keys": [one.hex() for one in keys], "now": now()}):
        found.setdefault(bytes(hash_), []).append(Block(*block))
    return found


def stops(block: Block, purpose: str, topic: str) -> bool:
    """Whether a block stops a letter of this purpose and topic; only `EVERYTHING` stops all."""
    if block.scope == EVERYTHING:
        return True
    return purpose == "marketing" and block.scope in (MARKETING, topic or MARKETING)


def blocked(
    session: Session, addresses: Collection[str], *, purpose: str = "marketing", topic: str = ""
) -> dict[str, Block]:
    """The addresses among these that get no such letter, each with the strictest reason. One query."""
    own = secret.suppression_key(session)
    keys = {address: hashed(own, address) for address in addresses}
    found = blocks(session, set(keys.values()))
    return {
        address: block
        for address, hash_ in keys.items()
        if (block := next((one for one in found.get(hash_, ()) if stops(one, purpose, topic)), None))
    }
