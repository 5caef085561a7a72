"""One whole card for reading: every field says where it is from, in a handful of queries."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from customers import card, merge, timeline
from foundation.clock import new_id, now
from foundation.errors import BadInput
from tests.customers.world import row, rows, say, shop
from tests.people import JANUARY, anna, annas_orders, boris, order


@contextmanager
def queries(session: Session) -> Iterator[list[str]]:
    """The statements that are sent inside the block."""
    sent: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        sent.append(statement)

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_fields_say_where_they_are_from(session: Session) -> None:
    say(session, shop(session), anna(phones=()))
    say(session, shop(session, "Old file", "file"), anna(name="Anna P.", changed_at=now()), landed=9)
    found = card.read(session, row(session, "SELECT id FROM customers WHERE live").id)
    assert found.value("name") == "Anna Petrova" and found.fields["name"].source == "Shop"
    assert found.fields["phone"].source == "Old file"
    assert {said.value for said in found.fields["name"].claims} == {"Anna Petrova", "Anna P."}
    other = next(profile for profile in found.profiles if profile.source == "Old file")
    assert "name" in other.differs and "email" not in other.differs


def test_the_page_needs_few_queries(session: Session) -> None:
    source = shop(session)
    many = [order(anna(), str(number), placed_at=JANUARY + timedelta(number)) for number in range(60)]
    say(session, source, anna(), *many)
    customer = row(session, "SELECT id FROM customers").id
    with queries(session) as sent:
        found = card.read(session, customer)
        page = timeline.page(session, found.id)
    assert len(sent) <= 6
    assert (len(found.orders), len(page.events)) == (20, 50)
    assert found.stats.orders == 60


def test_dead_ids_answer_for_ever(session: Session) -> None:
    say(session, shop(session), anna(), *annas_orders(), boris())
    first, second = (r.id for r in rows(session, "SELECT id FROM customers ORDER BY name"))
    operation = merge.merge(session, first, second, "x")
    here = card.read(session, second)
    assert here.id == card.read(session, first).id and len(here.profiles) == 2
    joined = next(link for link in here.links if link.rule == "manual")
    assert (joined.operation_id, joined.actor, joined.operation_state) == (operation.id, "x", "done")


def test_orders_go_on_page_by_page(session: Session) -> None:
    many = [order(anna(), str(number), placed_at=JANUARY + timedelta(number)) for number in range(7)]
    undated = order(anna(), "u", placed_at=None, changed_at=JANUARY, happenings=())
    say(session, shop(session), *many, undated)
    customer = row(session, "SELECT id FROM customers").id
    seen, cursor = card.orders(session, customer, limit=3)
    while cursor:
        page, cursor = card.orders(session, customer, cursor, limit=3)
        seen += page
    assert [one.number for one in seen] == ["6", "5", "4", "3", "2", "1", "0", "u"]


def test_nobody_is_said_plainly(session: Session) -> None:
    with pytest.raises(BadInput, match="there is no customer"):
        card.read(session, new_id())
