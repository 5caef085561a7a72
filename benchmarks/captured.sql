-- What three sites of a company captured in so many days, one of them most of it: five events a visit, a third of
-- them of a form in every page; orders, nine of ten told of by a page too. Every choice comes from a hash of the
-- number, so that every run is the same.
CREATE OR REPLACE FUNCTION bench_dice(n bigint, salt int) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (hashint8extended(n, salt) & 1048575) / 1048576.0;
CREATE TEMP TABLE place ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY domain) AS n, id FROM sites;
CREATE TEMP TABLE came ON COMMIT DROP AS
SELECT n::int, CASE WHEN n < 120 THEN '' ELSE 'campaign-' || n END AS campaign,
  (ARRAY['', 'google', 'google', 'yandex', 'facebook', 'news', 'blog' || n || '.example'])[1 + n % 7] AS source,
  (ARRAY['', 'cpc', 'organic', 'cpc', 'social', 'email', 'referral'])[1 + n % 7] AS medium,
  (ARRAY['direct', 'paid_search', 'search', 'paid_search', 'social', 'email', 'referral'])[1 + n % 7] AS channel
FROM generate_series(0, 279) n;
CREATE TEMP TABLE device ON COMMIT DROP AS
SELECT n, gen_random_uuid() AS id, md5('d' || n)::uuid::text AS name, n % 4 < 3 AS known,
  CASE WHEN n % 4 < 3 THEN md5('c' || n / 2)::uuid END AS card,
  CASE WHEN bench_dice(n, 1) < 0.8 THEN 1 WHEN bench_dice(n, 1) < 0.95 THEN 2 ELSE 3 END AS place
FROM generate_series(0, :devices - 1) n;
CREATE TEMP TABLE visit ON COMMIT DROP AS
SELECT v, d.n AS d, d.id AS profile, d.name, d.card, p.id AS site, d.place, c.channel, c.source, c.medium, c.campaign,
  at, v % 4 = 0 AND v / 4 < :orders AS buys
FROM (SELECT v, floor(power(bench_dice(v, 2), 1.5) * :devices)::bigint AS n,
    CASE WHEN bench_dice(v, 3) < 0.3 THEN 0 ELSE floor(power(bench_dice(v, 4), 3) * 280)::int END AS c,
    CAST(:until AS timestamptz) - interval '1 day' * CAST(:days AS float8) * bench_dice(v, 5) - interval '5 minutes' AS at
  FROM generate_series(0, :visits - 1) v) AS drawn
JOIN device d ON d.n = drawn.n JOIN place p ON p.n = d.place JOIN came c ON c.n = drawn.c;
ANALYZE visit;
INSERT INTO sources (id, name, kind, role, created_at)
SELECT md5('shop')::uuid, 'The shop', 'woocommerce', 'shop', CAST(:until AS timestamptz);
INSERT INTO customers (id, live, identified, kind, name, given_name, family_name, latin_name, email, tags, origins,
  search, created_at, changed_at)
SELECT DISTINCT card, true, true, 'person', 'Buyer ' || card, '', '', '', card || '@p.example', ARRAY[]::text[],
  '{}'::jsonb, ''::tsvector, CAST(:until AS timestamptz), CAST(:until AS timestamptz)
FROM device WHERE card IS NOT NULL;
INSERT INTO profiles (id, source_id, kind, external_id, customer_id, record, record_hash, changed_at, created_at)
SELECT d.id, p.id, CASE WHEN known THEN 'lead' ELSE 'visitor' END, d.name, d.card, '{}', '',
  CAST(:until AS timestamptz), CAST(:until AS timestamptz)
FROM device d JOIN place p ON p.n = d.place;
INSERT INTO profile_keys (profile_id, kind, value, strong) SELECT id, 'device', name, true FROM device;
INSERT INTO visits (site_id, device, started_at, ended_at, channel, source, medium, campaign, term, content, clicks,
  referrer, landing, pages, events, orders, value, currency, trail)
SELECT site, name, at, at + interval '4 minutes', channel, source, medium, campaign, '', '', '', '',
  'https://shop.example/catalog/' || v % 900, 3, 5,
  CASE WHEN buys THEN jsonb_build_array(jsonb_build_array('N' || v / 4, '25000', 'KZT')) ELSE '[]' END,
  CASE WHEN buys THEN 25000 ELSE 0 END, CASE WHEN buys THEN 'KZT' ELSE '' END,
  decode(repeat(md5(v::text), 8), 'hex')
FROM visit ORDER BY at ON CONFLICT DO NOTHING;
INSERT INTO orders (id, source_id, external_id, number, profile_id, customer_id, state, source_state, currency,
  total, discount, shipping, tax, refunded, details, placed_at, changed_at, record_hash)
SELECT gen_random_uuid(), md5('shop')::uuid, (v / 4)::text, 'N' || v / 4, profile, card,
  CASE WHEN v % 80 = 0 THEN 'cancelled' ELSE 'paid' END, 'paid', CASE WHEN v % 200 = 0 THEN 'EUR' ELSE 'KZT' END,
  100 + v % 977, 0, 0, 0, 0, '{}', at + interval '4 minutes', at, ''
FROM visit WHERE buys ORDER BY at;
INSERT INTO web_orders (site_id, order_id, at, device, cart_id, checkout_id, total, currency, proved, profile_id)
SELECT site, 'N' || v / 4, at + interval '4 minutes', name, '', '', 100 + v % 977,
  CASE WHEN v % 200 = 0 THEN 'EUR' ELSE 'KZT' END, v % 3 = 0, profile
FROM visit WHERE buys AND v % 40 <> 0 ORDER BY at;
INSERT INTO web_orders (site_id, order_id, at, device, cart_id, checkout_id, total, currency, proved, profile_id)
SELECT site, 'W' || v, at + interval '4 minutes', name, '', '', 50, 'KZT', v % 3 = 0, profile
FROM visit WHERE NOT buys AND v % 40 = 1;
INSERT INTO timeline (source_id, source_key, profile_id, customer_id, kind, occurred_at, received_at, data)
SELECT site, 'm:' || md5(v || '-' || step), profile, card, CASE step
    WHEN 1 THEN 'web.product_viewed' WHEN 4 THEN CASE WHEN buys THEN 'web.order_completed'
      WHEN v % 12 = 5 THEN 'web.lead' ELSE 'web.event' END
    WHEN 2 THEN 'web.event' ELSE 'web.page' END,
  at + step * interval '1 minute', at + step * interval '1 minute', jsonb_build_object('device', visit.name,
    'url', 'https://shop.example/catalog/chairs/' || v % 900, 'path', '/catalog/chairs/' || v % 900,
    'title', 'Chairs and tables, page ' || v % 900, 'referrer', 'https://www.google.com/', 'landed', v) || CASE
    WHEN step = 1 OR step = 4 AND buys THEN jsonb_build_object('currency', 'KZT', 'order_id', 'N' || v / 4, 'products',
      jsonb_build_array(jsonb_build_object('product_id', v % 977, 'name', 'Chair Nr. ' || v % 977, 'price',
        jsonb_build_object('amount', '12500', 'currency', 'KZT'))))
    WHEN step IN (2, 4) THEN jsonb_build_object('event', CASE WHEN step = 4 AND v % 12 = 5 THEN 'Form Submitted'
      WHEN step = 4 AND v % 3 = 0 THEN 'Form Closed' ELSE 'Form Viewed' END, 'properties',
      jsonb_build_object('form_id', form.key, 'form', form.name, 'version', 1, 'variant',
        CASE WHEN d % 2 = 0 THEN 'A' ELSE 'B' END)
        || CASE WHEN step = 4 AND v % 12 = 5 THEN jsonb_build_object('email', 'a' || d || '@p.example', 'fields',
          '{}'::jsonb, 'consent', '[]'::jsonb) ELSE '{}' END)
    ELSE '{}' END
FROM visit JOIN forms form ON form.site_id = visit.site CROSS JOIN generate_series(0, 4) step
ORDER BY at, step;
INSERT INTO form_devices (form_id, version, variant, device, viewed, submitted)
SELECT f.id, 1, data->'properties'->>'variant', data->>'device', bool_or(data->>'event' = 'Form Viewed'),
  bool_or(t.kind = 'web.lead')
FROM timeline t JOIN forms f ON f.site_id = t.source_id AND f.key = data->'properties'->>'form_id'
WHERE data->>'event' IN ('Form Viewed', 'Form Submitted') GROUP BY 1, 2, 3, 4
