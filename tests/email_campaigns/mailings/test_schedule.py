"""Wall times: clocks that jump, days that begin elsewhere first, each person's own hour."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_campaigns import zones
from email_campaigns.mailings import schedule
from foundation.database import transaction
from foundation.errors import BadInput
from tests.email_campaigns.mailings.world import person

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wall", "zone", "instant"),
    [
        ("2026-03-02T10:00", "Asia/Almaty", "2026-03-02T05:00"),
        ("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30"),  # clocks jump from 2 to 3
        ("2026-03-29T03:30", "Europe/Berlin", "2026-03-29T01:30"),
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30"),  # comes twice: the first
        ("2026-11-01T01:30", "America/New_York", "2026-11-01T05:30"),
        ("2011-12-30T10:00", "Pacific/Apia", "2011-12-30T20:00"),  # a day that wasn't there
        ("2026-03-02T10:00", "Nowhere/Else", "2026-03-02T10:00"),
    ],
)
def test_wall_time_becomes_an_instant(wall, zone, instant):
    found = schedule.instant(schedule.wall_time(wall), zone)
    assert found == datetime.fromisoformat(instant).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("wall", "zone", "said"),
    [
        ("2026-03-29T02:30", "Europe/Berlin", "jump over 02:30"),
        ("2026-10-25T02:30", "Europe/Berlin", "twice"),
        ("2026-03-29T02:30", "Asia/Almaty", ""),
    ],
)
def test_odd_times_are_told(wall, zone, said):
    found = schedule.oddity({"kind": "at", "wall": wall, "zone": zone})
    assert said in found if said else found == ""


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ({"kind": "soon"}, "kind"), ({"kind": "at", "wall": "tomorrow", "zone": "UTC"}, "wall"),
        ({"kind": "at", "wall": "2026-03-02", "zone": "UTC"}, "wall"), ({"kind": "local"}, "wall"),
        ({"kind": "at", "wall": "2026-03-02T10:00", "zone": "Mars/Base"}, "zone"),
        ({"kind": "at", "wall": "2026-03-02T10:00"}, "zone"),
        ({"kind": "at", "wall": "2026-03-02T10:00+05:00", "zone": "UTC"}, "wall"),
    ],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(said, at):
    with pytest.raises(BadInput) as found:
        schedule.checked(said)
    assert found.value.at == at


def test_past_and_far_times_are_refused():
    for wall in ("2026-03-02T08:59", "2029-01-01T00:00"):
        with pytest.raises(BadInput):
            schedule.refuse_past({"kind": "at", "wall": wall, "zone": "UTC"}, NINE)
    schedule.refuse_past({"kind": "local", "wall": "2026-03-02T08:59"}, NINE)  # not yet so late in Samoa
    schedule.refuse_past({"kind": "now"}, NINE)


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)),
    st.sampled_from(["Europe/Berlin", "America/Santiago", "Asia/Almaty", "Australia/Lord_Howe", "Asia/Gaza"]),
)
def test_instant_shows_the_wall_time_or_what_clocks_jump_to(wall, zone):
    wall = wall.replace(second=0, microsecond=0)
    shown = zones.local(schedule.instant(wall, zone), zone).replace(tzinfo=None)
    assert timedelta(0) <= shown - wall <= timedelta(hours=1)
    assert (shown == wall) == (
        "jump" not in schedule.oddity({"wall": f"{wall:%Y-%m-%dT%H:%M}", "zone": zone})
    )


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),
    st.integers(-2000, 2000).map(lambda minutes: timedelta(minutes=minutes)), st.integers(1, 48),
)  # fmt: skip
def test_local_letters_come_at_their_time_or_late_within_the_limit(wall, shift, late):
    zone, limit = "Europe/Berlin", timedelta(hours=late)
    start = schedule.instant(wall, zone) + shift
    due = schedule.locally(wall, {zone}, start, limit)[zone]
    assert due >= start
    intended = [schedule.instant(wall + timedelta(days=day), zone) for day in range(4)]
    assert due in intended or any(timedelta(0) <= due - one <= limit for one in intended)


def test_each_hour_comes_within_a_day():
    start = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    for (zone, hour), due in schedule.hourly({"Europe/Berlin", "Asia/Almaty"}, start).items():
        assert start <= due <= start + timedelta(hours=25)
        assert zones.local(due, zone).hour == hour or (zone, hour) == ("Europe/Berlin", 2)


def due_by_address(desk, mailing):
    query = "SELECT address, due_at FROM deliveries WHERE step = :step"
    return {row.address.split("@")[0]: row.due_at for row in desk.rows(query, step=f"mailing:{mailing}")}


def test_scheduled_mailing_waits_for_its_wall_time(desk, clock):
    desk.crowd(2)
    mailing = desk.mailing(schedule={"kind": "at", "wall": "2026-03-03T10:00", "zone": "Asia/Almaty"})
    desk.begin(mailing)
    assert desk.get(mailing).starts_at == datetime(2026, 3, 3, 5, tzinfo=UTC)
    clock.advance(timedelta(hours=19, minutes=59))
    desk.send()
    assert desk.states(mailing) == {}
    clock.advance(timedelta(minutes=2))
    desk.send()
    assert desk.states(mailing) == {"accepted": 2}


def test_local_time_is_each_recipients_own(desk, clock):
    desk.people(
        person(1, "Almaty", "KZ"), person(2, "Berlin", "DE"), person(3, "서울", "KR"), person(4, "Nowhere",
        "XX"),
        person(5, "Владивосток", "RU"),
    )  # fmt: skip
    mailing = desk.mailing(schedule={"kind": "local", "wall": "2026-03-04T10:00"})
    desk.begin(mailing)
    assert desk.get(mailing).starts_at == datetime(2026, 3, 4, 0, tzinfo=UTC)  # Vladivostok shows it first
    clock.advance(desk.get(mailing).starts_at - NINE)
    desk.look()
    assert due_by_address(desk, mailing) == {
        "person1": datetime(2026, 3, 4, 5, tzinfo=UTC), "person2": datetime(2026, 3, 4, 9, tzinfo=UTC),
        "person3": datetime(2026, 3, 4, 1, tzinfo=UTC), "person4": datetime(2026, 3, 4, 10, tzinfo=UTC),
        "person5": datetime(2026, 3, 4, 0, tzinfo=UTC),
    }  # fmt: skip


def test_local_time_that_went_by_comes_the_next_day(desk, clock):
    desk.people(person(1, "Almaty", "KZ"), person(2, "Berlin", "DE"), person(3, "서울", "KR"))
    # at 9:00 UTC it is 18:00 in Seoul, 14:00 in Almaty and 10:00 in Berlin
    mailing = desk.mailing(schedule={"kind": "local", "wall": "2026-03-02T10:30"}, late_hours=6)
    desk.begin(mailing)
    desk.look()
    assert due_by_address(desk, mailing) == {
        "person1": NINE, "person2": datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
        "person3": datetime(2026, 3, 3, 1, 30, tzinfo=UTC),
    }  # fmt: skip


def test_best_hour_is_ones_own_else_the_companys(desk, clock):
    desk.people(*(person(n) for n in range(1, 4)))
    # person1 buys in the evening, by the clock of Almaty (UTC+5)
    for day in range(1, 5):
        desk.order("person1@mail.example", after=timedelta(days=-day, hours=19 - 5 - 9))
    for _ in range(9):  # most others act at noon, though no one of them often enough
        desk.order("person2@mail.example", after=timedelta(days=-1, hours=12 - 5 - 9), currency="EUR")
    desk.do(
        "DELETE FROM orders WHERE currency = 'EUR' AND id NOT IN (SELECT id FROM orders WHERE currency = "
        "'EUR' LIMIT 2)"
    )
    mailing = desk.mailing(schedule={"kind": "best"})
    desk.begin(mailing)
    desk.look()
    found = due_by_address(desk, mailing)
    assert found["person1"] == datetime(2026, 3, 2, 14, tzinfo=UTC)  # 19:00 in Almaty
    assert (
        found["person2"] == found["person3"] == datetime(2026, 3, 2, 14, tzinfo=UTC)
    )  # the company's: 19:00


def test_best_hour_of_a_company_nobody_reacted_to_is_the_morning(desk, clock):
    desk.people(person(1))
    mailing = desk.mailing(schedule={"kind": "best", "wall": "2026-03-05T00:00", "zone": "Asia/Almaty"})
    desk.begin(mailing)
    clock.advance(timedelta(days=2, hours=10, minutes=1))
    desk.look()
    assert due_by_address(desk, mailing) == {"person1": datetime(2026, 3, 5, 5, tzinfo=UTC)}


def test_opens_by_machines_say_nothing_of_a_best_hour(desk, clock):
    desk.people(person(1))
    first = desk.mailing()
    desk.begin(first)
    desk.send()
    for number in range(5):
        desk.happen(
            first, "letter.opened", "person1@mail.example", timedelta(hours=5), machine=True, key=number
        )
    for number in range(4):
        desk.happen(first, "letter.clicked", "person1@mail.example", timedelta(hours=2), key=number)
    mailing = desk.mailing(schedule={"kind": "best"})
    clock.advance(timedelta(hours=8))
    desk.begin(mailing)
    desk.look()
    assert due_by_address(desk, mailing) == {
        "person1": datetime(2026, 3, 3, 11, tzinfo=UTC)
    }  # 16:00 in Almaty


def test_throttle_is_kept(desk, clock):
    desk.crowd(40)
    mailing = desk.mailing(per_hour="600")
    desk.begin(mailing)
    desk.send()
    assert desk.states(mailing) == {"accepted": 10, "planned": 30}
    clock.advance(timedelta(seconds=61))
    desk.send()
    assert desk.states(mailing)["accepted"] == 20
    with transaction(desk.engine) as session:
        assert session is not None
