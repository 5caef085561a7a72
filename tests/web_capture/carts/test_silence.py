"""The silences that people set: what they may be, and that they move the moment of giving up."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from foundation.database import transaction
from foundation.errors import BadInput
from tests.web_capture.carts.test_abandonment import MUG, World, after
from tests.web_capture.happening import START, happen
from web_capture import sites
from web_capture.carts import silence
from web_capture.tables import Site


@pytest.fixture
def world(engine, sealer, clock) -> World:
    return World(engine, sealer)


def settle(world: World, **minutes: object) -> None:
    """Somebody sets silences."""
    with transaction(world.engine) as session:
        sites.decide(session, session.get_one(Site, world.site), {"abandonment": minutes}, "anna@p.kz")


def due(world: World) -> list[float]:
    """When carts are looked at, in minutes after START."""
    with world.engine.connect() as connection:
        found = connection.scalars(text("SELECT due_at FROM carts ORDER BY key"))
        return [(one - START) / timedelta(minutes=1) for one in found]


@pytest.mark.parametrize(("minutes", "moment"), [(20, 20), (45, 45), (90, 90)])
@pytest.mark.parametrize("first", [True, False])
def test_changed_silence_moves_the_moment(world, clock, minutes, moment, first):
    """Of carts that were filled before the change, too."""
    clock.advance(START - clock.now())
    if first:
        settle(world, cart=minutes)
    world.do(happen(0, "Product Added", **MUG))
    if not first:
        settle(world, cart=minutes)
    after(clock, moment - 0.1)
    assert world.told() == []
    after(clock, moment)
    ((kind, _data, at, _card),) = world.told()
    assert (kind, at) == ("cart.abandoned", START + timedelta(minutes=moment))


def test_each_kind_has_a_silence_of_its_own(world, clock):
    clock.advance(START - clock.now())
    anna = world.person("anna", "d3")
    world.do(
        happen(0, "Product Added", "d1", **MUG),
        happen(0, "Checkout Started", "d2", products=[MUG]),
        happen(0, "Product Viewed", "d3", profile=anna, **MUG),
    )
    settle(world, checkout=4, browse=7)
    assert due(world) == [60, 4]
    for minute, kinds in ((3, 0), (4, 1), (6, 1), (7, 2), (59, 2), (60, 3)):
        after(clock, minute)
        assert len(world.kinds()) == kinds, minute
    assert world.kinds() == ["checkout.abandoned", "browse.abandoned", "cart.abandoned"]


def test_other_sites_keep_their_moments(world, sealer):
    world.do(happen(0, "Product Added", **MUG))
    with transaction(world.engine) as session:
        other = sites.add(session, sealer, "other.example")[0]
        sites.change(session, other, {"abandonment": {"cart": 1}})
    assert due(world) == [60]


def test_longer_silence_hastens_nothing(world):
    world.do(happen(0, "Product Added", **MUG))
    settle(world, cart=90)
    assert due(world) == [60]  # then it is looked at, and put off


def test_what_is_not_named_stays(session, sealer):
    site = sites.add(session, sealer, "shop.example")[0]
    assert "abandonment" not in site.settings
    sites.change(session, site, {"abandonment": {"cart": 45}})
    sites.change(session, site, {"abandonment": {"browse": "300"}, "capture": False})
    assert site.settings["abandonment"] == {"cart": 45, "checkout": 30, "browse": 300}
    sites.change(session, site, {"abandonment": {"cart": None, "browse": " "}})
    assert silence.minutes(site) == {"cart": 45, "checkout": 30, "browse": 120}


@pytest.mark.parametrize("said", [1, "43200", " 7 "])
def test_minutes_within_the_range_are_taken(session, sealer, said):
    site = sites.add(session, sealer, "shop.example")[0]
    sites.change(session, site, {"abandonment": {"checkout": said}})
    assert silence.silences(site)["checkout"] == timedelta(minutes=int(said))


@pytest.mark.parametrize(
    "said", [0, -1, 43_201, "1.5", "1e3", "an hour", "９", "²", True, [5], "9" * 5_000, "1_0"]
)
def test_other_minutes_are_refused_with_the_range(session, sealer, said):
    site = sites.add(session, sealer, "shop.example")[0]
    with pytest.raises(BadInput) as caught:
        sites.change(session, site, {"abandonment": {"browse": said}})
    assert (caught.value.at, "from 1 to 43,200" in caught.value.message) == ("browse", True)


@pytest.mark.parametrize("kept", [None, [], {"cart": "soon", "checkout": 0, "browse": True}, {"cart": 10**9}])
def test_unreadable_settings_are_the_usual_ones(kept):
    assert silence.minutes(Site(settings={"abandonment": kept})) == silence.USUAL


def test_change_never_waits_for_events_that_wait_for_it(world, clock):
    """Events write carts first, then their site's row: so does a change."""
    world.do(happen(0, "Product Added", **MUG))
    with ThreadPoolExecutor(1) as pool, transaction(world.engine) as session:
        session.execute(text("SET LOCAL lock_timeout = '3s'"))
        session.execute(text("SELECT key FROM carts FOR UPDATE"))
        changing = pool.submit(settle, world, cart=5, checkout=3)
        while not world.scalar("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            time.sleep(0.01)
        session.execute(text("UPDATE sites SET last_event_at = first_event_at"))
        session.commit()
        changing.result()
    assert due(world) == [5]
