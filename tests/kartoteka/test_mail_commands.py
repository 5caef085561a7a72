"""Sending from the terminal: ways out, senders, the stop switch, the log; and what a restored copy does."""

import pytest
from sqlalchemy import text

from email_campaigns import secret
from email_campaigns.delivery import engine as sending
from email_campaigns.delivery import guards, senders
from email_campaigns.delivery.transports import kinds
from foundation import context
from foundation.context import Context
from foundation.database import make_engine, transaction
from foundation.sealing import open_sealer
from kartoteka import backup
from kartoteka.commands import mail_ways
from kartoteka.terminal import FAILED, USAGE
from migrations.run import upgrade
from tests.email_campaigns.delivery.mailserver import mail_server
from tests.email_campaigns.delivery.world import build


@pytest.fixture
def house(engine, settings):
    """A shop with a mailing to three people that is due."""
    context.use(Context(settings, open_sealer(settings)))
    with mail_server() as (box, port):
        made = build(engine, open_sealer(settings), port)
        made.crowd(3)
        made.plan()
        made.box = box
        yield made
        sending.rest(engine)
    context.use(None)


def test_ways_out_and_senders(kartoteka):
    with mail_server() as (_box, port):
        made = kartoteka("mail", "transport", "add", "Main", "--set", "host=127.0.0.1", "--set",
        f"port={port}",
                         "--set", "security=none", "--per-hour", 600, "--json").json  # fmt: skip
        assert made["state"] == "on"
        assert kartoteka("mail", "transport", "add", "Main", "--set", "host=x", "--json").status == USAGE
        assert kartoteka("mail", "transport", "test", "Main").text.startswith("It answers")
    assert kartoteka("mail", "transport", "test", "Main").status == FAILED
    (row,) = kartoteka("mail", "transport", "list", "--json").json["data"]
    assert (row["name"], row["per_hour"], row["last_letter_at"]) == ("Main", 600, None)
    kartoteka("mail", "transport", "pause", "Main")
    assert "paused" in kartoteka("mail", "transport", "list").text
    kartoteka("mail", "transport", "resume", "Main")
    sender = kartoteka(
        "mail", "sender", "add", "news@shop.example", "--name", "Shop", "--transport", "Main", "--json"
    ).json
    assert [one["kind"] for one in sender["records"]] == ["spf", "dkim", "dkim-ed25519", "dmarc"]
    assert "news@shop.example" in kartoteka("mail", "sender", "list").text
    assert (
        kartoteka("mail", "sender", "add", "x@y.example", "--name", "X", "--transport", "No", "--json").status
        == USAGE
    )


def test_a_password_is_asked_for_and_sealed(kartoteka, engine):
    answer = kartoteka("mail", "transport", "add", "Main", "--set", "host=mx.example.org", "--set",
    "user=kart",
                       says="hush-hush\n")  # fmt: skip
    assert answer.status == 0
    assert "hush-hush" not in answer.text
    with engine.connect() as db:
        assert "hush-hush" not in db.scalar(text("SELECT settings FROM transports"))


def test_the_stop_switch(kartoteka, house, engine):
    kartoteka("mail", "stop", "--reason", "a wrong price")
    sending.send(engine)
    assert not house.box.taken
    assert kartoteka("mail", "go", "--json").json == {"stopped": False, "held": None}
    while sending.send(engine):
        pass
    assert len(house.box.taken) == 3


def test_the_log_pages_through(kartoteka, house, engine):
    while sending.send(engine):
        pass
    first = kartoteka("mail", "log", "--limit", 2, "--json").json
    rest = kartoteka("mail", "log", "--limit", 2, "--before", first["next"], "--json").json
    assert (len(first["data"]), len(rest["data"]), rest["next"]) == (2, 1, None)
    assert {one["state"] for one in first["data"]} == {"accepted"}
    assert kartoteka("mail", "log", "--state", "failed").text.strip() == "No letters."
    assert (
        kartoteka("mail", "log", "--address", "person1@mail1.example", "--json").json["data"][0]["why"] == ""
    )


def test_every_kind_is_offered_in_the_terminal(kartoteka, engine):
    assert tuple(kinds.kinds()) == mail_ways.KINDS
    said = ("--set", "domain=mg.shop.example", "--set", "key=hush-hush", "--json")
    kartoteka("mail", "transport", "add", "Far", "--kind", "mailgun", *said)
    listed = kartoteka("mail", "transport", "list", "--json")
    assert [one["kind"] for one in listed.json["data"] if one["name"] == "Far"] == ["mailgun"]
    assert "hush-hush" not in listed.text


def test_a_key_that_is_not_given_is_asked_for(kartoteka, engine, settings):
    kartoteka("mail", "transport", "add", "Far", "--kind", "brevo", says="hush-hush\n")
    with transaction(engine) as session:
        row = senders.transport(session, "Far")
        assert senders.settings_of(open_sealer(settings), row)["key"] == "hush-hush"


@pytest.fixture
def restored(house, engine, tmp_path, database_url):
    """Another database with a backup of this one in it."""
    with transaction(engine) as session:
        secret.switch(session)
    path = tmp_path / "copy.zip"
    backup.write(engine, path)
    name = "kartoteka_copy"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        db.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    elsewhere = make_engine(
        engine.url.set(database=name).render_as_string(hide_password=False).replace("+psycopg", "")
    )
    upgrade(elsewhere)
    backup.restore(elsewhere, path)
    yield elsewhere
    sending.rest(elsewhere)
    elsewhere.dispose()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def test_a_restored_copy_sends_nothing_until_confirmed(house, restored, engine):
    with transaction(restored) as session:
        assert guards.held(session) == "restored"
    while sending.send(restored):
        pass
    assert not house.box.taken
    while sending.send(engine):
        pass
    assert len(house.box.taken) == 3, "where it was made it goes on"
    with transaction(restored) as session:
        secret.confirm(session, "olga@example.org")
    while sending.send(restored):
        pass
    assert len(house.box.taken) == 3, "nobody gets what the other one has sent already"
    with restored.begin() as db:
        assert db.scalar(text("SELECT state FROM mailings")) == "asking"
        db.execute(text("UPDATE mailings SET state = 'sending'"))
    while sending.send(restored):
        pass
    assert len(house.box.taken) == 6, "a person said that the mailing goes on here"


def test_confirm_is_said_in_the_terminal(kartoteka, house, engine):
    with transaction(engine) as session:
        secret.switch(session)
    house.do("UPDATE mail_switch SET home = 'database 1/1'")
    assert "restored copy" in kartoteka("mail", "go").text
    kartoteka("mail", "confirm")
    assert kartoteka("mail", "go", "--json").json["held"] is None
