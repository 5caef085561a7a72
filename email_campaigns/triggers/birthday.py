"""Somebody's birthday, or some days before it, at an hour of their own day."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import available_timezones

from email_campaigns import zones
from email_campaigns.triggers import parts
from email_campaigns.triggers.base import Field, Select, Trigger, Window
from foundation.text import _

# in which zones a day of the year begins to be somebody's moment, as instants; whoever was born on 29
# February has the 28th in other years
_ENTRIES = f"""
WITH moments AS (SELECT * FROM unnest(CAST(:t_zones AS text[]), CAST(:t_days AS int[]),
    CAST(:t_years AS int[]), CAST(:t_ats AS timestamptz[])) AS w (zone, day, year, at)),
born AS (SELECT c.*, {zones.ZONE} AS zone,
    CAST(extract(month FROM c.birthday) * 100 + extract(day FROM c.birthday) AS int) AS day
  FROM customers c {zones.JOINS.format("c.country", "c.city")}
  WHERE c.live AND c.birthday IS NOT NULL
    AND CAST(extract(month FROM c.birthday) * 100 + extract(day FROM c.birthday) AS int) = ANY(:t_born))
SELECT c.id AS customer_id, {parts.PROFILE} AS profile_id, 'birthday:' || m.year AS key, m.at,
  jsonb_build_object() AS context, jsonb_build_object('at', m.at, 'kind', 'time', 'zone', c.zone) AS cause
FROM born c JOIN moments m ON m.day = c.day AND m.zone = c.zone WHERE {parts.PROFILE} IS NOT NULL"""


def _entries(window: Window) -> Select:
    before = timedelta(days=window.settings.get("days", 0))
    hour = time(int(window.settings.get("hour", 10)))
    rows = [
        (zone, day, born.year, at)
        for zone in sorted(available_timezones())
        for wall, at in _walls(window, zone, hour)
        for born in [wall + before]
        for day in _days(born)
    ]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    values = dict(zip(("t_zones", "t_days", "t_years", "t_ats"), columns, strict=True))
    return _ENTRIES, {**values, "t_born": sorted(set(columns[1])), **zones.parameters()}


def _walls(window: Window, zone: str, hour: time) -> Iterator[tuple[date, datetime]]:
    """Days of a zone's calendar on which the hour comes within the window, with its instant."""
    day = zones.local(window.since, zone).date()
    last = zones.local(window.until, zone).date()
    while day <= last:
        at = zones.instant(datetime.combine(day, hour), zone)
        if window.since < at <= window.until:
            yield day, at.astimezone(UTC)
        day += timedelta(days=1)


def _days(born: date) -> list[int]:
    found = [born.month * 100 + born.day]
    leap = (born.year % 4 == 0 and born.year % 100 != 0) or born.year % 400 == 0
    return [*found, 229] if found == [228] and not leap else found


TRIGGER = Trigger(
    key="birthday",
    name=lambda: _("Birthday"),
    about=lambda: _("Somebody's birthday, or some days before, at an hour where they live."),
    purpose="marketing",
    fields=(
        Field("days", "days", 0, lambda: _("Days before"), lowest=0, highest=60),
        Field("hour", "number", 10, lambda: _("Hour of their day"), lowest=0, highest=23),
    ),
    kinds=frozenset(),
    entries=_entries,
    reentry=MappingProxyType({"kind": "after", "days": 300}),
)
