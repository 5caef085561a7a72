"""Mailings from the terminal: plan, start as planned, pause, resume, cancel, undo."""

import pytest

from foundation import context
from foundation.context import Context
from foundation.sealing import Sealer
from kartoteka.terminal import USAGE
from tests.email_campaigns.mailings import world
from tests.email_campaigns.mailings.world import person


@pytest.fixture
def desk(engine, settings, tmp_path, kartoteka):
    opened = Sealer([settings.key])
    context.use(Context(settings, opened))
    made = world.build(engine, opened, tmp_path / "letters")
    made.people(person(1), person(2), person(3, consents=()))
    return made


def test_plan_and_start(kartoteka, desk):
    mailing = desk.mailing()
    found = kartoteka("mailing", "plan", mailing, "--json").json
    assert (found["audience"], found["letters"]) == (3, 2)
    assert found["skipped"][0]["sentence"] == "There is no consent to marketing e-mail."
    answer = kartoteka("mailing", "start", mailing, "--plan", found["plan"], "--json").json
    assert answer["state"] in ("freezing", "sending")
    assert [one["name"] for one in kartoteka("mailing", "list", "--json").json["data"]] == ["Spring"]
    assert "2" in kartoteka("mailing", "plan", desk.mailing()).text


def test_start_of_what_moved_is_refused_with_status_two(kartoteka, desk):
    mailing = desk.mailing()
    seen = kartoteka("mailing", "plan", mailing, "--json").json["plan"]
    desk.people(person(9))
    answer = kartoteka("mailing", "start", mailing, "--plan", seen, "--json")
    assert answer.status == USAGE and "changed from 3 to 4" in answer.json["error"]
    assert kartoteka("mailing", "start", mailing, "--json").status == USAGE
    assert kartoteka("mailing", "start", mailing, "--plan", seen, "--anyway", "--json").status == 0


def test_pause_resume_cancel_and_show(kartoteka, desk):
    mailing = desk.mailing()
    desk.begin(mailing)
    desk.look()
    assert kartoteka("mailing", "pause", mailing, "--json").json["state"] == "paused"
    assert kartoteka("mailing", "resume", mailing, "--json").json["state"] == "sending"
    answer = kartoteka("mailing", "cancel", mailing, "--json").json
    assert (answer["state"], answer["cancelled"], answer["left"]) == ("cancelled", 3, 0)
    shown = kartoteka("mailing", "show", mailing, "--json").json
    assert shown["letters"] == {"cancelled": 3}
    assert kartoteka("mailing", "resume", mailing, "--json").status == USAGE
    assert "no mailing" in kartoteka("mailing", "show", "nothing", "--json").json["error"]


def test_undo_of_a_start_cancels(kartoteka, desk):
    mailing = desk.mailing()
    operation = desk.begin(mailing)
    desk.look()
    answer = kartoteka("undo", operation, "--json").json
    assert answer["state"] == "undone"
    assert desk.get(mailing).state == "cancelled"
