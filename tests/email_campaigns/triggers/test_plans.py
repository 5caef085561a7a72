"""Looking for news is a matter of indexes, however much has happened before."""

import json
import re
from datetime import timedelta
from itertools import product
from uuid import UUID

import pytest
from sqlalchemy import text

from email_campaigns import triggers
from email_campaigns.triggers.base import Window
from foundation.clock import now

MANY = 100_000
ID = "CAST('{0}' || lpad(to_hex(n), 31, '0') AS uuid)"
LOADS = (
    f"""INSERT INTO customers (id, live, identified, kind, name, given_name, family_name, latin_name, email,
      country, city, birthday, tags, origins, email_consent, search, created_at, changed_at)
    SELECT {ID.format("c")}, true, true, 'person', 'N', '', '', '', 'a' || n || '@p.kz', 'KZ', 'Almaty',
      date '1970-01-01' + n % 12000, '{{}}', jsonb_build_object('email', {ID.format("0")}), 'given', '',
      :long, :long FROM generate_series(1, :many) n""",
    f"""INSERT INTO profiles (id, source_id, kind, external_id, customer_id, record, record_hash, changed_at,
      created_at) SELECT {ID.format("0")}, :source, 'customer', CAST(n AS text), {ID.format("c")}, '{{}}', '',
      :long, :long FROM generate_series(1, :many) n""",
    f"""INSERT INTO consents (profile_id, channel, purpose, given, at, text, form, ip, source_key,
      received_at) SELECT {ID.format("0")}, 'email', 'marketing', true,
      :now - (:many - n) * interval '5 minutes', '', '', '', 'k',
      :now - (:many - n) * interval '5 minutes' FROM generate_series(1, :many) n""",
    f"""INSERT INTO timeline (source_id, source_key, profile_id, customer_id, kind, occurred_at, received_at,
      data) SELECT :source, 'k' || n, {ID.format("0")}, {ID.format("c")},
      (ARRAY['web.page', 'web.product_viewed', 'order.placed', 'web.page', 'web.page', 'cart.abandoned',
        'web.lead', 'browse.abandoned'])[1 + n % 8],
      :now - (:many - n) * interval '5 minutes', :now - (:many - n) * interval '5 minutes',
      jsonb_build_object('vouched', true, 'order', {ID.format("b")}, 'lines',
      jsonb_build_array(jsonb_build_object('sku', 'S' || n % 5000, 'name', 'x')))
    FROM generate_series(1, :many) n""",
    f"""INSERT INTO orders (id, source_id, external_id, number, profile_id, customer_id, state, source_state,
      currency, total, discount, shipping, tax, refunded, details, placed_at, changed_at, record_hash)
    SELECT {ID.format("b")}, :source, CAST(n AS text), CAST(n AS text), {ID.format("0")},
      CAST('c' || lpad(to_hex(1 + n % 30000), 31, '0') AS uuid), 'paid', '', 'KZT', 10, 0, 0, 0, 0, '{{}}',
      :now - (:many - n) * interval '10 minutes', :long, '' FROM generate_series(1, :many) n""",
    f"""INSERT INTO order_lines (order_id, position, product_external_id, sku, name, quantity, unit_price,
      discount, tax, total) SELECT {ID.format("b")}, p, 'S' || n % 5000, 'S' || (n + p) % 5000, 'x', 1,
      1, 0, 0, 1 FROM generate_series(1, :many) n, generate_series(1, 2) p""",
    f"""INSERT INTO invoices (id, source_id, external_id, number, profile_id, customer_id, state, currency,
      total, paid, issued_at, due_at) SELECT {ID.format("0")}, :source, CAST(n AS text), 'I',
      {ID.format("0")}, {ID.format("c")}, CASE WHEN n % 20 = 0 THEN 'open' ELSE 'paid' END, 'KZT', 10, 0,
      :long,
      :now - (:many - n) * interval '5 minutes' FROM generate_series(1, :many) n""",
    f"""INSERT INTO products (id, source_id, external_id, name, sku, price, currency, record, record_hash,
      changed_at) SELECT {ID.format("d")}, :source, 'S' || n, 'x', 'S' || n, 5, 'KZT', '{{}}', '', :long
    FROM generate_series(1, 5000) n""",
    f"""INSERT INTO product_moves (product_id, what, was, now, currency, at) SELECT {ID.format("d")},
      (ARRAY['price', 'back'])[1 + n % 2], 10, 5, 'KZT', :now - (5000 - n) * interval '1 minutes'
    FROM generate_series(1, 5000) n""",
    f"""INSERT INTO segment_events (segment_id, customer_id, kind, at, reason, version, truth)
    SELECT CAST('5' || lpad(to_hex(n % 50), 31, '0') AS uuid), {ID.format("c")}, 'enter',
      :now - (:many - n) * interval '1 minute', 'change', 1, '' FROM generate_series(1, :many) n""",
)
SETTINGS = {"segment": {"segment": str(UUID(f"5{1:031}"))}, "event": {"kind": "web.lead"}}
BIG = ("customers", "profiles", "consents", "timeline", "orders", "order_lines", "invoices", "segment_events")
# what reads a span of orders reads it whole
SPANS = {"replenishment": ("orders", "order_lines"), "birthday": ()}


@pytest.fixture
def much(scene, engine):
    """So much has happened."""
    with engine.begin() as connection:
        values = {"source": scene.shop.id, "now": now(), "long": now() - timedelta(days=3000), "many": MANY}
        for load in LOADS:
            used = {name: value for name, value in values.items() if re.search(rf"(?<!:):{name}\b", load)}
            connection.execute(text(load), used)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"VACUUM ANALYZE {', '.join(BIG)}, products, product_moves"))
    return scene


def nodes(plan):
    yield plan
    for one in plan.get("Plans", ()):
        yield from nodes(one)


def explained(scene, key: str, arrived: timedelta | None) -> tuple[dict, int]:
    window = Window(SETTINGS.get(key, {}), now() - timedelta(hours=24), now(), arrived and now() - arrived)
    sql, values = triggers.of(key).entries(window)
    limited = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM ({sql}) e ORDER BY e.at LIMIT 500"
    with scene.engine.connect() as connection:
        said = connection.execute(text(limited), values).scalar_one()
    whole = (json.loads(said) if isinstance(said, str) else said)[0]
    return whole["Plan"], whole["Execution Time"]


def test_news_are_found_by_indexes(much):
    """Every few seconds, every hour, and where a back-test asks."""
    wrong, looks = [], (timedelta(minutes=2), timedelta(days=2), None)
    for arrived, (key, trigger) in product(looks, triggers.everything().items()):
        plan, took = explained(much, key, arrived)
        blocks = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        print(f"{key:20} {took:8.1f} ms {blocks:6} blocks {plan['Actual Rows']:6} rows")
        for node in nodes(plan):
            table = node.get("Relation Name", "")
            if node["Node Type"] == "Seq Scan" and table in BIG and table not in SPANS.get(key, ()):
                wrong.append((key, table))
        if trigger.kinds and arrived == timedelta(minutes=2) and blocks > 100:
            wrong.append((key, blocks))
    assert not wrong
