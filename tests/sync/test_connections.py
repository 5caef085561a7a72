"""Connections: created, tested, paused, changed, and nothing secret in the open."""

import pytest
from sqlalchemy import text

from customers.tables import Source
from foundation.database import transaction
from foundation.errors import BadInput, Misconfigured
from sync import connections
from sync.tables import Connection
from tests import shops


def test_connection_and_source_share_an_id(engine, connection):
    with transaction(engine) as session:
        source = session.get_one(Source, connection.id)
    assert (source.name, source.kind, source.role) == ("My shop", "fake", "shop")


def test_secrets_are_sealed(engine, connection):
    with engine.connect() as db:
        row = db.execute(text("SELECT connections::text FROM connections")).scalar_one()
    assert '"key"' not in row and "My shop" not in row


def test_name_is_taken_once(engine, sealer, connection):
    with transaction(engine) as session, pytest.raises(BadInput, match="choose another name"):
        connections.create(session, sealer, "fake", " My shop ", {})


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\nb"])
def test_bad_names_are_refused(session, sealer, shop, name):
    with pytest.raises(BadInput, match="name"):
        connections.create(session, sealer, "fake", name, {})


def test_unknown_setting_is_named(session, sealer, shop):
    with pytest.raises(BadInput, match="colour"):
        connections.create(session, sealer, "fake", "Shop", {"colour": "red"})


def test_unknown_kind_is_named(session, sealer, shop):
    with pytest.raises(Misconfigured, match="faker"):
        connections.create(session, sealer, "faker", "Shop", {})


def test_check_says_what_was_reached(engine, sealer, settings, connection):
    with transaction(engine) as session:
        found = session.get_one(Connection, connection.id)
        assert connections.test(session, sealer, settings, found) == "Reached the shop shop."
        connections.change(session, sealer, found, {"key": "wrong"})
        with pytest.raises(Misconfigured):
            connections.test(session, sealer, settings, found)


def test_settings_can_be_tried_unstored(shop, settings, count):
    assert "Reached" in connections.try_settings("fake", {"shop": "shop"}, settings)
    assert count("connections") == 0


def test_changing_keeps_what_is_not_given(engine, sealer, connection):
    with transaction(engine) as session:
        found = session.get_one(Connection, connection.id)
        connections.change(session, sealer, found, {"key": "", "address": "http://example.org"})
        own = connections.full_settings(shops.FakeConnector, sealer, found)
    assert (own.shop, own.key, own.address) == ("shop", "k", "http://example.org")


def test_normalising_needs_no_secret(engine, connection):
    with transaction(engine) as session:
        found = session.get_one(Connection, connection.id)
        assert connections.public_settings(shops.FakeConnector, found).key == ""


def test_found_by_name_or_id(engine, connection):
    with transaction(engine) as session:
        assert connections.find(session, "My shop")[0].id == connection.id
        assert connections.find(session, str(connection.id))[1].name == "My shop"
        with pytest.raises(BadInput, match="There is no connection"):
            connections.find(session, "Your shop")


def test_pause_and_resume(engine, connection, clock):
    with transaction(engine) as session:
        found = session.get_one(Connection, connection.id)
        connections.pause(session, found, "stock-taking")
        assert (found.state, found.paused_why) == ("paused", "stock-taking")
        connections.resume(session, found)
        assert (found.state, found.next_pull_at) == ("active", clock.now())


def test_hook_address_names_the_connection(settings, connection):
    assert connections.hook_address(settings, connection.id).endswith(f"/hooks/{connection.id}/")


def test_hooks_are_installed_with_the_secret(engine, sealer, settings, connection):
    with transaction(engine) as session:
        found = session.get_one(Connection, connection.id)
        said = connections.install_hooks(session, sealer, settings, found)
    assert str(connection.id) in said


def test_renaming_keeps_names_apart(engine, sealer, connection):
    with transaction(engine) as session:
        other = connections.create(session, sealer, "fake", "Other", {})
        with pytest.raises(BadInput):
            connections.rename(session, other, "My shop")
        connections.rename(session, other, "Third")
        assert connections.find(session, "Third")[0].id == other.id
