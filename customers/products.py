"""Products as their sources know them."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.batch import Came, changed_at
from customers.touched import touch
from foundation.clock import new_id, now
from foundation.database import staged
from foundation.records import Product

# whether the product `p` can be bought; what a source doesn't say of stock is no "none"
FOR_SALE = (
    "p.gone_at IS NULL AND coalesce(CAST(p.record ->> 'active' AS boolean), true)"
    " AND coalesce(CAST(p.record ->> 'stock' AS numeric), 1) > 0"
)
# what changed is told in the statement that changes it: the part that reads sees products as they were
_WRITE = f"""
WITH was AS (
  SELECT p.external_id, p.price, p.currency, {FOR_SALE} AS for_sale
  FROM came_products c JOIN products p ON p.source_id = :source AND p.external_id = c.external_id
), written AS (
  INSERT INTO products AS p ({{names}}) SELECT {{names}} FROM came_products ORDER BY external_id
  ON CONFLICT (source_id, external_id) DO UPDATE SET {{updates}}, gone_at = NULL
  WHERE p.record_hash <> excluded.record_hash OR p.gone_at IS NOT NULL
  RETURNING p.id, p.external_id, p.price, p.currency, {FOR_SALE} AS for_sale
), moved AS (
  INSERT INTO product_moves (product_id, what, was, now, currency, at)
  SELECT w.id, m.what, o.price, w.price, w.currency, :at
  FROM written w JOIN was o ON o.external_id = w.external_id
  JOIN (VALUES ('price'), ('back')) AS m (what) ON CASE m.what
    WHEN 'price' THEN w.price <> o.price AND w.currency = o.currency ELSE w.for_sale AND NOT o.for_sale END
)
SELECT count(*) FROM written
"""

_COLUMNS = {
    "id": "uuid", "source_id": "uuid", "external_id": "text", "name": "text", "sku": "text",
    "price": "numeric", "currency": "text", "record": "jsonb", "record_hash": "bytea",
    "changed_at": "timestamptz",
    "landed_id": "bigint",
}  # fmt: skip


def write(session: Session, source: UUID, products: Mapping[str, Came[Product]]) -> int:
    """Insert or update products; the unchanged stay untouched. Answers how many changed."""
    if not products:
        return 0
    rows = (
        (
            new_id(), source, came.record.external_id, came.record.name, came.record.sku, came.record.price,
            came.record.currency, came.encoded.decode(), came.hash, changed_at(came), came.landed_id,
        )
        for came in products.values()
    )  # fmt: skip
    definition = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    names = ", ".join(_COLUMNS)
    updates = ", ".join(
        f"{name} = excluded.{name}" for name in _COLUMNS if name not in ("id", "source_id", "external_id")
    )
    with staged(session, "came_products", definition, rows):
        query = text(_WRITE.format(names=names, updates=updates))
        changed = int(session.execute(query, {"source": source, "at": now()}).scalar_one())
    if changed:
        touch(session, (), "category")
    return changed


def gone(session: Session, source: UUID, products: Mapping[str, datetime]) -> None:
    """Mark products their source has no more."""
    if products:
        session.execute(
            text(
                "UPDATE products p SET gone_at = g.at FROM unnest(CAST(:ids AS text[]),"
                " CAST(:ats AS timestamptz[])) AS g (external_id, at) WHERE p.source_id = :source"
                " AND p.external_id = ANY(:ids) AND p.external_id = g.external_id AND p.gone_at IS NULL"
            ),
            {"source": source, "ids": list(products), "ats": list(products.values())},
        )
