"""The first word of somebody that letters are welcome, or the first form they filled in."""

from collections.abc import Mapping
from types import MappingProxyType

from email_campaigns.triggers import parts
from email_campaigns.triggers.base import Field, Select, Trigger, Window
from foundation.text import _

_SAID = "{0}.channel = 'email' AND {0}.purpose = 'marketing' AND {0}.given"
# whoever says so on our own pages, by a link of a letter, says it now, wherever they were imported from
_CONSENTS = f"""
SELECT p.customer_id, d.profile_id, 'welcome' AS key, d.at, jsonb_build_object() AS context,
  jsonb_build_object('at', d.at, 'kind', 'consent', 'row', d.id, 'form', d.form) AS cause
FROM consents d JOIN profiles p ON p.id = d.profile_id
WHERE d.at > :t_since AND d.at <= :t_until AND d.received_at > :t_arrived AND {_SAID.format("d")}
  AND (starts_with(d.source_key, 'letter:') OR {parts.LIVE_SOURCE.format("p.source_id", "d.at")})
  AND NOT EXISTS (
    SELECT FROM profiles q JOIN consents e ON e.profile_id = q.id
    WHERE (q.id = p.id OR q.customer_id = p.customer_id) AND {_SAID.format("e")}
      AND (e.at, e.id) < (d.at, d.id))"""
_LEADS = f"""
SELECT t.customer_id, t.profile_id, 'welcome' AS key, t.occurred_at AS at, jsonb_build_object() AS context,
  jsonb_build_object('at', t.occurred_at, 'kind', t.kind, 'row', t.id,
    'form', t.data -> 'properties' ->> 'form') AS cause
FROM timeline t WHERE t.kind = 'web.lead' AND {parts.NEWS} AND jsonb_exists(t.data, 'vouched')
  AND t.profile_id IS NOT NULL AND NOT EXISTS (SELECT FROM timeline e WHERE e.kind = 'web.lead'
    AND (e.customer_id = t.customer_id OR t.customer_id IS NULL AND e.profile_id = t.profile_id)
    AND jsonb_exists(e.data, 'vouched') AND (e.occurred_at, e.id) < (t.occurred_at, t.id))"""
_WITHDRAWN = (
    f"""EXISTS (SELECT FROM customers c WHERE c.id = {parts.CARD} AND c.email_consent = 'withdrawn')"""
)


def _first() -> Mapping[str, str]:
    return {"consent": _("consent to letters"), "form": _("form filled in")}


def _entries(window: Window) -> Select:
    sql = _LEADS if window.settings.get("first", "consent") == "form" else _CONSENTS
    return sql, parts.window(window)


TRIGGER = Trigger(
    key="welcome",
    name=lambda: _("Welcome"),
    about=lambda: _(
        "Somebody agrees to get letters for the first time, or fills in a form for the first time."
    ),
    purpose="marketing",
    fields=(Field("first", "choice", "consent", lambda: _("The first"), choices=_first),),
    kinds=frozenset({"web.lead", "letter.confirmed"}),
    entries=_entries,
    over=lambda: _WITHDRAWN,
    needless=lambda: _("the consent was withdrawn"),
    reentry=MappingProxyType({"kind": "never"}),
)
