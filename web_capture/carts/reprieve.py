"""Orders that take back an abandonment: found by any path from it to whoever ordered, with the reason."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from foundation import clock

GRACE = timedelta(minutes=10)  # a shop's clock, and pages that still speak of the cart behind its order


class Subject(NamedTuple):
    """What may have been given up since then."""

    site: UUID
    device: str
    profile: UUID | None
    cart: str
    checkout: str
    order: str
    since: datetime


class Found(NamedTuple):
    """An order that takes it back."""

    at: datetime
    order: str  # its number, as the shop or its page says
    by: str  # cart checkout order device person


# whose the subject may be: its profile, all of its device, and whoever has one of their addresses
_FIND = text(
    """
    WITH s AS (
      SELECT * FROM unnest(CAST(:sites AS uuid[]), CAST(:devices AS text[]), CAST(:profiles AS uuid[]),
        CAST(:carts AS text[]), CAST(:checkouts AS text[]), CAST(:orders AS text[]),
        CAST(:sinces AS timestamptz[])) WITH ORDINALITY
        AS w (site, device, profile, cart, checkout, ordered, since, n)
    ), own AS (
      SELECT s.n, p.id, p.customer_id FROM s JOIN profiles p ON p.id = s.profile
      UNION
      SELECT s.n, p.id, p.customer_id FROM s JOIN profile_keys k ON k.kind = 'device' AND k.value = s.device
        JOIN profiles p ON p.id = k.profile_id
      WHERE s.device <> '' AND NOT EXISTS
        (SELECT FROM shared_keys h WHERE h.kind = 'device' AND h.value = s.device)
    ), addresses AS (
      SELECT DISTINCT o.n, k.kind, k.value FROM own o JOIN profile_keys k ON k.profile_id = o.id
      WHERE k.kind IN ('email', 'phone') AND NOT EXISTS
        (SELECT FROM shared_keys h WHERE h.kind = k.kind AND h.value = k.value)
    ), people AS (
      SELECT n, id, customer_id FROM own
      UNION
      SELECT a.n, p.id, p.customer_id FROM addresses a
        JOIN profile_keys k ON k.kind = a.kind AND k.value = a.value JOIN profiles p ON p.id = k.profile_id
    ), cards AS (SELECT DISTINCT n, customer_id FROM people WHERE customer_id IS NOT NULL),
    told AS (
      SELECT s.n, 1 AS rank, 'cart' AS by, o.at, o.order_id FROM s JOIN web_orders o
        ON o.site_id = s.site AND o.cart_id = s.cart AND o.cart_id <> ''
      UNION ALL
      SELECT s.n, 2, 'checkout', o.at, o.order_id FROM s JOIN web_orders o
        ON o.site_id = s.site AND o.checkout_id = s.checkout AND o.checkout_id <> ''
      UNION ALL
      SELECT s.n, 3, 'order', o.at, o.order_id FROM s JOIN web_orders o
        ON o.site_id = s.site AND o.order_id = s.ordered WHERE s.ordered <> ''
      UNION ALL
      SELECT s.n, 4, 'device', o.at, o.order_id FROM s JOIN web_orders o
        ON o.site_id = s.site AND o.device = s.device WHERE s.device <> ''
      UNION ALL
      SELECT p.n, 5, 'person', o.at, o.order_id FROM people p JOIN web_orders o ON o.profile_id = p.id
      UNION ALL
      SELECT s.n, 3, 'order', o.placed_at + :grace, o.number FROM s JOIN orders o ON o.number = s.ordered
      WHERE s.ordered <> '' AND o.gone_at IS NULL AND o.state NOT IN ('cart', 'failed', 'cancelled')
      UNION ALL
      SELECT c.n, 5, 'person', o.placed_at + :grace, o.number FROM cards c
        JOIN orders o ON o.customer_id = c.customer_id
      WHERE o.gone_at IS NULL AND o.copy_of IS NULL AND o.state NOT IN ('cart', 'failed', 'cancelled')
    )
    SELECT DISTINCT ON (t.n) t.n, t.at, t.order_id, t.by FROM told t JOIN s ON s.n = t.n
    WHERE t.at >= s.since ORDER BY t.n, t.at, t.rank, t.order_id
    """
)
# those given up by whoever may have placed one of the newest orders
HURRY = text(
    """
    WITH bought AS (
      SELECT DISTINCT customer_id FROM
        (SELECT customer_id FROM orders WHERE id >= :first ORDER BY id DESC LIMIT :most) o
      WHERE customer_id IS NOT NULL
    ), theirs AS (
      SELECT p.id FROM bought b JOIN profiles p ON p.customer_id = b.customer_id
    ), people AS (
      SELECT id FROM theirs
      UNION
      SELECT m.profile_id FROM theirs t JOIN profile_keys k ON k.profile_id = t.id
        JOIN profile_keys m ON m.kind = k.kind AND m.value = k.value WHERE k.kind IN ('email', 'phone')
    ), devices AS (
      SELECT DISTINCT k.value FROM people p JOIN profile_keys k ON k.profile_id = p.id WHERE k.kind = 'device'
    )
    UPDATE abandonments SET look_at = :now WHERE (site_id, source_key) IN (
      SELECT site_id, source_key FROM abandonments a WHERE look_at > :now AND looked_at < :lately
        AND (profile_id IN (SELECT id FROM people) OR device IN (SELECT value FROM devices))
      ORDER BY site_id, source_key FOR UPDATE SKIP LOCKED)
    """
)


def find(session: Session, subjects: Sequence[Subject]) -> dict[int, Found]:
    """The first order of each subject that takes it back, by its place in the sequence. One query."""
    if not subjects:
        return {}
    columns = [list(column) for column in zip(*subjects, strict=True)]
    names = ("sites", "devices", "profiles", "carts", "checkouts", "orders", "sinces")
    rows = session.execute(_FIND, {**dict(zip(names, columns, strict=True)), "grace": GRACE})
    now = clock.now()  # the grace may reach beyond
    return {row[0] - 1: Found(min(row[1], now), row[2], row[3]) for row in rows}
