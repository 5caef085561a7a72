"""What matching says of two cards as they are now."""

import random
from collections import Counter
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from customers import merge
from customers.matching.model import shipped
from sync.dedupe import arrivals, kept
from sync.dedupe.opinion import opinion
from tests.customers.world import say, shop
from tests.sync.dedupe.crowd import anybody
from tests.sync.dedupe.test_arrivals_equal_runs import arrive, everybody, of_a_run, ready
from tests.sync.dedupe.test_runs import card
from tests.sync.dedupe.twins import man, person, twins

SHARED: dict[str, Any] = {"phones": ("+7 701 555 11 22",), "emails": ("home@x.org",)}


def test_it_is_what_a_run_says(session: Session) -> None:
    dice = random.Random(3)
    say(session, shop(session), *(anybody(dice, str(number)) for number in range(60)))
    ready(session)
    cards = {one.profile: one.card for one in everybody(session)}
    records = Counter(cards.values())
    surest: dict[frozenset[UUID], float] = {}
    for pair, bits in of_a_run(session).items():
        both = frozenset(cards[profile] for profile in pair)
        surest[both] = max(bits, surest.get(both, bits))
    found = 0
    for both, bits in surest.items():
        if len(both) == 2 and bits > -90 and (said := opinion(session, *both)):
            alone = all(records[one] == 1 for one in both)
            assert said["bits"] == pytest.approx(bits, abs=0.006) if alone else said["bits"] > bits - 0.006
            found += alone
    assert found > 20


def test_it_follows_what_the_cards_say(session: Session) -> None:
    twins(session)
    ready(session)
    one, other = card(session, "a0"), card(session, "b0")
    before = opinion(session, one, other)
    assert before and "the same birthday" in before["why"] and before["bits"] > shipped().automatic
    assert opinion(session, other, one) == before
    say(session, shop(session, "Third"), man("c", birthday=None, name="Claire Dubois"))
    merge.merge(session, one, card(session, "c0"), "olga")
    arrive(session)
    assert opinion(session, one, other) == before, "the surest of their records"
    say(session, shop(session, "Fourth"), man("d", **SHARED), man("e", 1))
    say(session, shop(session, "Fifth"), man("f", **SHARED, birthday=date(1950, 11, 30)))
    arrive(session)
    held = opinion(session, card(session, "d0"), card(session, "f0"))
    assert held and held["why"].endswith("Not joined by itself: their birthdays differ"), held
    far = opinion(session, card(session, "d0"), card(session, "e1"))
    assert far and far["bits"] < shipped().review and "Not joined" not in far["why"]


def test_it_is_told_only_where_it_can_be(session: Session) -> None:
    twins(session)
    firm = person("7", kind="company", name="", company="Afinogen Panaruk")
    say(session, shop(session, "Ledger"), firm, person("8"))
    one, other = card(session, "a0"), card(session, "b0")
    assert opinion(session, one, other) is None, "nobody is kept ready"
    arrivals.turn_on(session)
    assert opinion(session, one, other) is None, "not all are"
    ready(session)
    assert opinion(session, one, other)
    assert opinion(session, one, card(session, "7")) is None
    assert opinion(session, one, card(session, "8")) is None, "it says nothing"
    found = arrivals.state(session)
    assert found
    found.form = kept.FORM - 1
    session.flush()
    assert opinion(session, one, other) is None, "they are kept in another form"
