"""Steps that call an outside address or hand out a code: editor, secret, drawing, log, back-test."""

import hmac
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import Engine

from email_campaigns import triggers
from email_campaigns.delivery import engine as sending
from email_campaigns.journeys import calling, jobs
from foundation import clock, context
from foundation.context import Context
from foundation.database import transaction
from foundation.jobs import run_until_idle
from kartoteka import posting
from tests.console import journeying
from tests.console.conftest import Browser
from tests.console.test_journeys import EVIL, spec_of
from tests.email_campaigns.journeys.world import Street
from tests.email_campaigns.mailings import world
from tests.email_campaigns.mailings.world import Desk
from tests.liar import Liar, answer, liar
from tests.web_capture.forms.made import published
from web_capture import sites


@pytest.fixture
def desk(
    engine: Engine, settings: Any, sealer: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, clock: Any
) -> Iterator[Desk]:
    context.use(Context(settings, sealer))
    known = journeying.known_triggers()
    monkeypatch.setattr(triggers, "everything", lambda: known)
    yield world.build(engine, sealer, tmp_path / "letters")
    sending.rest(engine)
    context.use(None)


@pytest.fixture
def crm() -> Iterator[Liar]:
    """The outside address."""
    posting.join()
    with liar() as server:
        yield server


def hook(crm: Liar, path: str = "/good", failed: str = "go_on") -> dict[str, Any]:
    return {"id": "h1", "type": "webhook", "url": crm.url + path, "failed": failed}


def secret(page: str) -> str:
    found = re.search(r'<code class="break">([\w-]{43})</code>', page)
    assert found
    return found[1]


def test_the_step_is_added_tried_out_and_saved(browser: Browser, desk: Desk, crm: Liar) -> None:
    here = f"/journeys/{journeying.journey(desk)}"
    shown = journeying.typed(browser.see(f"{here}/edit"))
    text = browser.submit(f"{here}/edit", 200, **shown, do="add:webhook::0").text
    assert "How it knows that we call" not in text  # there is no secret before there is an address
    shown = journeying.typed(text) | {"s0_url": crm.url + "/crm", "s0_failed": "leave"}
    crm.on("/crm", answer({"message": "No such list"}, 404), answer({}))
    text = browser.submit(f"{here}/edit", 200, **shown, do="try:0").text
    assert "answers 404" in text and "No such list" in text and "Not saved yet" in text
    _, _, heads, body = crm.requests[0]
    at, _, given = heads["x-kartoteka-signature"].removeprefix("t=").partition(",v1=")
    assert given == hmac.digest(secret(text).encode(), f"{at}.".encode() + body, sha256().name).hex()
    assert json.loads(body)["type"] == "test"
    browser.submit(f"{here}/edit", **shown, do="save")
    step = spec_of(desk, here)["steps"][0]
    assert (step["url"], step["failed"]) == (crm.url + "/crm", "leave")
    text = browser.see(f"{here}/edit")
    again = journeying.typed(text)
    assert again["s0_url"] == crm.url + "/crm" and again["s0_failed"] == "leave"
    fresh = browser.submit(f"{here}/edit", 200, **again, do="secret:0").text
    assert secret(fresh) != secret(text)


@pytest.mark.parametrize("address", ["", "https://169.254.169.254/", EVIL, "http://[", "ftp://x.example/"])
def test_what_is_no_address_is_said_at_the_field(
    browser: Browser, desk: Desk, crm: Liar, address: str
) -> None:
    here = f"/journeys/{journeying.journey(desk, steps=[hook(crm)])}"
    shown = journeying.typed(browser.see(f"{here}/edit")) | {"s0_url": address}
    for do, status in (("save", 422), ("try:0", 200)):
        text = browser.submit(f"{here}/edit", status, **shown, do=do).text
        assert re.search(r'name="s0_url"[^>]*aria-invalid', text) and "<img" not in text
    for do in ("try:7", "try:", "secret:x", "secret:0.yes.1"):
        browser.submit(f"{here}/edit", 200, **shown, do=do)
    assert not crm.requests


def test_told_people_are_counted_and_each_way_says_it(
    browser: Browser,
    desk: Desk,
    crm: Liar,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs._Pace, "most", 0.0)
    crm.on("/crm", answer({}), answer({"message": EVIL}, 410))
    desk.crowd(2)
    street = Street(desk)
    steps, name = [hook(crm, "/crm", "leave")], "Tell the call centre"
    journey = journeying.journey(desk, name, trigger="test", steps=steps, holdout=0, exits=[], goal=None,
                                 audience={"include": [], "exclude": []})  # fmt: skip
    street.switch(journey, "on")
    for number in range(2):
        clock.advance(timedelta(seconds=1))
        street.happen(number)
    street.follow()
    calling.look(engine)
    run_until_idle(engine)
    text = browser.see(f"/journeys/{journey}")
    host = crm.url.removeprefix("http://")
    assert f"Tell {host}" in text and "1 told" in text and "1 not reached" in text
    run = desk.rows("SELECT id FROM journey_runs WHERE state = 'left'")[0].id
    text = browser.see(f"/journeys/{journey}/runs/{run}")
    assert f"{host} is told." in text and "was given up" in text and "<img" not in text
    assert f"call to {host}" in browser.see("/problems")
    path = browser.submit(f"/journeys/{journey}/backtests", days="1").headers["location"]
    asked = len(crm.requests)
    desk.look()
    text = browser.see(path)
    assert "and 2 calls to outside addresses" in text and text.count(f"Tell {host}") == 2
    lines = browser.get(f"{path}/export.csv").text.splitlines()
    assert sum(",would be told," in line for line in lines) == 2
    assert len(crm.requests) == asked  # nothing left


def test_a_letter_hands_out_codes_of_a_form(
    browser: Browser, desk: Desk, sealer: Any, engine: Engine
) -> None:
    posting.join()
    here = f"/journeys/{journeying.journey(desk)}"
    assert "Hands out a code of" not in browser.see(f"{here}/edit")  # there are none
    with transaction(engine) as session:
        site, _keys = sites.add(session, sealer, "shop.example", currency="KZT")
    form = published(engine, str(site.id), coupon={"kind": "list"}, codes=["ONE"])
    shown = journeying.typed(browser.see(f"{here}/edit"))
    field = "s1.no.0_coupon_id"
    assert shown[field] == ""
    text = browser.submit(f"{here}/edit", 422, **shown | {field: "gone"}, do="save").text
    assert "list of codes is gone" in text
    browser.submit(f"{here}/edit", **shown | {field: str(form.id)}, do="save")
    assert spec_of(desk, here)["steps"][1]["no"][0]["coupon_id"] == str(form.id)
    assert journeying.typed(browser.see(f"{here}/edit"))[field] == str(form.id)
