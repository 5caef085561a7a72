"""A cart left behind becomes a letter with what lay in it; one that was bought meanwhile becomes none."""

from datetime import timedelta

import pytest

from email_campaigns.delivery import engine as sending
from email_campaigns.journeys import jobs, store
from email_campaigns.letters import starters
from email_campaigns.letters import store as letters
from foundation.database import transaction
from tests.email_campaigns.delivery.conftest import sealed_context  # noqa: F401
from tests.email_campaigns.mailings.world import build
from tests.email_campaigns.triggers.scene import Scene, buyer
from tests.web_capture.carts.test_abandonment import MUG
from tests.web_capture.happening import START, happen


@pytest.fixture
def desk(scene, engine, sealed_context, sealer, tmp_path):  # noqa: F811
    scene.run("UPDATE sources SET name = 'Our shop' WHERE name = 'Shop'")
    yield build(engine, sealer, tmp_path / "letters")
    sending.rest(engine)


def test_cart_becomes_a_letter_or_an_order(scene: Scene, desk, engine, clock):
    with transaction(engine) as session:
        letter = letters.create(session, "Cart", "marketing")
        written = {"en": starters.of("abandoned_cart").written("en", "Bazaar", "1 Main street")}
        letters.new_version(session, letter, "en", written)
        steps = [
            {"type": "wait", "amount": 1, "unit": "hours"},
            {"type": "letter", "letter_id": str(letter.id), "sender_id": str(desk.sender)},
        ]
        row = store.create(session, "Carts", "olga@example.org")
        store.save(session, row, {"trigger": {"kind": "abandoned_cart"}, "steps": steps}, "olga@example.org")
        store.switch(session, row, "on")

    def work() -> None:
        scene.kinds()
        for _round in range(3):
            while jobs.follow(engine):
                pass
            while sending.send(engine):
                pass

    scene.run("UPDATE sources SET created_at = created_at - interval '3 years'")
    minute = (clock.now() - START).total_seconds() / 60
    scene.tell(buyer("anna"), buyer("boris"))
    for who, device in (("anna", "d1"), ("boris", "d2")):
        profile = scene.person(who, device)
        line = {**MUG, "name": f"Mug of {who}"}
        scene.do(happen(minute + 1, "Product Added", device, profile=profile, products=[line]))
    clock.advance(timedelta(minutes=62))
    work()
    assert scene.rows("SELECT count(*) FROM journey_runs WHERE state = 'going'") == [(2,)]
    scene.order("boris", minute + 90)
    clock.advance(timedelta(minutes=58))
    work()
    assert scene.rows("SELECT state, reason FROM journey_runs ORDER BY state") == [
        ("going", ""),
        ("left", "over"),
    ]
    clock.advance(timedelta(minutes=5))
    work()
    (sent,) = [path.read_bytes() for path in desk.folder.rglob("*.eml")]
    assert b"Mug of anna" in sent and b"anna@p.kz" in sent
    assert scene.rows("SELECT address, state FROM deliveries") == [("anna@p.kz", "accepted")]
    for _day in range(3):
        clock.advance(timedelta(hours=12))
        work()
    assert len(list(desk.folder.rglob("*.eml"))) == 1
