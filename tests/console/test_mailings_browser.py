"""The pages of mailings in Chromium: sound at every size, live without a reload, usable by keyboard."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect
from sqlalchemy import Engine

from console.tables import User
from customers.segments import language
from customers.segments import store as segments
from email_campaigns import secret
from email_campaigns.delivery import engine as sending
from email_campaigns.mailings import jobs as mailing_jobs
from foundation import clock, context
from foundation.context import Context
from foundation.database import transaction
from tests import browser as browsers
from tests.console.test_browser import CHECKED, FOCUSED, enter
from tests.email_campaigns.mailings import world
from tests.email_campaigns.mailings.world import Desk

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("KARTOTEKA_LOOK", "")
SHOTS = Path(__file__).parents[2] / "docs" / "screenshots"
NAMES = [
    "Анна Юдина",
    "Şahin Demir",
    "김민수",
    "Айгүл Нұрланова",
    "Jonas Keller",
    "Elif Yılmaz",
    "Мадина Абенова",
]


@pytest.fixture
def known(engine: Engine, settings: Any, sealer: Any, tmp_path: Path) -> Iterator[dict[str, UUID]]:
    """Mailings in every state; the sent one has variants, a holdout, opens, clicks, orders."""
    context.use(Context(settings, sealer))
    desk = world.build(engine, sealer, tmp_path / "letters")
    yield {"desk": desk, **_mailings(desk)}  # type: ignore[dict-item]
    sending.rest(engine)
    context.use(None)


def _mailings(desk: Desk) -> dict[str, UUID]:
    people = [world.person(n, name=NAMES[n % len(NAMES)] + f" {n}") for n in range(60)]
    people += [world.person(100 + n, consents=()) for n in range(9)] + [world.person(200, emails=())]
    desk.people(*people)
    with transaction(desk.engine) as session:
        segments.make(
            session, "Bought twice in 90 days", language.parse("orders.count(last 90 days) >= 2"), "olga"
        )
        segments.make(session, "Алматы", language.parse('city = "Almaty"'), "olga")
        segments.make_list(session, "Staff and friends", "olga")
    with clock.hold(clock.now() - timedelta(hours=20)):
        sent = desk.mailing(
            name="Spring sale, the first day", holdout="15",
            variants=[{"share": 50}, {"share": 50,
            "subjects": {"en": "Only today: {{ customer.given_name }}"}}],
        )  # fmt: skip
        desk.begin(sent)
        desk.send()
        addresses = [row.address for row in desk.rows() if row.state == "accepted"]
        for at, one in enumerate(addresses):
            if at % 2:
                desk.happen(
                    sent, "letter.opened", one, timedelta(hours=at % 9, minutes=at), machine=at % 7 == 1
                )
            if at % 5 == 0:
                desk.happen(sent, "letter.clicked", one, timedelta(hours=1 + at % 7))
            if at % 9 == 0:
                desk.order(one, 12_500 + at * 100)
        desk.look()
        mailing_jobs.recount(desk.engine)
        desk.look()
    late = desk.mailing(name="Weekend news")
    with clock.hold(clock.now() - timedelta(days=2)):
        desk.begin(late)
    desk.look()
    soon = {"kind": "local", "wall": f"{clock.now() + timedelta(days=3):%Y-%m-%dT10:00}"}
    planned = desk.mailing(name="For those who came back", schedule=soon)
    desk.begin(planned)
    going = desk.mailing(name="Новая коллекция уже в магазине", per_hour="600")
    desk.begin(going)
    desk.look()
    while sending.send(desk.engine):
        pass
    winner = desk.mailing(
        name="Which subject", winner={"by": "clicks", "after_hours": 4},
        variants=[{"share": 20}, {"share": 20, "subjects": {"en": "Another subject"}, "hours": 8}],
    )  # fmt: skip
    empty = desk.mailing(name="To nobody", include=[segments_of(desk, "Bought twice in 90 days")])
    with transaction(desk.engine) as session:
        assert secret.switch(session).stopped is False
    return {"sent": sent, "late": late, "planned": planned, "going": going, "draft": winner, "empty": empty}


def segments_of(desk: Desk, name: str) -> UUID:
    return desk.rows("SELECT id FROM segments WHERE name = :name", name=name)[0].id


@pytest.mark.parametrize("look", CHECKED)
def test_pages_of_mailings_are_sound(
    chromium: Chromium, address: str, engine: Engine, owner: User, known: dict[str, UUID], look: str
) -> None:
    page = enter(chromium, address, engine, owner, look)
    watching = browsers.watch(page, address)
    wrong: list[str] = []
    draft = f"/mailings/{known['draft']}"
    for name, path in {
        "list": "/mailings", "new": "/mailings/new", "audience": f"{draft}/audience",
        "letter": f"{draft}/letter",
        "when": f"{draft}/when", "check": f"{draft}/check", "nobody": f"/mailings/{known['empty']}/check",
        "sent": f"/mailings/{known['sent']}", "results": f"/mailings/{known['sent']}/results",
        "asking": f"/mailings/{known['late']}", "planned": f"/mailings/{known['planned']}",
        "going": f"/mailings/{known['going']}",
    }.items():  # fmt: skip
        answer = page.goto(address + path)
        assert answer is not None and answer.status == 200, name
        page.wait_for_timeout(500)
        if (wider := browsers.overflow(page)) > 0:
            wrong.append(f"{name}: {wider} pixels too wide")
        wrong += [f"{name}: {one}" for one in browsers.serious(page)]
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{name}-{look}.png", full_page=True)
        if os.environ.get("KARTOTEKA_SCREENSHOTS") and look == "desktop" and name in ("check", "results"):
            page.screenshot(path=SHOTS / f"mailing-{name}.png")
    wrong += watching.wrong
    page.context.close()
    assert wrong == []


def test_progress_moves_without_a_reload(
    chromium: Chromium, address: str, engine: Engine, owner: User, known: dict[str, UUID]
) -> None:
    page = enter(chromium, address, engine, owner, "desktop")
    page.goto(f"{address}/mailings/{known['going']}")
    before = page.locator("[data-field=accepted]").inner_text()
    known["desk"].do(  # type: ignore[attr-defined]
        "UPDATE deliveries SET state = 'accepted' WHERE step = :step AND state = 'planned' AND id IN"
        " (SELECT id FROM deliveries WHERE step = :step AND state = 'planned' LIMIT 5)",
        step=f"mailing:{known['going']}",
    )
    expect(page.locator("[data-field=accepted]")).to_have_text(str(int(before) + 5), timeout=8_000)
    page.context.close()


def test_wizard_by_keyboard_and_without_scripts(
    chromium: Chromium, address: str, engine: Engine, owner: User, known: dict[str, UUID]
) -> None:
    signed = enter(chromium, address, engine, owner, "desktop")
    context = chromium.new_context(java_script_enabled=False, storage_state=signed.context.storage_state())
    page = context.new_page()
    page.goto(f"{address}/mailings/{known['draft']}/when")
    seen = set()
    for _ in range(45):
        page.keyboard.press("Tab")
        seen.add(str(signed.evaluate("1")))
    page.get_by_label("at a time, the same instant for all").check()
    page.get_by_label("Day and time").fill("2031-01-01T10:00")
    page.get_by_role("button", name="Save and check it").click()
    expect(page.get_by_role("main")).to_contain_text("more than two years away")
    context.close()
    signed.goto(f"{address}/mailings/{known['draft']}/letter")
    rings = []
    for _ in range(40):
        signed.keyboard.press("Tab")
        rings.append(str(signed.evaluate(FOCUSED)))
    assert not [one for one in rings if "ring" in one]
    assert len(set(rings)) > 15
    signed.context.close()
