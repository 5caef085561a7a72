"""Time zones of people, and where their nights end."""

from datetime import UTC, datetime
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_campaigns import zones


@pytest.mark.parametrize(
    ("country", "city", "zone"),
    [("KZ", "Алматы", "Asia/Almaty"), ("RU", "Омск", "Asia/Omsk"), ("RU", "Казань", "Europe/Moscow"),
    ("ru", None, "Europe/Moscow"),
     ("KR", "", "Asia/Seoul"), ("TR", None, "Europe/Istanbul"), ("US", "Seattle", "America/Los_Angeles"),
     ("DE", None, "Europe/Berlin"), (None, "Nowhere", "Asia/Almaty"), ("XX", None, "Asia/Almaty")],
)  # fmt: skip
def test_the_zone_follows_country_and_city(country, city, zone):
    assert zones.zone_of(country, city, "Asia/Almaty") == zone


def test_unknown_zones_are_counted_as_utc():
    at = datetime(2026, 3, 2, 22, tzinfo=UTC)
    for zone in ("Mars/Olympus", "", "../etc/passwd", "Europe/Nowhere", "\0"):
        assert zones.local(at, zone) == at
        assert zones.end_of_quiet(at, zone, 21, 9) == datetime(2026, 3, 3, 9, tzinfo=UTC)


def test_every_country_has_a_zone_that_is_known():
    found = zones._by_country()
    assert len(found) > 200
    assert set(found.values()) <= available_timezones()


@pytest.mark.parametrize(
    ("at", "zone", "begin", "end", "over"),
    [
        ("2026-03-02T15:59", "Asia/Almaty", 21, 9, None),  # 20:59 there
        ("2026-03-02T16:00", "Asia/Almaty", 21, 9, "2026-03-03T04:00"),
        ("2026-03-03T03:59", "Asia/Almaty", 21, 9, "2026-03-03T04:00"),
        ("2026-03-03T04:00", "Asia/Almaty", 21, 9, None),
        ("2026-03-02T13:00", "UTC", 12, 14, "2026-03-02T14:00"),
        ("2026-03-02T13:00", "UTC", 0, 0, None),
        ("2026-03-29T00:30", "Europe/Berlin", 21, 9, "2026-03-29T07:00"),  # clocks go forward that night
        ("2026-10-25T00:30", "Europe/Berlin", 21, 9, "2026-10-25T08:00"),  # and back
        ("2026-10-25T00:30", "Europe/Berlin", 1, 3, "2026-10-25T02:00"),
    ],
)
def test_nights_end_by_the_clocks_there(at, zone, begin, end, over):
    found = zones.end_of_quiet(datetime.fromisoformat(at).replace(tzinfo=UTC), zone, begin, end)
    assert found == (datetime.fromisoformat(over).replace(tzinfo=UTC) if over else None)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
st.sampled_from(sorted(available_timezones())),
       st.integers(0, 23), st.integers(0, 23))  # fmt: skip
def test_a_night_is_always_over_some_day(at, zone, begin, end):
    at = at.replace(tzinfo=UTC)
    until = zones.end_of_quiet(at, zone, begin, end)
    if until is not None:
        assert at < until
        assert (until - at).total_seconds() <= 27 * 3600
        assert zones.local(until, zone).hour in (end, (end + 1) % 24, (end + 2) % 24)
