"""The variables of many customers at once: a constant number of queries, however many they are."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import bills
from customers.stats import COUNTED
from email_campaigns.letters.lifting import address, amount, lift, said
from email_campaigns.letters.render import Version
from email_campaigns.zones import zone_of

__all__ = ["contexts", "lift", "merged"]
LINES = 100

_CARDS = text("""
SELECT c.id, c.name, c.given_name, c.family_name, c.email, c.phone, c.city, c.country, c.language, c.birthday,
  c.tags, s.orders, s.spent, s.currency, s.first_order_at, s.last_order_at
FROM customers c LEFT JOIN customer_stats s ON s.customer_id = c.id WHERE c.id = ANY(:ids)
""")
_ORDERS = text(f"""
SELECT w.id AS customer_id, o.*, CAST((
  SELECT jsonb_agg(jsonb_build_array(l.name, l.sku, CAST(l.quantity AS text), CAST(l.unit_price AS text),
    CAST(l.total AS text), p.record ->> 'url', p.record ->> 'image') ORDER BY l.position)
  FROM (SELECT * FROM order_lines WHERE order_id = o.id ORDER BY position LIMIT {LINES}) l
  LEFT JOIN products p ON p.source_id = o.source_id AND p.external_id = nullif(l.product_external_id, '')
) AS text) AS lines, (SELECT name FROM sources WHERE id = o.source_id AND role = 'shop') AS shop
FROM unnest(CAST(:ids AS uuid[])) AS w (id) CROSS JOIN LATERAL (
  SELECT o.id, o.source_id, o.number, o.state, o.currency, o.total, o.discount, o.shipping, o.tax,
  o.placed_at,
    o.details -> 'delivery' AS delivery
  FROM orders o WHERE o.customer_id = w.id AND o.placed_at <= :at AND {COUNTED}
  ORDER BY o.placed_at DESC LIMIT 1) o
""")
# a device that several people share shows nobody another's cart: the profile that filled it must be theirs
_CARTS = text("""
SELECT DISTINCT ON (p.customer_id) p.customer_id, CAST(c.lines AS text), c.items, c.value, c.currency, c.url,
  c.changed_at
FROM profiles p JOIN profile_keys k ON k.profile_id = p.id AND k.kind = 'device' CROSS JOIN sites s
JOIN carts c ON c.site_id = s.id AND c.device = k.value
JOIN profiles q ON q.id = c.profile_id AND q.customer_id = p.customer_id
WHERE p.customer_id = ANY(:ids) AND c.state IN ('open', 'abandoned') AND c.changed_at <= :at
ORDER BY p.customer_id, c.changed_at DESC, c.key
""")
_INVOICES = text(f"""
SELECT DISTINCT ON (customer_id) customer_id, number, currency, total, total - paid AS owed, issued_at, due_at
FROM invoices i WHERE customer_id = ANY(:ids) AND state = 'open' AND total > paid AND issued_at <= :at
  AND {bills.ONCE}
ORDER BY customer_id, due_at NULLS LAST, id
""")
_SHOP = """
SELECT (SELECT name FROM sources WHERE role = 'shop' AND removed_at IS NULL ORDER BY created_at LIMIT 1),
  {domain}, (SELECT zone FROM mail_switch), to_regclass('carts') IS NOT NULL
"""
_DOMAIN = "(SELECT domain FROM sites ORDER BY created_at, domain LIMIT 1)"
_PRODUCTS = text("""
SELECT DISTINCT ON (sku) sku, name, price, currency, record ->> 'url', record ->> 'image'
FROM products WHERE sku = ANY(:skus) AND gone_at IS NULL ORDER BY sku, changed_at DESC, id
""")


def contexts(
    session: Session, customer_ids: Collection[UUID], at: datetime, version: Version | None = None
) -> dict[UUID, dict[str, Any]]:
    """The variables of customers as they are at an instant; an unknown id has none.

    A `version` says what it needs: the rest isn't read. Without one everything is, but for products that
    letters name themselves.
    """
    values = {"ids": list(customer_ids), "at": at}
    shop = _shop(session)
    made = {row.id: _card(row) | _common(row, shop) for row in session.execute(_CARDS, values)}
    needs = version.needs if version else frozenset(("order", "cart", "invoice", "shop"))
    if needs & {"order", "shop"}:
        for row in session.execute(_ORDERS, values):
            _order(made.get(row.customer_id), row)
    if "cart" in needs and shop["carts"]:
        for row in session.execute(_CARTS, values):
            _cart(made.get(row.customer_id), row)
    if "invoice" in needs:
        for row in session.execute(_INVOICES, values):
            _invoice(made.get(row.customer_id), row, at)
    if version and version.skus:
        known = products(session, version.skus)
        for context in made.values():
            context["products"] = known
    return made


def merged(context: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Variables with those of a trigger over them: what it says of the order or the cart is what counts."""
    made = dict(context)
    for name, value in lift(more).items():
        before = made.get(name)
        made[name] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
    return made


def products(session: Session, skus: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Products by their SKUs, those on sale only. One query."""
    rows = session.execute(_PRODUCTS, {"skus": list(skus)})
    return {
        sku: _goods(name, sku, amount(price, currency), url, image)
        for sku, name, price, currency, url, image in rows
    }


def _shop(session: Session) -> dict[str, Any]:
    captured = session.scalar(text("SELECT to_regclass('sites') IS NOT NULL"))
    row = session.execute(text(_SHOP.format(domain=_DOMAIN if captured else "NULL"))).one()
    return {"name": row[0], "url": f"https://{row[1]}" if row[1] else None, "zone": row[2], "carts": row[3]}


def _common(row: Any, shop: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: shop[name] for name in ("name", "url") if shop[name]}
    zone = zone_of(row.country, row.city, shop["zone"] or "UTC")
    return {"zone": zone, "shop": known} if known else {"zone": zone}


def _card(row: Any) -> dict[str, Any]:
    found = {
        name: said(value)
        for name in ("name", "given_name", "family_name", "email", "phone", "city", "country", "language",
                     "birthday", "first_order_at", "last_order_at")
        if (value := getattr(row, name))
    }  # fmt: skip
    found |= {"tags": list(row.tags or ()), "orders": row.orders or 0}
    if (spent := amount(row.spent, row.currency)) is not None:
        found["spent"] = spent
    return {"customer": found}


def _order(context: dict[str, Any] | None, row: Any) -> None:
    if context is None:
        return
    found = {"number": said(row.number), "state": row.state, "placed_at": row.placed_at}
    for name in ("total", "discount", "shipping", "tax"):
        found[name] = amount(getattr(row, name), row.currency)
    delivery = row.delivery or {}
    found["address"] = (
        ", ".join(said(delivery[name]) for name in ("line", "city") if delivery.get(name)) or None
    )
    found["lines"] = [_line(one, row.currency) for one in msgspec.json.decode(row.lines or "[]")]
    context["order"] = {name: value for name, value in found.items() if value is not None}
    if row.shop:
        context["shop"] = context.get("shop", {}) | {"name": said(row.shop)}


def _line(one: Sequence[Any], currency: str) -> dict[str, Any]:
    name, sku, quantity, price, total, url, image = one
    more = {"quantity": Decimal(quantity), "total": amount(total, currency)}
    return _goods(name, sku, amount(price, currency), url, image) | more


def _goods(name: Any, sku: Any, price: Any, url: Any, image: Any) -> dict[str, Any]:
    found = {
        "name": said(name or sku),
        "sku": said(sku),
        "price": price,
        "url": address(url),
        "image": address(image),
    }
    return {name: value for name, value in found.items() if value not in (None, "")}


def _cart(context: dict[str, Any] | None, row: Any) -> None:
    if context is None:
        return
    _id, raw, items, value, currency, url, changed_at = row
    lines = []
    for one in lift({"lines": msgspec.json.decode(raw)})["lines"]:
        line = _goods(
            one.get("name"),
            one.get("sku"),
            one.get("price"),
            one.get("url"),
            one.get("image") or one.get("image_url"),
        )
        if line.get("name"):
            lines.append(line | {"quantity": one.get("quantity", 1)})
    found = {
        "lines": lines,
        "items": items,
        "value": amount(value, currency),
        "url": address(url),
        "changed_at": changed_at,
    }
    if lines:
        context["cart"] = {name: value for name, value in found.items() if value is not None}


def _invoice(context: dict[str, Any] | None, row: Any, at: datetime) -> None:
    if context is None:
        return
    found = {"number": said(row.number), "issued_at": row.issued_at, "due_at": row.due_at}
    found |= {"total": amount(row.total, row.currency), "owed": amount(row.owed, row.currency)}
    if row.due_at is not None and row.due_at < at:
        found["days_late"] = (at - row.due_at).days
    context["invoice"] = {name: value for name, value in found.items() if value is not None}
