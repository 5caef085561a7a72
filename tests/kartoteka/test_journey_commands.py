"""Journeys from the terminal: list, show, on, pause, off, back-test."""

import pytest

from customers.tables import Source
from email_campaigns.journeys import store
from foundation import context
from foundation.context import Context
from foundation.database import transaction
from foundation.sealing import Sealer
from kartoteka.terminal import USAGE
from tests.email_campaigns.mailings import world
from tests.email_campaigns.results.answering import answer, step


@pytest.fixture
def journey(engine, settings, tmp_path, kartoteka):
    opened = Sealer([settings.key])
    context.use(Context(settings, opened))
    desk = world.build(engine, opened, tmp_path / "letters")
    with transaction(engine) as session:
        row = store.create(session, "Carts", "olga@example.org")
        letter = {"type": "letter", "letter_id": str(desk.letter), "sender_id": str(desk.sender)}
        store.save(session, row, {"trigger": {"kind": "abandoned_cart"}, "steps": [letter]})
        return row.id


def test_it_is_listed_shown_and_switched(kartoteka, journey):
    (row,) = kartoteka("journey", "list", "--json").json["data"]
    assert (row["name"], row["state"], row["version"]) == ("Carts", "draft", 1)
    assert "Carts" in kartoteka("journey", "list").text
    for word, state in (("on", "on"), ("pause", "paused"), ("on", "on"), ("off", "off")):
        assert kartoteka("journey", word, "Carts", "--json").json["state"] == state
    shown = kartoteka("journey", "show", journey, "--json").json
    assert shown["spec"]["trigger"]["kind"] == "abandoned_cart"
    assert (shown["entered"], shown["going"], shown["left"]) == (0, 0, {})
    assert "version 1" in kartoteka("journey", "show", "Carts").text
    answer = kartoteka("journey", "pause", "Carts", "--json")
    assert answer.status == USAGE and "is off" in answer.json["error"]
    assert "no journey" in kartoteka("journey", "show", "nothing", "--json").json["error"]


def test_it_is_tried_out(kartoteka, journey):
    found = kartoteka("journey", "backtest", "Carts", "--days", "2", "--json").json
    assert (found["state"], found["entered"], found["letters"]) == ("done", 0, 0)
    assert "0 people would have come in" in kartoteka("journey", "backtest", "Carts", "--days", "2").text


def test_scores_are_told(kartoteka, journey, engine, tmp_path):
    assert "Nobody has answered" in kartoteka("journey", "scores").text
    with transaction(engine) as session:
        source = session.query(Source).filter_by(name="Shop").one().id
    desk = world.Desk(engine, source, source, source, source, tmp_path)
    desk.crowd(40)
    for person in range(40):
        answer(desk, person, 10 if person % 2 else 8, step(journey))
    said = kartoteka("journey", "scores", "--json").json
    assert (said["people"], said["points"], said["early"]) == (40, 50.0, False)
    assert (said["data"][0]["name"], said["data"][0]["step"]) == ("Carts", "n1")
    assert "40 people, score +50 (" in kartoteka("journey", "scores", "--days", "7").text
