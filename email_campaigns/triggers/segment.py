"""Somebody enters or leaves a segment; not all of it when it is made or its conditions are changed."""

from collections.abc import Mapping
from types import MappingProxyType

from email_campaigns.triggers import parts
from email_campaigns.triggers.base import Field, Select, Trigger, Window
from foundation.text import _

_ENTRIES = f"""
SELECT c.id AS customer_id, {parts.PROFILE} AS profile_id, 'segment:' || e.id AS key, e.at,
  jsonb_build_object() AS context, jsonb_build_object('at', e.at, 'kind', 'segment.' || e.kind, 'row', e.id,
    'segment', e.segment_id, 'reason', e.reason) AS cause
FROM segment_events e JOIN customers c ON c.id = e.customer_id AND c.live
WHERE e.segment_id = CAST(:t_segment AS uuid) AND e.kind = :t_way AND e.at > :t_since AND e.at <= :t_until
  AND e.at > :t_arrived AND e.reason NOT IN ('version', 'archived') AND {parts.PROFILE} IS NOT NULL"""


def _ways() -> Mapping[str, str]:
    return {"enter": _("enters"), "leave": _("leaves")}


def _entries(window: Window) -> Select:
    said = window.settings
    return _ENTRIES, parts.window(window, segment=said.get("segment"), way=said.get("way", "enter"))


TRIGGER = Trigger(
    key="segment",
    name=lambda: _("A segment's members change"),
    about=lambda: _("Somebody enters or leaves a segment. Who is in it already isn't concerned."),
    purpose="marketing",
    fields=(
        Field("segment", "segment", None, lambda: _("Segment"), required=True),
        Field("way", "choice", "enter", lambda: _("Who"), choices=_ways),
    ),
    kinds=frozenset({"segment.enter", "segment.leave"}),
    entries=_entries,
    reentry=MappingProxyType({"kind": "after", "days": 30}),
)
