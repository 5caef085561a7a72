"""Anything that stands on the timeline, perhaps with a property that says something."""

from types import MappingProxyType

from email_campaigns.triggers import parts
from email_campaigns.triggers.base import Field, Select, Trigger, Window
from foundation.text import _

_ENTRIES = f"""
SELECT t.customer_id, t.profile_id, 'row:' || t.id AS key, t.occurred_at AS at,
  jsonb_build_object() AS context,
  jsonb_build_object('at', t.occurred_at, 'kind', t.kind, 'row', t.id) AS cause
FROM timeline t WHERE t.kind = :t_kind AND {parts.NEWS} AND t.profile_id IS NOT NULL
  AND NOT jsonb_exists(t.data, 'bot') AND coalesce(t.data ->> 'machine', 'false') IN ('false', '')
  AND (CAST(:t_name AS text) = '' OR coalesce(t.data -> 'properties' ->> CAST(:t_name AS text),
    t.data ->> CAST(:t_name AS text)) = :t_value)
  AND {parts.LIVE_SOURCE.format("t.source_id", "t.occurred_at")}"""


def _entries(window: Window) -> Select:
    said = window.settings
    return _ENTRIES, parts.window(
        window, kind=said.get("kind", ""), name=said.get("property", ""), value=str(said.get("equals", ""))
    )


TRIGGER = Trigger(
    key="event",
    name=lambda: _("Something happens"),
    about=lambda: _("Anything that stands on a customer's timeline, as its kind says."),
    purpose="marketing",
    fields=(
        Field("kind", "text", "", lambda: _("Kind"), highest=100, required=True,
              help=lambda: _("Such as web.product_reviewed or order.refunded.")),
        Field("property", "text", "", lambda: _("Property"), highest=200,
              help=lambda: _("Empty for all of the kind.")),
        Field("equals", "text", "", lambda: _("Says exactly"), highest=500),
    ),
    kinds=frozenset({"*"}),
    entries=_entries,
    reentry=MappingProxyType({"kind": "each"}),
)  # fmt: skip
