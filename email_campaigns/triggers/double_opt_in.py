"""Somebody ticked a form's consent to letters, and must confirm that the address is theirs first."""

from datetime import timedelta
from types import MappingProxyType

from email_campaigns.triggers import parts
from email_campaigns.triggers.base import Field, Select, Trigger, Window
from foundation.text import _

# the kind is written for what comes by our forms' own door or from the site's server only: a page that
# anybody can speak for would make a sender of letters to strangers of us
_ENTRIES = f"""
SELECT t.customer_id, t.profile_id, 'row:' || t.id AS key, t.occurred_at AS at,
  jsonb_build_object('confirm', jsonb_strip_nulls(jsonb_build_object(
    'email', lower(btrim(t.data -> 'properties' ->> 'email')), 'text', w.said ->> 'text',
    'form', w.said ->> 'form', 'ip', w.said ->> 'ip', 'at', t.occurred_at,
    'until', t.occurred_at + :t_valid))) AS context,
  jsonb_build_object('at', t.occurred_at, 'kind', t.kind, 'row', t.id, 'form', w.said ->> 'form') AS cause
FROM timeline t CROSS JOIN LATERAL (SELECT x.said FROM jsonb_array_elements(
    CASE jsonb_typeof(t.data -> 'properties' -> 'consent') WHEN 'array'
    THEN t.data -> 'properties' -> 'consent' ELSE '[]' END)
    WITH ORDINALITY AS x (said, n) WHERE x.said ->> 'channel' = 'email' ORDER BY x.n LIMIT 1) w
WHERE t.kind = 'web.opt_in' AND {parts.NEWS} AND t.profile_id IS NOT NULL"""
# confirmed already, too late, or the card's address isn't the one that was typed
_OVER = f"""(CAST(r.context -> 'confirm' ->> 'until' AS timestamptz) <= :now
  OR EXISTS (SELECT FROM customers c WHERE c.id = {parts.CARD} AND (c.email_consent = 'given'
    OR lower(c.email) IS DISTINCT FROM r.context -> 'confirm' ->> 'email')))"""


def _entries(window: Window) -> Select:
    return _ENTRIES, parts.window(window, valid=timedelta(days=window.settings.get("days", 7)))


TRIGGER = Trigger(
    key="double_opt_in",
    name=lambda: _("Confirm the address"),
    about=lambda: _(
        "Somebody signed up by a form that asks for a confirmed address. No consent before that."
    ),
    purpose="transactional",
    fields=(Field("days", "days", 7, lambda: _("Days the link is good for"), lowest=1, highest=60),),
    kinds=frozenset({"web.opt_in"}),
    entries=_entries,
    over=lambda: _OVER,
    needless=lambda: _("there is consent, the link is no longer good, or the card has another address now"),
    reentry=MappingProxyType({"kind": "after", "days": 1}),
)
