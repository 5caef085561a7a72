"""Somebody hasn't ordered for so many days: on the day when that is true."""

from datetime import timedelta
from types import MappingProxyType

from customers.stats import COUNTED
from email_campaigns.triggers import parts
from email_campaigns.triggers.base import Field, Select, Trigger, Window
from foundation.text import _

_ENTRIES = f"""
SELECT o.customer_id, o.profile_id, 'order:' || o.id AS key, o.placed_at + :t_quiet AS at,
  jsonb_build_object('order', {parts.ORDER}) AS context, jsonb_build_object('at', o.placed_at + :t_quiet,
    'kind', 'time', 'order', o.id, 'since', o.placed_at) AS cause
FROM orders o WHERE o.placed_at > :t_from AND o.placed_at <= :t_to AND {COUNTED} AND o.profile_id IS NOT NULL
  AND o.customer_id IS NOT NULL AND NOT EXISTS (SELECT FROM orders l WHERE l.customer_id = o.customer_id
    AND (l.placed_at, l.id) > (o.placed_at, o.id) AND l.placed_at <= :t_until
    AND {COUNTED.replace("o.", "l.")})"""


def _entries(window: Window) -> Select:
    quiet = timedelta(days=window.settings.get("days", 90))
    return _ENTRIES, {"t_quiet": quiet, "t_from": window.since - quiet, "t_to": window.until - quiet,
                      "t_until": window.until}  # fmt: skip


TRIGGER = Trigger(
    key="win_back",
    name=lambda: _("Win-back"),
    about=lambda: _("Somebody hasn't ordered for so many days. Only on the day that comes true: for all who "
                    "have been away longer, use a segment."),
    purpose="marketing",
    fields=(
        Field("days", "days", 90, lambda: _("Days without an order"), lowest=7, highest=1_500),
    ),
    kinds=frozenset(),
    entries=_entries,
    over=lambda: parts.ordered_since("CAST(r.cause ->> 'since' AS timestamptz)"),
    needless=lambda: _("an order came"),
    reentry=MappingProxyType({"kind": "after", "days": 90}),
)  # fmt: skip
