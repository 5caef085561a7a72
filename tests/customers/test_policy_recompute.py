"""Policies over all cards: computed anew by a job that tells how far it is, and there and back exactly."""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import blake2b
from unittest.mock import patch
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from customers import graph, jobs, merge, policy, previews
from foundation import work
from foundation.database import transaction
from foundation.errors import BadInput
from foundation.jobs import run_until_idle
from foundation.records import Address, Person
from tests.customers.world import count, rows, say, shop
from tests.people import JANUARY

PEOPLE = 12


@pytest.fixture(autouse=True)
def small_portions() -> Iterator[None]:
    """Five cards in a transaction of the job."""
    assert work.function_of(policy.JOB) is jobs.recompute
    with patch.object(jobs, "PORTION", 5):
        yield


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """People whom a shop and a file know under other names and cities; a few only the shop."""
    with transaction(engine) as session:
        web, old = shop(session, "Shop"), shop(session, "File", "file")
        say(session, web, *(person(n, "Anna", "Almaty", later=n % 2) for n in range(PEOPLE)))
        say(session, old, *(person(n, "A.", "Astana", later=1 - n % 2) for n in range(2, PEOPLE)), landed=50)
    run_until_idle(engine)
    return engine


def person(number: int, given: str, city: str, later: int) -> Person:
    return Person(
        external_id=str(number),
        name=f"{given} Petrova",
        emails=(f"p{number}@x.org",),
        addresses=(Address(city=city, country="KZ", line=f"Street {number}"),),
        changed_at=JANUARY + timedelta(days=later),
    )


def state(engine: Engine) -> str:
    """One hash over every card with all its columns but the time of its last change."""
    with transaction(engine) as session:
        found = rows(
            session,
            "SELECT to_jsonb(c) - 'changed_at' || jsonb_build_object('stats', to_jsonb(s))"
            " FROM customers c LEFT JOIN customer_stats s ON s.customer_id = c.id ORDER BY c.id",
        )
    assert len(found) == PEOPLE
    return blake2b(repr(found).encode(), digest_size=16).hexdigest()


def decide(engine: Engine, **orders: list[str]) -> UUID:
    """Set an order and let the cards follow."""
    with transaction(engine) as session:
        operation = policy.set_policies(session, orders, "olga").id
    run_until_idle(engine)
    return operation


def cities(engine: Engine) -> dict[str, int]:
    with transaction(engine) as session:
        found = rows(session, "SELECT city, count(*) AS number FROM customers WHERE live GROUP BY 1")
        return {row.city: row.number for row in found}


def test_there_and_back_is_identical(filled: Engine) -> None:
    decide(filled, city=["shop"], name=["shop"], address=["shop"])
    first = state(filled)
    decide(filled, city=["file"], name=["file"], address=["file"])
    assert state(filled) != first and cities(filled) == {"Astana": PEOPLE - 2, "Almaty": 2}
    decide(filled, city=["shop"], name=["shop"], address=["shop"])
    assert state(filled) == first and cities(filled) == {"Almaty": PEOPLE}


def test_one_undo_takes_several_fields_back(filled: Engine) -> None:
    before = state(filled)
    operation = decide(filled, city=["file", "shop"], name=["file"])
    assert state(filled) != before
    with transaction(filled) as session:
        done = merge.undo(session, operation, "olga").operation
        assert done.title == "city: file, shop wins; name: file wins"
        assert policy.in_force(session)["city"] == []
        assert policy.in_force(session)["name"] == ["accounting", "shop"]
    run_until_idle(filled)
    assert state(filled) == before


def test_preview_says_what_will_happen(filled: Engine) -> None:
    decide(filled, city=["shop"])
    for order in (["file"], [], ["file", "shop"], ["shop"]):
        before = _cards(filled)
        with transaction(filled) as session:
            seen = previews.preview(session, {"city": order})
        decide(filled, city=order)
        changed = {card for card, city in _cards(filled).items() if city != before[card]}
        assert seen.counts.get("city", 0) == len(changed) and seen.exact and seen.cards == PEOPLE
        for one in seen.samples:
            assert before[one.card] == one.before and _cards(filled)[one.card] == one.after
            assert one.before_from != one.after_from
        assert len(seen.samples) == min(len(changed), previews.SHOWN)


def _cards(engine: Engine) -> dict[UUID, str]:
    with transaction(engine) as session:
        return {row.id: row.city for row in rows(session, "SELECT id, city FROM customers WHERE live")}


def test_preview_of_many_cards_is_an_estimate(filled: Engine) -> None:
    decide(filled, city=["shop"])
    with patch.object(previews, "SAMPLE", PEOPLE - 1), transaction(filled) as session:
        session.execute(text("ANALYZE customers"))
        seen = previews.preview(session, {"city": ["file"]})
        assert 0 < seen.looked <= PEOPLE and seen.cards <= PEOPLE
        assert abs(seen.counts["city"] - (PEOPLE - 2)) <= 2
    with transaction(filled) as session, pytest.raises(BadInput, match="no field"):
        previews.preview(session, {"shoe": []})


def test_preview_is_bounded_while_the_server_believes_the_table_small(filled: Engine) -> None:
    decide(filled, city=["shop"])
    stale = patch.object(previews, "_ROWS", text("SELECT 6"))
    with patch.object(previews, "SAMPLE", 5), stale, transaction(filled) as session:
        seen = previews.preview(session, {"city": ["file"]})
        assert seen.looked <= 10 < seen.cards <= PEOPLE


def test_a_killed_recompute_goes_on_where_it_was(filled: Engine) -> None:
    with transaction(filled) as session:
        policy.set_policy(session, "city", ["shop"], "olga")
    seen = _die_after(filled, 2)
    assert seen == [0, 5]
    with transaction(filled) as session:
        (row,) = rows(session, "SELECT args FROM jobs WHERE key = :key AND state = 'waiting'", key=policy.JOB)
        assert (row.args["done"], row.args["total"]) == (5, PEOPLE)
        session.execute(text("UPDATE jobs SET run_at = created_at"))
    run_until_idle(filled)
    assert cities(filled) == {"Almaty": PEOPLE}
    with transaction(filled) as session:
        assert count(session, "jobs WHERE key = :key AND args <> '{}'", key=policy.JOB) == 0


def test_another_policy_meanwhile_starts_from_the_beginning(filled: Engine) -> None:
    decide(filled, city=["shop"])
    with transaction(filled) as session:
        policy.set_policy(session, "name", ["file"], "olga")
    _die_after(filled, 3)
    with transaction(filled) as session:
        policy.set_policy(session, "city", ["file"], "olga")
        session.execute(text("UPDATE jobs SET run_at = created_at"))
    run_until_idle(filled)
    assert cities(filled) == {"Astana": PEOPLE - 2, "Almaty": 2}


def _die_after(engine: Engine, portions: int) -> list[int]:
    """Work until a portion fails before its commit; answers how far each portion began."""
    seen: list[int] = []
    real = graph.redraw

    def dying(session: Session, cards: list[UUID]) -> object:
        seen.append(5 * len(seen))
        if len(seen) == portions:
            raise RuntimeError("killed before the commit")
        return real(session, cards)

    with patch.object(graph, "redraw", dying):
        run_until_idle(engine)
    return seen
