-- Every choice comes from the bits of a hash of the number, so that every run is the same.
CREATE OR REPLACE FUNCTION bench_id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
  (lpad(to_hex(1700000000000 + n * 30), 12, '0') || '7' || substr(md5(n::text), 1, 3) || 'a'
   || substr(md5(n::text), 4, 15))::uuid;
CREATE OR REPLACE FUNCTION bench_at(n bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
  timestamptz '2023-11-14 00:00Z' + n * interval '30 milliseconds';
INSERT INTO sources (id, name, kind, role, created_at)
  SELECT bench_id(-s), 'Shop ' || s, 'woocommerce', 'shop', bench_at(0) FROM generate_series(1, 3) s;
CREATE TEMP TABLE made ON COMMIT DROP AS
SELECT n, bench_id(n) AS id, bench_at(n) AS at, bench_id(-(1 + n % 3)) AS source, n % 12 <> 0 AS identified,
  m.name, m.given, m.family, m.latin, m.words, p.country, p.code, p.cities[1 + n % array_length(p.cities, 1)] AS city,
  CASE WHEN n % 12 <> 0 AND n % 10 <> 9 THEN
    replace(replace(split_part(m.latin, ' ', 1), '''', ''), '-', '') || '.' || n END AS mailbox,
  'mail' || n % 40 || '.example' AS host,
  CASE WHEN n % 12 <> 0 AND n % 5 <> 4 THEN p.code || p.trunk || lpad((n % 10000000)::text, 7, '0') END AS phone
FROM (SELECT n::bigint, hashint8(n) & 1048575 AS dice FROM generate_series(1, :n) n) AS numbers
JOIN names m ON m.number = (power(dice / 1048576.0, 2) * (SELECT count(*) FROM names))::int
  % (SELECT count(*) FROM names)
JOIN places p ON p.script = m.script;
ANALYZE made;
INSERT INTO customers (id, live, identified, kind, name, given_name, family_name, latin_name, email, phone,
  country, city, language, tags, origins, email_consent, search, created_at, changed_at)
SELECT id, true, identified, 'person', CASE WHEN identified THEN name ELSE '' END, given, family, latin,
  mailbox || '@' || host, '+' || phone, country, city, lower(country),
  CASE WHEN n % 50 = 0 THEN ARRAY['wholesale'] ELSE '{}' END,
  jsonb_build_object('name', bench_id(n), 'email', bench_id(n), 'phone', bench_id(n)),
  CASE n % 4 WHEN 0 THEN 'given' WHEN 1 THEN 'withdrawn' END,
  CASE WHEN identified THEN (words || coalesce((
    SELECT ' ' || string_agg('e' || substr(substr(letters, s, 100) || tail, 1, 23), ' ') || ' e' || tail
    FROM (SELECT replace(mailbox, '.', '') AS letters, replace(host, '.', '') AS tail) AS l
    CROSS JOIN LATERAL generate_series(1, least(20, greatest(length(letters) - 2, 1))) s GROUP BY tail), '')
    || coalesce(' p' || phone || ' p' || substr(phone, length(code) + 1) || ' p' || right(phone, 7)
                || ' p' || right(phone, 4), ''))::tsvector
  ELSE '' END, at, at
FROM made ORDER BY n;
INSERT INTO profiles (id, source_id, kind, external_id, customer_id, record, record_hash, changed_at, created_at)
SELECT id, source, CASE WHEN identified THEN 'customer' ELSE 'visitor' END, n::text, id,
  jsonb_build_object('type', 'person', 'external_id', n::text, 'name', name, 'given_name', given,
    'family_name', family, 'emails', to_jsonb(array_remove(ARRAY[mailbox || '@' || host], NULL)),
    'phones', to_jsonb(array_remove(ARRAY['+' || phone], NULL)), 'country', country,
    'addresses', jsonb_build_array(jsonb_build_object('city', city, 'country', country, 'line', 'Street 1'))),
  decode(md5(n::text), 'hex'), at, at
FROM made ORDER BY n;
INSERT INTO profiles (id, source_id, kind, external_id, customer_id, record, record_hash, changed_at, created_at)
SELECT bench_id(-100 - g), bench_id(-1), 'guest', 'order:' || g, bench_id(1), record
  || jsonb_build_object('external_id', 'order:' || g), record_hash, bench_at(g), bench_at(g)
FROM profiles, generate_series(1, 5) g WHERE id = bench_id(1);
INSERT INTO profile_keys (profile_id, kind, value, strong)
SELECT id, 'email', mailbox || '@' || host, true FROM made WHERE mailbox IS NOT NULL;
INSERT INTO profile_keys (profile_id, kind, value, strong)
SELECT id, 'phone', '+' || phone, true FROM made WHERE phone IS NOT NULL;
INSERT INTO profile_links (profile_id, customer_id, rule, evidence, actor, since)
SELECT id, customer_id, 'new', '{}', 'resolve', created_at FROM profiles;
INSERT INTO consents (profile_id, channel, purpose, given, at, text, form, ip, source_key, received_at)
SELECT id, 'email', 'marketing', n % 4 = 0, at, '', '', '', 'c', at FROM made WHERE n % 4 < 2;
CREATE TEMP TABLE bought ON COMMIT DROP AS
SELECT o, bench_id(o + 100000000000) AS id, CASE WHEN o <= :heavy THEN 1
    ELSE 1 + (power((hashint8(o) & 1048575) / 1048576.0, 2) * :n)::bigint % :n END AS n,
  bench_at(o) AS at, (100 + hashint8(o) & 65535) / 100.0 AS total,
  (ARRAY['paid', 'shipped', 'completed', 'refunded', 'cancelled'])[1 + o % 5] AS state
FROM generate_series(1, :orders) AS s (o);
INSERT INTO orders (id, source_id, external_id, number, profile_id, customer_id, state, source_state, currency,
  total, discount, shipping, tax, refunded, details, placed_at, changed_at, record_hash)
SELECT id, bench_id(-(1 + n % 3)), o::text, 'R-' || o, bench_id(n), bench_id(n), state, state, 'EUR', total, 0, 5,
  0, 0, '{}', at, at, decode(md5(o::text), 'hex')
FROM bought ORDER BY o;
INSERT INTO order_lines (order_id, position, product_external_id, sku, name, quantity, unit_price, discount,
  tax, total)
SELECT id, p, (o * 7 + p) % 2000, 'SKU-' || (o * 7 + p) % 2000, 'Product ' || (o * 7 + p) % 2000, p, total, 0, 0,
  total
FROM bought CROSS JOIN generate_series(1, 2) p ORDER BY o, p;
INSERT INTO timeline (source_id, source_key, profile_id, customer_id, kind, occurred_at, received_at, data)
SELECT bench_id(-(1 + n % 3)), 'order:' || o || ':' || what, bench_id(n), bench_id(n), 'order.' || what,
  at + step * interval '5 minutes', at, jsonb_build_object('order', id, 'number', 'R-' || o, 'amount',
  total::text, 'currency', 'EUR')
FROM bought CROSS JOIN (VALUES (0, 'placed'), (1, 'paid')) AS steps (step, what) ORDER BY o;
INSERT INTO customer_stats (customer_id, profiles, orders, spent, currency, sums, first_order_at, last_order_at,
  last_seen_at)
SELECT m.id, CASE WHEN m.n = 1 THEN 6 ELSE 1 END, coalesce(b.orders, 0), coalesce(b.spent, 0), b.currency, '{}',
  b.first_at, b.last_at, b.last_at + interval '5 minutes'
FROM made m LEFT JOIN (
  SELECT n, count(*) AS orders, sum(total) AS spent, 'EUR' AS currency, min(at) AS first_at, max(at) AS last_at
  FROM bought WHERE state <> 'cancelled' GROUP BY n) b ON b.n = m.n
