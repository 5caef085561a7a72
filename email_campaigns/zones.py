"""The time zone of a person, read from country and city: what quiet hours and local times are counted in."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from babel.core import get_global

# where a country has several: the one most of its people live by
_USUAL = {
    "AR": "America/Argentina/Buenos_Aires", "AU": "Australia/Sydney", "BR": "America/Sao_Paulo",
    "CA": "America/Toronto", "CD": "Africa/Kinshasa", "CL": "America/Santiago", "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia", "DE": "Europe/Berlin", "EC": "America/Guayaquil", "ES": "Europe/Madrid",
    "FM": "Pacific/Pohnpei", "GL": "America/Nuuk", "ID": "Asia/Jakarta", "KI": "Pacific/Tarawa",
    "KZ": "Asia/Almaty", "MH": "Pacific/Majuro", "MN": "Asia/Ulaanbaatar", "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur", "NZ": "Pacific/Auckland", "PF": "Pacific/Tahiti", "PG": "Pacific/Port_Moresby",
    "PS": "Asia/Gaza", "PT": "Europe/Lisbon", "RU": "Europe/Moscow", "UA": "Europe/Kiev",
    "UM": "Pacific/Wake", "US": "America/New_York", "UZ": "Asia/Tashkent", "VN": "Asia/Ho_Chi_Minh",
    "AQ": "Antarctica/McMurdo", "GB": "Europe/London", "TR": "Europe/Istanbul", "KR": "Asia/Seoul",
    "IN": "Asia/Kolkata", "CH": "Europe/Zurich", "NO": "Europe/Oslo",
}  # fmt: skip
_CITIES = {
    ("RU", "Asia/Yekaterinburg"): "екатеринбург пермь уфа челябинск тюмень оренбург yekaterinburg perm ufa"
    " chelyabinsk tyumen orenburg",
    ("RU", "Asia/Omsk"): "омск omsk",
    ("RU", "Asia/Novosibirsk"): "новосибирск томск барнаул novosibirsk tomsk barnaul",
    ("RU", "Asia/Krasnoyarsk"): "красноярск кемерово новокузнецк krasnoyarsk kemerovo novokuznetsk",
    ("RU", "Asia/Irkutsk"): "иркутск улан-удэ irkutsk ulan-ude",
    ("RU", "Asia/Yakutsk"): "якутск чита благовещенск yakutsk chita blagoveshchensk",
    ("RU", "Asia/Vladivostok"): "владивосток хабаровск vladivostok khabarovsk",
    ("RU", "Asia/Kamchatka"): "петропавловск-камчатский petropavlovsk-kamchatsky",
    ("RU", "Europe/Kaliningrad"): "калининград kaliningrad",
    ("RU", "Europe/Samara"): "самара тольятти ижевск samara tolyatti izhevsk",
    ("US", "America/Chicago"): "chicago houston dallas austin minneapolis milwaukee nashville memphis",
    ("US", "America/Denver"): "denver albuquerque boise",
    ("US", "America/Phoenix"): "phoenix tucson mesa",
    ("US", "America/Los_Angeles"): "seattle portland oakland sacramento fresno",
    ("US", "Pacific/Honolulu"): "honolulu",
    ("CA", "America/Vancouver"): "vancouver victoria burnaby surrey",
    ("CA", "America/Edmonton"): "calgary edmonton",
    ("CA", "America/Winnipeg"): "winnipeg",
    ("AU", "Australia/Perth"): "perth",
    ("AU", "Australia/Brisbane"): "brisbane",
    ("AU", "Australia/Adelaide"): "adelaide",
    ("BR", "America/Manaus"): "manaus",
    ("MX", "America/Tijuana"): "tijuana mexicali",
    ("ID", "Asia/Makassar"): "makassar denpasar",
    ("ES", "Atlantic/Canary"): "tenerife",
}  # fmt: skip
_BY_CITY = {(country, city): zone for (country, zone), said in _CITIES.items() for city in said.split()}


@lru_cache(maxsize=1)
def _by_country() -> Mapping[str, str]:
    """Countries with the zone of most of their people."""
    known, found = available_timezones(), dict[str, str]()
    for zone, country in sorted(get_global("zone_territories").items()):
        if zone in known and "/" in zone:
            found.setdefault(str(country), str(zone))
    return found | {country: zone for country, zone in _USUAL.items() if zone in known}


def zone_of(country: str | None, city: str | None, usual: str = "UTC") -> str:
    """The zone of somebody in that city, else of most people in that country, else the usual one."""
    code = (country or "").strip().upper()
    if city and (zone := _BY_CITY.get((code, city.strip().casefold()))):
        return zone
    return _by_country().get(code, usual)


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # a zone that is known elsewhere only
        return None


def local(at: datetime, zone: str) -> datetime:
    """An instant as clocks of the zone show it; UTC where the zone is unknown."""
    found = _zone(zone)
    return at.astimezone(found) if found else at


# the same as `zone_of` for columns of country {0} and city {1}: joins, and the zone that comes of them;
# both want `parameters()`
JOINS = """LEFT JOIN unnest(CAST(:z_cities AS text[]), CAST(:z_city_zones AS text[])) AS zc (city, zone)
  ON zc.city = upper(btrim({0})) || ' ' || lower(btrim({1}))
LEFT JOIN unnest(CAST(:z_countries AS text[]), CAST(:z_zones AS text[])) AS zn (country, zone)
  ON zn.country = upper(btrim({0}))"""
ZONE = "coalesce(zc.zone, zn.zone, (SELECT w.zone FROM mail_switch w), 'UTC')"


def parameters() -> dict[str, list[str]]:
    """What the SQL needs."""
    return {
        "z_cities": [f"{country} {city}" for country, city in _BY_CITY],
        "z_city_zones": list(_BY_CITY.values()),
        "z_countries": list(_by_country()),
        "z_zones": list(_by_country().values()),
    }


def instant(wall: datetime, zone: str) -> datetime:
    """What clocks of the zone show as an instant; as UTC where the zone is unknown."""
    return wall.replace(tzinfo=_zone(zone) or UTC)


def end_of_quiet(at: datetime, zone: str, begin: int, end: int) -> datetime | None:
    """When the quiet hours that an instant lies in are over, as an instant; None when it lies in none.

    `begin` and `end` are hours of the day; 21 and 9 is a night. The end follows the clocks of the zone.
    """
    if begin == end:
        return None
    here = local(at, zone)
    quiet = begin <= here.hour < end if begin < end else here.hour >= begin or here.hour < end
    if not quiet:
        return None
    over = here.replace(hour=end % 24, minute=0, second=0, microsecond=0, fold=0)
    if over.replace(tzinfo=None) <= here.replace(tzinfo=None):
        over = (over.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=here.tzinfo)
    over = over.astimezone(at.tzinfo)
    return over if over > at else at + timedelta(hours=1)
