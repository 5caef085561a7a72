"""What a shop's page may know of the visitor in front of it: their cart and how often they came, no name.

It goes by the device alone and tells what that device did. What is known of the same person from elsewhere
never shows: whoever claims to be Anna learns nothing of Anna. Of the segments that the one card of the device
is in it tells those that staff opened to pages.
"""

from typing import Any

from sqlalchemy import Engine, text

from foundation.errors import BadInput

NO_VISITS = {"count": 0, "first_at": None, "last_at": None, "orders": 0}
NOTHING = {"returning": False, "visits": NO_VISITS, "cart": None, "offers": [], "segments": []}
FRESH = 15  # seconds a page may keep the answer
_OF = text(
    """
SELECT
  (SELECT jsonb_build_object('lines', c.lines, 'items', c.items, 'value', c.value, 'currency', c.currency,
     'url', c.url, 'state', c.state, 'changed_at', c.changed_at)
   FROM carts c WHERE c.site_id = s.id AND c.device = :device AND c.state IN ('open', 'abandoned')
   ORDER BY c.changed_at DESC LIMIT 1),
  (SELECT jsonb_build_object('count', count(*), 'first_at', min(v.started_at), 'last_at', max(v.ended_at),
     'orders', coalesce(sum(jsonb_array_length(v.orders)), 0))
   FROM visits v WHERE v.site_id = s.id AND v.device = :device),
  (SELECT coalesce(jsonb_agg(jsonb_build_object('code', o.code, 'form', f.name, 'at', o.given_at)), '[]')
   FROM form_coupons o JOIN forms f ON f.id = o.form_id WHERE f.site_id = s.id AND o.device = :device),
  (SELECT coalesce(jsonb_agg(jsonb_build_object('id', g.id, 'name', g.name) ORDER BY g.name), '[]')
   FROM (SELECT min(p.customer_id::text)::uuid AS card FROM profile_keys k
       JOIN profiles p ON p.id = k.profile_id AND p.source_id = s.id
     WHERE k.kind = 'device' AND k.value = :device AND p.customer_id IS NOT NULL
     HAVING count(DISTINCT p.customer_id) = 1) AS one
   JOIN segment_members m ON m.customer_id = one.card
   JOIN segments g ON g.id = m.segment_id AND g.pages AND g.archived_at IS NULL)
FROM sites s WHERE s.key = :key
"""
)


def of(engine: Engine, site_key: str, device: str) -> dict[str, Any]:
    """The cart, visits, coupons and segments of a device, all empty for one that never was here. One query.

    Money in the cart's currency; `BadInput` when there is no such site.
    """
    if not device.strip():
        return dict(NOTHING)
    values = {"key": site_key.replace("\0", "")[:64], "device": device.replace("\0", "")[:200]}
    with engine.connect() as connection:
        row = connection.execute(_OF, values).one_or_none()
    if row is None:
        raise BadInput("There is no such site.", "site")
    cart, visits, offers, segments = row
    known = {"visits": visits, "cart": cart, "offers": offers, "segments": segments}
    return {"returning": visits["count"] > 1} | known
