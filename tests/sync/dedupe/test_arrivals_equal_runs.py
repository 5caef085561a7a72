"""Who arrives is weighed as a run would: the same pairs, the same weights, whatever has happened before."""

import random
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy.orm import Session

from customers import merge, store
from customers.matching import signals
from customers.matching.model import shipped
from customers.store import Resolved
from customers.tables import Source
from foundation.clock import now
from foundation.errors import BadInput
from foundation.records import Gone
from sync import undo
from sync.dedupe import arrivals, kept, looking, planning, reading
from sync.dedupe.kept import Kept
from tests.customers.world import rows, say, shop
from tests.sync.dedupe.crowd import anybody, basket, bought, guest, neighbours

Pairs = dict[tuple[UUID, UUID], float]
TABLES = {
    "match_records": "SELECT profile_id, card_id, mark, claimed, record, goods FROM match_records ORDER BY 1",
    "match_keys": "SELECT key, profile_id FROM match_keys ORDER BY 1, 2",
    "match_words": "SELECT word, records, given, family FROM match_words ORDER BY 1",
    "match_arrivals": "SELECT records FROM match_arrivals",
}


def ready(session: Session) -> None:
    """Keep everybody ready."""
    arrivals.turn_on(session)
    while arrivals.fill_some(session):
        pass


def arrive(session: Session) -> None:
    """Match all who wait."""
    while arrivals.turn(session):
        pass


def of_a_run(session: Session) -> Pairs:
    """All pairs that a run weighs."""
    people = planning.read(session)
    one, other, bits = people.batch.weighed()
    return {
        (people.profile(a), people.profile(b)): weight
        for a, b, weight in zip(one.tolist(), other.tolist(), bits.tolist(), strict=True)
    }


def everybody(session: Session) -> list[Kept]:
    return kept.of_cards(
        session, [row[0] for row in rows(session, "SELECT DISTINCT card_id FROM match_records")]
    )


def goods(session: Session) -> list[list[str]]:
    return [sorted(one.goods or ()) for one in everybody(session)]


def looked(session: Session, these: list[Kept]) -> Pairs:
    """All pairs that are found for some who arrive."""
    found = arrivals.state(session)
    assert found and found.state == "ready"
    pairs = looking.look(session, shipped(), these, found.records).pairs
    found_bits = {(pair.one.profile, pair.other.profile): pair.bits for pair in pairs}
    assert len(found_bits) == len(pairs)
    return found_bits


def same(session: Session) -> int:
    """Holds each record, and all at once, to what a run finds; answers how many pairs that is."""
    read, expected, people = planning.read(session), of_a_run(session), everybody(session)
    assert [(one.profile, one.card, one.mark, one.claimed, one.prepared) for one in people] == [
        (read.profile(one), read.card(read.card_of[one]), read.mark(one), one in read.claimed, prepared)
        for one, prepared in enumerate(read.batch.records)
    ]
    assert looked(session, people) == expected
    for one in people:
        mine = {pair: bits for pair, bits in expected.items() if one.profile in pair}
        assert looked(session, [one]) == mine
    return len(expected)


def as_kept_anew(session: Session) -> None:
    """What was kept step by step is what would be kept from the beginning."""
    step_by_step = {name: rows(session, query) for name, query in TABLES.items()}
    arrivals.turn_off(session)
    ready(session)
    for name, query in TABLES.items():
        assert rows(session, query) == step_by_step[name], name


def people(session: Session, source: Source, dice: random.Random, number: int) -> list[str]:
    keys = [f"{source.name}{dice.randrange(60)}" for _ in range(number)]
    said = {key: anybody(dice, key) for key in keys}
    say(session, source, *said.values())
    buyers = [one for one in said.values() if dice.random() < 0.5]
    say(
        session, source, *(bought(one, f"{source.name}{dice.randrange(90)}", *basket(dice)) for one in buyers)
    )
    return keys


def something(session: Session, dice: random.Random, sources: list[Source]) -> None:
    """Somebody comes or changes, goes, or is joined to or parted from somebody by hand."""
    what, source = dice.choice(("come", "come", "go", "join", "part", "undo")), dice.choice(sources)
    live = [row[0] for row in rows(session, "SELECT id FROM customers WHERE live ORDER BY id")]
    try:
        with session.begin_nested():
            if what == "come":
                people(session, source, dice, 3)
            elif what == "go":
                kind: Any = dice.choice(("person", "person", "order"))
                gone = Gone(external_id=f"{source.name}{dice.randrange(60)}", what=kind, at=now())
                store.apply(session, source.id, [Resolved(1, now(), (gone,))])
            elif what == "join":
                merge.merge(session, *dice.sample(live, 2), "olga")
            elif what == "part":
                part(session, dice)
            else:
                query = "SELECT id FROM operations WHERE state = 'done' ORDER BY id"
                undo.undo(session, dice.choice([row[0] for row in rows(session, query)] or live), "olga")
    except BadInput:
        pass  # they are one already, or nothing is left to part


def part(session: Session, dice: random.Random) -> None:
    query = "SELECT id FROM profiles WHERE customer_id IS NOT NULL AND gone_at IS NULL ORDER BY id"
    merge.split(session, [dice.choice(rows(session, query))[0]], "olga")


@pytest.mark.parametrize("seed", range(6))
def test_arrivals_find_what_a_run_finds(session: Session, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(seed)
    monkeypatch.setattr(signals, "RARE", -3)
    sources = [shop(session, name) for name in ("A", "B", "C")]
    for source in sources[: seed % 3]:
        people(session, source, dice, 40)
    ready(session)
    for source in sources:
        people(session, source, dice, 40)
    arrive(session)
    assert same(session) > 100
    for _step in range(8):
        something(session, dice, sources)
        arrive(session)
    assert same(session) > 100
    as_kept_anew(session)


def test_who_shares_what_very_many_have_is_counted_as_by_a_run(session: Session) -> None:
    ready(session)
    say(session, shop(session), *neighbours(80))
    arrive(session)
    with patch.object(looking, "SOME", 5):
        assert same(session) >= 30


def test_who_orders_again_is_kept_anew_and_matched_no_more(session: Session) -> None:
    ready(session)
    source, other = shop(session), shop(session, "B")
    one, again, third = guest(1, "g1"), guest(1, "g2"), guest(2, "h1")
    say(session, source, bought(one, "1", "Rare", " rare "), bought(again, "2", "G"))
    say(session, other, bought(third, "1", "RARE"))
    arrive(session)
    assert goods(session) == [["#", "#g", "#rare"], ["#", "#rare"]]
    with patch.object(arrivals, "match") as match:
        say(session, other, bought(third, "2", " "), bought(third, "3", "G"))
        arrive(session)
        assert [call.args[1] for call in match.call_args_list] == [[]]
    assert goods(session) == [["#", "#g", "#rare"]] * 2
    same(session)
    say(session, other, Gone(external_id="1", what="order", at=now()))
    arrive(session)
    assert goods(session) == [["#", "#g", "#rare"], ["#", "#g"]]
    as_kept_anew(session)


def test_only_the_last_orders_of_somebody_with_very_many_count(session: Session) -> None:
    ready(session)
    buyer = guest(1, "g1")
    first = replace(bought(buyer, "0", "Old"), placed_at=now() - timedelta(days=1))
    say(
        session,
        shop(session),
        first,
        *(bought(buyer, f"{number}", "G") for number in range(1, reading.LATELY + 1)),
    )
    arrive(session)
    assert goods(session) == [["#", "#g"]]


def test_what_a_browser_said_is_proved_by_another_record_of_the_card(session: Session) -> None:
    ready(session)
    source = shop(session)
    for one in (guest(0, "g1", claimed=True), guest(0, "g2"), guest(1, "g3", claimed=True)):
        say(session, source, one)
    cards = rows(session, "SELECT DISTINCT customer_id FROM profiles WHERE external_id <> 'g3'")
    merge.merge(session, *(row[0] for row in cards), "olga")
    arrive(session)
    same(session)
    assert [one.claimed for one in everybody(session)] == [False, True]
