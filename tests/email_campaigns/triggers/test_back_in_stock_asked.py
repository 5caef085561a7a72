"""Who asked by a form to be told when a product is back is told once, without any other consent."""

from datetime import datetime, timedelta

import pytest

from customers import merge
from email_campaigns.delivery import engine as sending
from email_campaigns.doors import known, preferences
from email_campaigns.journeys import jobs, store
from email_campaigns.journeys.backtest import store as backtests
from email_campaigns.journeys.tables import Journey
from email_campaigns.letters import starters
from email_campaigns.letters import store as letters
from foundation.database import transaction
from tests.email_campaigns.delivery.conftest import sealed_context  # noqa: F401
from tests.email_campaigns.mailings.world import build
from tests.email_campaigns.triggers.scene import Scene
from tests.email_campaigns.triggers.test_consents import scene  # noqa: F401
from tests.web_capture.conftest import capturing, client, pages, rows  # noqa: F401
from tests.web_capture.forms.made import published, said, send, with_forms
from web_capture.forms import routes as form_routes
from web_capture.limits import Limit

KEY = "back_in_stock_asked"
HOUR = timedelta(hours=1)


@pytest.fixture
def ask(scene: Scene, pages, client, rows, clock, monkeypatch):  # noqa: F811
    """A function that asks for a product by our form, on a page of the shop."""
    monkeypatch.setattr(form_routes, "PER_ADDRESS", Limit(5))
    with_forms(client.app)
    scene.run("UPDATE sources SET created_at = created_at - interval '1 year'")
    form = published(scene.engine, pages.id, "embedded", back_in_stock=True, consents=[])
    asked = []

    def ask(email: str = "anna@p.kz", **product: str) -> None:
        asked.append(email)
        body = said(form, pages.write_key, f"message-{len(asked):04}", fields={"email": email}, consent=[],
                    anonymousId=f"d-{email}", product=product or {"sku": "MUG"})  # fmt: skip
        assert send(pages.client, body).json()["ok"]
        rows("SELECT 1")
        clock.advance(timedelta(minutes=1))

    return ask


def back(scene: Scene, clock, sku: str = "MUG", stock: int = 3) -> None:  # noqa: F811
    """Gone, and a minute later here again."""
    scene.product(sku, stock=0)
    clock.advance(timedelta(minutes=1))
    scene.product(sku, stock=stock)


@pytest.mark.parametrize("product", [{"sku": "MUG"}, {"product_id": "MUG"}])
def test_who_asked_is_told(scene: Scene, ask, clock, product):  # noqa: F811
    scene.product("MUG", stock=0)
    ask(**product)
    assert scene.ask(KEY) == []
    scene.product("MUG", stock=3)
    (entry,) = scene.ask(KEY)
    letter = scene.letter(KEY, entry)
    assert "The MUG" in letter.subject and "https://shop.example/p/MUG" in letter.text
    assert [other for other in ("back_in_stock", "price_drop") if scene.ask(other)] == []
    assert not scene.over(KEY, entry)
    assert scene.ask(KEY, arrived=timedelta(minutes=2)) == [entry]


def test_asked_is_asked_once_however_often(scene: Scene, ask, clock):  # noqa: F811
    scene.product("MUG", stock=0)
    ask()
    ask()
    ask(sku="TEA")
    back(scene, clock)
    (entry,) = scene.ask(KEY)
    ask()  # while it is there
    back(scene, clock, "CUP")
    assert [one.key for one in scene.ask(KEY)] == [entry.key]
    clock.advance(25 * HOUR)
    back(scene, clock)
    (again,) = scene.ask(KEY)
    assert again.key != entry.key, "of who asked after it was back"
    clock.advance(25 * HOUR)
    back(scene, clock)
    assert scene.ask(KEY) == [], "each ask is done when it was back"


def test_two_people_and_two_products_are_four_letters(scene: Scene, ask, clock):  # noqa: F811
    for email in ("anna@p.kz", "boris@p.kz"):
        for sku in ("MUG", "TEA"):
            ask(email, sku=sku)
    for sku in ("MUG", "TEA"):
        back(scene, clock, sku)
    found = scene.ask(KEY)
    assert len({one.key for one in found}) == len(found) == 4


def test_bought_or_gone_again_or_long_ago_is_over(scene: Scene, ask, clock):  # noqa: F811
    ask()
    back(scene, clock)
    (entry,) = scene.ask(KEY)
    scene.product("MUG", stock=0)
    assert scene.over(KEY, entry)
    scene.product("MUG", stock=1)
    assert not scene.over(KEY, entry)
    scene.buys("anna", "N1", sku="MUG")
    one, other = (row.id for row in scene.rows("SELECT id FROM customers WHERE live"))
    with transaction(scene.engine) as session:
        merge.merge(session, one, other, "olga@example.org")  # what a page says of itself joins nobody
    assert scene.over(KEY, entry) and scene.ask(KEY) == []
    ask("boris@p.kz")
    clock.advance(181 * 24 * HOUR)
    back(scene, clock)
    assert scene.ask(KEY) == []


@pytest.fixture
def desk(scene, ask, engine, sealed_context, sealer, tmp_path):  # noqa: F811
    """A journey of it that is on."""
    scene.run("UPDATE sources SET name = 'Our shop' WHERE name = 'Shop'")
    made = build(engine, sealer, tmp_path / "letters")
    with transaction(engine) as session:
        letter = letters.create(session, "Back", starters.of(KEY).purpose)
        letters.new_version(
            session, letter, "en", {"en": starters.of(KEY).written("en", "Bazaar", "1 Main street")}
        )
        steps = [{"type": "letter", "letter_id": str(letter.id), "sender_id": str(made.sender)}]
        row = store.create(session, "Back", "olga@example.org")
        store.save(session, row, {"trigger": {"kind": KEY}, "steps": steps}, "olga@example.org")
        store.switch(session, row, "on")
    yield made
    sending.rest(engine)


def work(engine) -> None:
    for _round in range(3):
        while jobs.follow(engine):
            pass
        while sending.send(engine):
            pass


def test_from_the_form_to_the_one_letter(scene: Scene, ask, desk, engine, clock):  # noqa: F811
    scene.product("MUG", stock=0)
    ask()
    work(engine)
    for _time in range(3):
        back(scene, clock)
        clock.advance(HOUR)
        work(engine)
    (sent,) = [path.read_bytes() for path in desk.folder.rglob("*.eml")]
    assert b"anna@p.kz" in sent and b"The MUG" in sent
    assert scene.rows("SELECT address, purpose, state FROM deliveries") == [
        ("anna@p.kz", "transactional", "accepted")
    ]
    assert scene.rows("SELECT email_consent FROM customers WHERE live") == [(None,)]


def test_a_back_test_of_it_finds_the_same_letter(scene: Scene, ask, desk, engine, clock):  # noqa: F811
    scene.product("MUG", stock=0)
    ask()
    ask("boris@p.kz", sku="TEA")
    work(engine)
    back(scene, clock)
    clock.advance(timedelta(minutes=1))
    work(engine)
    clock.advance(HOUR)
    with transaction(engine) as session:
        test = backtests.start(session, session.query(Journey).one(), 2, queued=False).id
    backtests.run(engine, test)
    with transaction(engine) as session:
        found = backtests.read(session, test)
        assert (found.state, found.result["entered"], found.result["letters"]) == ("done", 1, 1)
        left = found.result["rows"][0]["letters"][0]["at"]
    (sent,) = scene.rows("SELECT handed_at FROM deliveries")
    assert abs(datetime.fromisoformat(left) - sent.handed_at) <= timedelta(minutes=2)


def test_unsubscribing_withdraws_what_was_asked_for(scene: Scene, ask, desk, engine, clock):  # noqa: F811
    ask()
    back(scene, clock)
    clock.advance(timedelta(minutes=1))
    work(engine)
    ask(sku="TEA")
    (delivery,) = scene.rows("SELECT id FROM deliveries")[0]
    for _time in range(2):
        with transaction(engine) as session:
            letter = known.find(session, delivery)
            assert letter is not None
            preferences.unsubscribe(session, letter, "unsubscribe page", "")
    clock.advance(timedelta(minutes=1))
    said = scene.rows("SELECT given FROM consents WHERE purpose = 'back_in_stock' ORDER BY at, id")
    assert [row.given for row in said] == [True, True, False]
    back(scene, clock, "TEA")
    assert scene.ask(KEY, hours=1 / 30) == []
    work(engine)
    assert len(list(desk.folder.rglob("*.eml"))) == 1
    ask(sku="TEA")  # the newer word
    back(scene, clock, "TEA")
    assert len(scene.ask(KEY, hours=1 / 30)) == 1
    clock.advance(timedelta(minutes=1))
    work(engine)
    assert len(list(desk.folder.rglob("*.eml"))) == 2
