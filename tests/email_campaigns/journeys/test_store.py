"""Journeys as they are kept: named, listed, versioned."""

import pytest

from email_campaigns.journeys import store
from foundation import clock
from foundation.database import transaction
from foundation.errors import BadInput
from tests.email_campaigns.journeys.test_walk import MINUTE, wait
from tests.email_campaigns.journeys.world import Street


def test_names_are_one_journeys_own(street: Street) -> None:
    with transaction(street.engine) as session:
        first = store.create(session, "  Carts   of May ")
        assert first.name == "Carts of May"
        for name in ("Carts of May", "", "x" * 121, "a\x07b"):
            with pytest.raises(BadInput) as error:
                store.create(session, name)
            assert error.value.at == "name"
        other = store.create(session, "Other")
        with pytest.raises(BadInput):
            store.rename(session, other, "Carts of May")
        with pytest.raises(BadInput, match="1"):
            store.rename(session, other, "Other", 10)
        store.rename(session, other, "Another", 9)
        assert (store.find(session, "Another").priority, store.find(session, other.id).name) == (9, "Another")
        with pytest.raises(BadInput, match="no journey"):
            store.find(session, "Other")
        assert store.clone(session, other).name == "Another (copy)"
        assert store.clone(session, other).name == "Another (copy 2)"


def test_a_version_is_for_ever(street: Street) -> None:
    with transaction(street.engine) as session:
        row = store.create(session, "Carts")
        with pytest.raises(BadInput, match="no such version"):
            store.switch(session, row, "on")
        assert store.save(session, row, street.spec(wait(1)), "olga@example.org") == 1
        assert store.save(session, row, street.spec(wait(2))) == 2
        assert store.version(session, row, 1)["steps"][0]["amount"] == 1
        assert store.version(session, row)["steps"][0]["amount"] == 2
        said = [(one.number, one.created_by) for one in store.versions(session, row)]
        assert said == [(2, ""), (1, "olga@example.org")]


def test_it_cannot_be_switched_on_with_what_is_gone(street: Street) -> None:
    journey = street.journey(on=False)
    street.do("UPDATE senders SET removed_at = now()")
    with pytest.raises(BadInput) as error:
        street.switch(journey, "on")
    assert error.value.at == "steps/0/sender_id"


def test_they_are_listed_page_by_page(street: Street) -> None:
    with transaction(street.engine) as session:
        for number in range(5):
            store.create(session, f"J{number}")
            clock.advance(MINUTE)
    seen, after = [], None
    with transaction(street.engine) as session:
        while True:
            rows, after = store.page(session, after, 2)
            seen += [row.name for row in rows]
            if after is None:
                break
        assert store.page(session, archived=True) == ([], None)
    assert seen == ["J4", "J3", "J2", "J1", "J0"]
