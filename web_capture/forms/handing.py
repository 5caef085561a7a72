"""Codes of a form's list, handed out elsewhere: one for each key, the same however often it is asked."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, literal_column, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from foundation.clock import now

_POOLS = (
    "(SELECT coalesce(jsonb_agg(jsonb_build_array(f.id, f.name) ORDER BY f.name, f.id), '[]') FROM forms f"
    " JOIN form_versions v ON v.form_id = f.id AND v.number = f.version"
    " WHERE v.spec -> 'coupon' ->> 'kind' = 'list')"
)
_DRAW = text("""
WITH wanted AS (SELECT key, row_number() OVER (ORDER BY n) AS n
  FROM unnest(CAST(:keys AS text[])) WITH ORDINALITY AS k (key, n)
  WHERE NOT EXISTS (SELECT FROM form_coupons c WHERE c.form_id = :pool AND c.message_id = k.key)),
free AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM (
  SELECT id FROM form_coupons WHERE form_id = :pool AND person IS NULL ORDER BY id
  LIMIT (SELECT count(*) FROM wanted) FOR UPDATE SKIP LOCKED) f)
UPDATE form_coupons c SET person = w.key, message_id = w.key, given_at = :at
FROM free JOIN wanted w ON w.n = free.n WHERE c.id = free.id""")
_HELD = text("SELECT message_id, code FROM form_coupons WHERE form_id = :pool AND message_id = ANY(:keys)")
_BACK = text(
    "UPDATE form_coupons SET person = NULL, message_id = NULL, given_at = NULL"
    " WHERE form_id = :pool AND message_id = ANY(:keys) AND person = message_id"
)


def pools() -> ColumnElement[list[tuple[str, str]]]:
    """Forms with a list of codes, and their names, to be asked along with something else."""
    return literal_column(_POOLS, JSONB).label("pools")


def draw(session: Session, pool: UUID, keys: Collection[str]) -> dict[str, str]:
    """A code of its own for each key; who has none in the answer came when there were none left."""
    values = {"pool": pool, "keys": list(keys), "at": now()}
    session.execute(_DRAW, values)
    return {row.message_id: row.code for row in session.execute(_HELD, values)}


def give_back(session: Session, pool: UUID, keys: Collection[str]) -> None:
    """What was drawn for these keys and never got out may be drawn again."""
    session.execute(_BACK, {"pool": pool, "keys": list(keys)})
