"""When letters of a mailing are due: at once, at a wall time, at the recipient's own, at each person's best
hour.

Wall times stay wall times until they are needed: the instant is computed late. A time that clocks jump over
(spring) is the one they jump to, a time that comes twice (autumn) is the first of both.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from email_campaigns import zones
from foundation.errors import BadInput
from foundation.text import _

KINDS = ("now", "at", "local", "best")
FARTHEST = timedelta(days=730)
EARLIEST, LATEST = "Pacific/Kiritimati", "Pacific/Pago_Pago"  # where a day begins first and last


def checked(said: Mapping[str, Any]) -> dict[str, Any]:
    """A schedule as it is kept; `BadInput` names the part that can't be used."""
    kind = str(said.get("kind") or "now")
    if kind not in KINDS:
        raise BadInput(_("Choose when the letters go."), "kind")
    wall, zone = str(said.get("wall") or "").strip(), str(said.get("zone") or "").strip()
    if kind == "now" or (kind == "best" and not wall):
        return {"kind": kind}
    kept = {"kind": kind, "wall": f"{wall_time(wall):%Y-%m-%dT%H:%M}"}
    if kind == "local":
        return kept
    if zone not in available_timezones():
        raise BadInput(_("Name a time zone such as Asia/Almaty."), "zone")
    return kept | {"zone": zone}


def wall_time(said: str) -> datetime:
    """A day and a time without a zone; `BadInput` when it is none."""
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None or "T" not in said.replace(" ", "T") or found.year > 9000:
        raise BadInput(_("Give a day and a time."), "wall")
    return found.replace(second=0, microsecond=0)


def instant(wall: datetime, zone: str) -> datetime:
    """The instant at which clocks of the zone show this; of two the first, of none where they jump to."""
    try:
        home = ZoneInfo(zone)
    except (KeyError, OSError, ValueError):  # a zone that is known elsewhere only
        home = ZoneInfo("UTC")
    return wall.replace(tzinfo=home, fold=0).astimezone(UTC)


def begins(schedule: Mapping[str, Any], at: datetime, places: Collection[str] = ()) -> datetime:
    """When the mailing starts, asked at an instant; `places` are the zones of those whom it goes to.

    By recipients' local time it starts with whoever's clock shows it first.
    """
    kind = schedule.get("kind", "now")
    if kind == "now" or "wall" not in schedule:
        return at
    wall = wall_time(schedule["wall"])
    if kind == "local":
        return min(instant(wall, zone) for zone in (places or (EARLIEST,)))
    return instant(wall, schedule["zone"])


def refuse_past(schedule: Mapping[str, Any], at: datetime) -> None:
    """`BadInput` when the time has gone by everywhere that it is meant, or is years away."""
    if schedule.get("kind", "now") == "now" or "wall" not in schedule:
        return
    last = instant(wall_time(schedule["wall"]), schedule.get("zone", LATEST))
    if last <= at:
        raise BadInput(_("That time has gone by."), "wall")
    if last - at > FARTHEST:
        raise BadInput(_("That is more than two years away."), "wall")


def locally(wall: datetime, places: Collection[str], start: datetime, late: timedelta) -> dict[str, datetime]:
    """When the wall time comes in each zone, for a mailing that starts at an instant.

    Where it went by no longer ago than `late` they get it at once, elsewhere at that time a day later:
    a letter for ten in the morning never comes at three in the night.
    """
    found = {}
    for zone in places:
        due = instant(wall, zone)
        day = 0
        while due < start - late:
            day += 1
            due = instant(wall + timedelta(days=day), zone)
        found[zone] = max(due, start)
    return found


def hourly(places: Collection[str], start: datetime) -> dict[tuple[str, int], datetime]:
    """When each hour of the day comes next in each zone, at the start or after it."""
    found = {}
    for zone in places:
        today = zones.local(start, zone).date()
        for hour in range(24):
            found[zone, hour] = _next(zone, today, hour, start)
    return found


def _next(zone: str, today: date, hour: int, start: datetime) -> datetime:
    for day in range(3):
        due = instant(datetime.combine(today + timedelta(days=day), time(hour)), zone)
        if due >= start:
            return due
    return start


def oddity(schedule: Mapping[str, Any]) -> str:
    """What is odd about a wall time in its zone, as a sentence; mostly nothing."""
    if "wall" not in schedule or "zone" not in schedule:
        return ""
    wall, zone = wall_time(schedule["wall"]), schedule["zone"]
    shown = zones.local(instant(wall, zone), zone).replace(tzinfo=None)
    if shown != wall:
        said = _("Clocks in %(zone)s jump over %(wall)s that day; it starts at %(shown)s.")
        return said % {"zone": zone, "wall": f"{wall:%H:%M}", "shown": f"{shown:%H:%M}"}
    home = ZoneInfo(zone)
    if wall.replace(tzinfo=home, fold=0).utcoffset() != wall.replace(tzinfo=home, fold=1).utcoffset():
        said = _("Clocks in %(zone)s show %(wall)s twice that day; it starts at the first.")
        return said % {"zone": zone, "wall": f"{wall:%H:%M}"}
    return ""


def said(schedule: Mapping[str, Any]) -> str:
    """The schedule as a sentence."""
    kind = schedule.get("kind", "now")
    wall = wall_time(schedule["wall"]).strftime("%Y-%m-%d %H:%M") if "wall" in schedule else ""
    if kind == "at":
        return _("at %(wall)s in %(zone)s") % {"wall": wall, "zone": schedule["zone"]}
    if kind == "local":
        return _("at %(wall)s by each recipient's own clock") % {"wall": wall}
    if kind == "best" and wall:
        said = _("from %(wall)s in %(zone)s on, each at their best hour")
        return said % {"wall": wall, "zone": schedule["zone"]}
    return _("at each person's best hour within a day") if kind == "best" else _("at once")
