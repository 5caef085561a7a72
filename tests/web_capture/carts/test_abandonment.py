"""What was given up is told once, after the silence, unless an order came by whatever way."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, event, select, text

from customers.tables import Profile
from foundation import jobs, wake
from foundation.clock import now
from foundation.database import transaction
from foundation.records import Order, Person
from kartoteka.worker import load_jobs
from tests.customers.world import say, shop
from tests.web_capture.happening import START, happen
from web_capture import sites
from web_capture.carts import abandonment
from web_capture.carts import current as carts
from web_capture.happened import Happened
from web_capture.tables import Site
from web_capture.visits import sessions as visits

load_jobs()
MUG = {"product_id": "mug", "name": "Mug", "price": 10, "quantity": 2}
LATE = datetime(2026, 3, 2, 12, 0, tzinfo=START.tzinfo)


class World:
    """A site whose visitors do things, a shop whose orders land, and a clock."""

    def __init__(self, engine: Engine, sealer) -> None:
        self.engine = engine
        with transaction(engine) as session:
            self.site = sites.add(session, sealer, "shop.example", currency="KZT")[0].id
            self.shop = shop(session)

    def person(self, who: str, *devices: str, claimed: bool = False):
        """A person the site knows; the profile's id."""
        person = Person(
            external_id=who, emails=(f"{who}@p.kz",), name="" if claimed else who, device_ids=devices,
            claimed=claimed,
        )  # fmt: skip
        with transaction(self.engine) as session:
            source = session.get_one(Site, self.site)
            say(session, source, person)
            found = select(Profile.id).where(Profile.source_id == self.site, Profile.external_id == who)
            return session.scalars(found).one()

    def order(self, who: str, minute: float, number: str = "N1", state: str = "paid") -> None:
        """An order lands from the shop's connector."""
        at = START + timedelta(minutes=minute)
        buyer = Person(external_id=f"shop-{who}", emails=(f"{who}@p.kz",), name=who)
        order = Order(
            external_id=number, number=number, state=state, currency="KZT", total=Decimal(20), placed_at=at,
            customer_id=buyer.external_id, customer=buyer,
        )  # fmt: skip
        with transaction(self.engine) as session:
            say(session, self.shop, buyer, order)

    def do(self, *rows: Happened, **settings: object) -> None:
        """Events become visits and carts."""
        with transaction(self.engine) as session:
            site = session.get_one(Site, self.site)
            site.settings = {**site.settings, **settings}
            visits.record(session, site, rows)
            carts.record(session, site, rows)

    def told(self) -> list[tuple]:
        """The kinds of rows on the timeline, with what they say, after all work is done."""
        while abandonment.look(self.engine):
            pass
        query = (
            "SELECT kind, data, occurred_at, customer_id FROM timeline WHERE kind LIKE '%abandoned'"
            " OR kind LIKE '%recovered' ORDER BY id"
        )
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def kinds(self) -> list[str]:
        return [row[0] for row in self.told()]

    def scalar(self, query: str):
        with self.engine.connect() as connection:
            return connection.scalar(text(query))


@pytest.fixture
def world(engine, sealer, clock) -> World:
    return World(engine, sealer)


def after(clock, minutes: float) -> None:
    """So many minutes after START, which is an hour before the held clock begins."""
    clock.advance(START + timedelta(minutes=minutes) - clock.now())


def test_cart_is_abandoned_after_an_hour(world, clock):
    anna = world.person("anna", "d1")
    world.do(happen(0, "Product Added", profile=anna, cart_id="C1", cart_url="https://shop.example/c", **MUG))
    world.do(
        happen(1, "Cart Viewed", profile=anna, cart_id="C1", products=[MUG], url="https://shop.example/c")
    )
    after(clock, 60.9)
    assert world.told() == []
    after(clock, 61)
    ((kind, data, at, card),) = world.told()
    assert (kind, at, card is not None) == ("cart.abandoned", START + timedelta(minutes=61), True)
    assert (data["value"], data["url"], data["cart_id"]) == (
        {"amount": "20", "currency": "KZT"}, "https://shop.example/c", "C1",
    )  # fmt: skip
    assert [line["name"] for line in data["lines"]] == ["Mug"]
    after(clock, 300)
    assert len(world.told()) == 1
    assert world.scalar("SELECT state FROM carts") == "abandoned"


def test_coming_back_tells_nothing_again(world, clock):
    world.do(happen(0, "Product Added", **MUG))
    after(clock, 60)
    assert world.kinds() == ["cart.abandoned"]
    world.do(happen(90, "Product Added", **MUG))
    assert world.scalar("SELECT state FROM carts") == "open"
    after(clock, 200)
    assert world.kinds() == ["cart.abandoned"]
    assert world.scalar("SELECT state FROM carts") == "abandoned"


def test_next_filling_is_told_anew(world, clock):
    world.do(happen(0, "Product Added", **MUG))
    after(clock, 60)
    assert world.kinds() == ["cart.abandoned"]
    world.do(happen(70, "Order Completed", order_id="N1", total=20), happen(80, "Product Added", **MUG))
    after(clock, 200)
    assert world.kinds() == ["cart.abandoned", "cart.abandoned", "cart.recovered"]


def test_who_looks_around_stays(world, clock):
    world.do(happen(0, "Product Added", **MUG), happen(25), happen(50))
    after(clock, 61)
    assert world.kinds() == []
    after(clock, 110)
    assert world.kinds() == ["cart.abandoned"]


def test_checkout_is_told_for_its_cart(world, clock):
    world.do(
        happen(0, "Product Added", **MUG), happen(2, "Checkout Started", checkout_id="K1", products=[MUG])
    )
    after(clock, 32)
    assert world.kinds() == ["checkout.abandoned"]
    after(clock, 500)
    assert world.kinds() == ["checkout.abandoned"]


def test_checkout_may_follow_an_abandoned_cart(world, clock):
    world.do(happen(0, "Product Added", **MUG))
    after(clock, 60)
    assert world.kinds() == ["cart.abandoned"]
    world.do(happen(70, "Checkout Started", products=[MUG]))
    after(clock, 100)
    assert world.kinds() == ["cart.abandoned", "checkout.abandoned"]


def test_site_sets_the_silence(world, clock):
    world.do(happen(0, "Product Added", **MUG), abandonment={"cart": 5})
    after(clock, 5)
    assert world.kinds() == ["cart.abandoned"]


BOUGHT = {
    "same cart": (happen, (9, "Order Completed", "other"), {"cart_id": "C1", "order_id": "N1"}),
    "same checkout": (happen, (9, "Order Completed", "other"), {"checkout_id": "K1", "order_id": "N1"}),
    "same order": (happen, (9, "Order Completed", "other"), {"order_id": "N7"}),
    "same device": (happen, (9, "Order Completed"), {"order_id": "N1"}),
}


@pytest.mark.parametrize("way", BOUGHT)
@pytest.mark.parametrize("before", [True, False])
def test_events_of_orders_take_back(world, clock, way, before):
    make, args, said = BOUGHT[way]
    started = {"cart_id": "C1", "checkout_id": "K1", "order_id": "N7", "products": [MUG]}
    world.do(happen(0, "Checkout Started", **started))
    if not before:
        after(clock, 30)
        assert world.kinds() == ["checkout.abandoned"]
    woken: list[str] = []
    wake.hear(woken.append)
    world.do(make(*args, **said))
    wake.unhear(woken.append)
    assert carts.DUTY in woken
    if not before:
        assert world.kinds() == ["checkout.abandoned", "cart.recovered"]
    after(clock, 100)
    assert world.kinds() == ([] if before else ["checkout.abandoned", "cart.recovered"])
    after(clock, 1000)
    assert len(world.kinds()) == (0 if before else 2)
    with world.engine.connect() as connection:
        states = connection.scalars(text("SELECT DISTINCT state FROM carts WHERE device = 'd1'")).all()
    assert states == ["ordered"]  # the shop's page isn't handed a cart that was bought


@pytest.mark.parametrize("who", ["anna", "boris"])
@pytest.mark.parametrize("before", [True, False])
def test_orders_of_shops_take_back(world, clock, who, before):
    """Anna's own, and that of Boris: the device has told his address, too."""
    anna = world.person("anna", "d1")
    world.person("boris", "d1", claimed=True)
    world.do(happen(0, "Product Added", profile=anna, **MUG))
    after(clock, 20)
    if before:
        world.order(who, 15)
    after(clock, 70)
    assert world.kinds() == ([] if before else ["cart.abandoned"])
    if not before:
        world.order(who, 70)
        after(clock, 72)
        found = world.told()
        assert [row[0] for row in found] == ["cart.abandoned", "cart.recovered"]
        assert (found[1][1]["by"], found[1][1]["order"]) == ("person", "N1")
        assert found[1][2] <= now(), "nothing is ordered in the future, whatever grace a shop's clock has"
    assert world.scalar("SELECT count(*) FROM abandonments WHERE look_at IS NULL") == (0 if before else 1)


@pytest.mark.parametrize(("minute", "state"), [(-60, "paid"), (15, "cancelled"), (15, "cart")])
def test_other_orders_take_nothing_back(world, clock, minute, state):
    anna = world.person("anna", "d1")
    world.do(happen(0, "Product Added", profile=anna, **MUG))
    world.order("anna", minute, state=state)
    world.order("dana", 15, number="N2")
    after(clock, 60)
    assert world.kinds() == ["cart.abandoned"]


def test_later_products_are_a_new_cart(world, clock):
    anna = world.person("anna", "d1")
    tea = {"product_id": "tea", "name": "Tea", "price": 5}
    world.do(
        happen(0, "Product Added", profile=anna, **MUG), happen(45, "Product Added", profile=anna, **tea)
    )
    world.order("anna", 20)
    after(clock, 106)
    ((kind, data, _at, _card),) = world.told()
    assert (kind, [line["name"] for line in data["lines"]]) == ("cart.abandoned", ["Tea"])


def test_click_in_our_letter_opens_nothing(world, clock):
    back = {"utm": ("kartoteka", "email"), "url": "https://shop.example/cart"}
    world.do(
        happen(0, "Cart Viewed", "phone", products=[MUG], **back),
        happen(1, "Cart Viewed", "phone", products=[MUG]),
    )
    after(clock, 500)
    assert world.kinds() == []
    world.do(happen(600, "Product Added", "phone", **MUG))
    after(clock, 700)
    assert world.kinds() == ["cart.abandoned"]


def test_device_with_two_carts_tells_once(world, clock):
    world.do(happen(0, "Product Added", **MUG), happen(1, "Cart Viewed", cart_id="C1", products=[MUG]))
    after(clock, 200)
    assert [row[1].get("cart_id") for row in world.told()] == ["C1"]


def test_known_person_abandons_a_browse(world, clock):
    anna = world.person("anna", "d1")
    world.do(happen(0, "Product Viewed", profile=anna, **MUG), happen(1, "Product Viewed", "d7", **MUG))
    after(clock, 119)
    assert world.kinds() == []
    after(clock, 130)
    ((kind, data, at, _card),) = world.told()
    assert (kind, at, data["lines"][0]["name"]) == ("browse.abandoned", START + timedelta(minutes=120), "Mug")
    world.do(happen(140, "Product Viewed", profile=anna, **MUG))
    after(clock, 400)
    assert world.kinds() == ["browse.abandoned"]


def test_cart_or_order_makes_no_browse(world, clock):
    anna, boris = world.person("anna", "d1"), world.person("boris", "d2")
    world.do(
        happen(0, "Product Viewed", profile=anna, **MUG), happen(1, "Product Added", profile=anna, **MUG)
    )
    world.do(happen(0, "Product Viewed", "d2", profile=boris, **MUG))
    world.order("boris", 30)
    after(clock, 400)
    assert world.kinds() == ["cart.abandoned"]


def test_late_event_neither_doubles_nor_loses(world, clock):
    world.do(happen(10, "Product Added", **MUG))
    after(clock, 70)
    assert world.kinds() == ["cart.abandoned"]
    world.do(happen(5, "Product Added", **MUG))
    after(clock, 400)
    assert world.kinds() == ["cart.abandoned"]


@pytest.mark.parametrize("way", ["event", "other device"])
def test_order_of_one_instant_wins(world, clock, way):
    device = "d1" if way == "event" else "d2"
    world.do(happen(0, "Product Added", id="zz", cart_id="C1", **MUG))
    world.do(
        happen(
            0,
            "Order Completed",
            device,
            id="aa",
            order_id="N1",
            cart_id="C1" if way == "event" else "",
            total=1,
        )
    )
    world.person("anna", "d1", "d2")
    with world.engine.begin() as connection:
        profile = connection.scalar(text("SELECT id FROM profiles"))
        connection.execute(text("UPDATE web_orders SET profile_id = :id"), {"id": profile})
    after(clock, 100)
    assert world.kinds() == []


class Killed(Exception):
    """The process died."""


def test_kill_at_any_statement_tells_once(world, clock):
    anna = world.person("anna", "d1")
    tea = {"product_id": "tea", "name": "Tea", "price": 5}
    world.do(
        happen(0, "Product Added", profile=anna, **MUG), happen(45, "Product Added", profile=anna, **tea),
        happen(0, "Product Added", "d2", **MUG), happen(0, "Product Viewed", "d1", profile=anna, **MUG),
    )  # fmt: skip
    world.order("anna", 20)
    left = 0

    def count(*_args: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    event.listen(world.engine, "before_cursor_execute", count)
    event.listen(world.engine, "commit", count)
    after(clock, 200)
    deaths = 0
    for moment in range(1, 60):
        left = moment
        try:
            while abandonment.look(world.engine):
                pass
        except Killed:
            deaths += 1
        if left > 0:
            break
    event.remove(world.engine, "before_cursor_execute", count)
    event.remove(world.engine, "commit", count)
    assert deaths > 10
    assert sorted(world.kinds()) == ["cart.abandoned", "cart.abandoned"]


def test_two_workers_tell_once(world, clock):
    world.do(*(happen(0, "Product Added", f"d{n}", **MUG) for n in range(5)))
    after(clock, 100)
    with transaction(world.engine) as session:
        session.execute(text("SELECT FROM carts WHERE device IN ('d1', 'd2') FOR UPDATE"))
        assert len(world.kinds()) == 3
    assert len(world.kinds()) == 5


def test_the_duty_is_registered():
    assert jobs.running.duties[carts.DUTY].run is abandonment.look
