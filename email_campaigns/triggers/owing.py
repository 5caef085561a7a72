"""What the triggers of invoices have in common: what is still owed, some days around the day it is due."""

from collections.abc import Callable
from datetime import timedelta

from customers import bills
from email_campaigns.triggers import parts
from email_campaigns.triggers.base import Select, Window

_UNPAID = f"i.state = 'open' AND i.total > i.paid AND {bills.ONCE}"
_ENTRIES = f"""
SELECT i.customer_id, i.profile_id, 'invoice:' || i.id || ':'
    || CAST(CAST(i.due_at AT TIME ZONE 'UTC' AS date) AS text) AS key, i.due_at + :t_shift AS at,
  jsonb_build_object('invoice', jsonb_strip_nulls(
    jsonb_build_object('number', i.number, 'issued_at', i.issued_at, 'due_at', i.due_at,
      'total', {parts.money("i.total", "i.currency")},
      'owed', {parts.money("i.total - i.paid", "i.currency")},
      'days_late', nullif(greatest(CAST(:t_days AS int), 0), 0)))) AS context,
  jsonb_build_object('at', i.due_at + :t_shift, 'kind', 'time', 'invoice', i.id, 'due_at', i.due_at) AS cause
FROM invoices i WHERE i.due_at > :t_from AND i.due_at <= :t_to AND {_UNPAID} AND i.profile_id IS NOT NULL
  AND (i.issued_at IS NULL OR i.issued_at <= :t_until)"""
# paid, cancelled, or due at another time than then
SETTLED = f"""NOT EXISTS (SELECT FROM invoices i WHERE i.id = CAST(r.cause ->> 'invoice' AS uuid)
  AND {_UNPAID}
  AND i.due_at = CAST(r.cause ->> 'due_at' AS timestamptz))"""


def entries(usual: int, sign: int) -> Callable[[Window], Select]:
    """Unpaid invoices, so many days before (-1) or behind (1) the instant they are due."""

    def asked(window: Window) -> Select:
        days = sign * int(window.settings.get("days", usual))
        shift = timedelta(days=days)
        return _ENTRIES, {"t_shift": shift, "t_days": days, "t_from": window.since - shift,
                          "t_to": window.until - shift, "t_until": window.until}  # fmt: skip

    return asked
