-- Every choice comes from a hash of the number, so that every run is the same. :n customers, :at the last instant.
CREATE OR REPLACE FUNCTION seg_id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
  (lpad(to_hex(1700000000000 + n * 30), 12, '0') || '7' || substr(md5(n::text), 1, 3) || 'a'
   || substr(md5(n::text), 4, 15))::uuid;
CREATE OR REPLACE FUNCTION seg_dice(n bigint, salt int) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (hashint8extended(n, salt) & 1073741823) / 1073741824.0;
INSERT INTO sources (id, name, kind, role, created_at) VALUES (seg_id(-1), 'Shop', 'woocommerce', 'shop', :at);
INSERT INTO customers (id, live, identified, kind, name, given_name, family_name, latin_name, email, country, city,
  language, tags, origins, email_consent, search, created_at, changed_at)
SELECT seg_id(i), true, i % 15 <> 0, 'person', 'Customer ' || i, 'Customer', i::text, 'customer', 'c' || i || '@mail.example',
  (ARRAY['KZ', 'KZ', 'RU', 'TR', 'KR', 'DE', 'GB', 'US'])[1 + i % 8], 'City ' || i % 60, 'en',
  CASE WHEN i % 40 = 0 THEN ARRAY['vip'] ELSE '{}' END, '{}',
  CASE WHEN i % 10 < 6 THEN 'given' WHEN i % 10 = 6 THEN 'withdrawn' END, ''::tsvector,
  timestamptz '2023-11-14 00:00Z' + i * interval '30 milliseconds', :at
FROM generate_series(1, :n) AS i;
INSERT INTO orders (id, source_id, external_id, number, customer_id, state, source_state, currency, total, discount,
  shipping, tax, refunded, details, placed_at, changed_at, record_hash)
SELECT seg_id(100000000 + i), seg_id(-1), i::text, i::text, seg_id(1 + (power(seg_dice(i, 1), 1.7) * (:n - 1))::bigint),
  CASE WHEN i % 20 = 0 THEN 'cancelled' ELSE 'paid' END, '', 'KZT', 1000 + i % 90000, 0, 0, 0, 0, '{}',
  :at - seg_dice(i, 2) * interval '730 days', :at, ''
FROM generate_series(1, :n * 3) AS i;
INSERT INTO timeline (source_id, source_key, customer_id, kind, occurred_at, received_at, data)
SELECT seg_id(-1), i::text, seg_id(1 + (seg_dice(i, 3) * (:n - 1))::bigint),
  CASE WHEN i % 20 < 6 THEN 'order.placed' WHEN i % 20 < 14 THEN 'web.page' WHEN i % 20 < 17 THEN 'letter.sent'
    WHEN i % 20 < 19 THEN 'letter.opened' ELSE 'web.product_viewed' END,
  :at - (1 - i / (:n * 10.0)) * interval '730 days', :at,
  jsonb_build_object('url', 'https://shop.example/p/' || i % 500, 'title', 'Page ' || i % 500)
FROM generate_series(1, :n * 10) AS i;
INSERT INTO customer_stats (customer_id, profiles, orders, spent, currency, sums, first_order_at, last_order_at)
SELECT c.id, 1, coalesce(o.orders, 0), coalesce(o.spent, 0), o.currency, '{}', o.first_at, o.last_at
FROM customers c LEFT JOIN (SELECT customer_id, min(currency) AS currency, count(*) AS orders, sum(total) AS spent,
  min(placed_at) AS first_at, max(placed_at) AS last_at FROM orders WHERE state <> 'cancelled' GROUP BY 1) o
  ON o.customer_id = c.id;
