"""The timeline, newest first, by keyset."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from customers import timeline
from foundation.errors import BadInput
from tests.customers.world import row, say, shop
from tests.people import JANUARY, anna, order


def test_pages_miss_and_repeat_nothing(session: Session) -> None:
    many = [order(anna(), str(number), placed_at=JANUARY + timedelta(number // 3)) for number in range(10)]
    say(session, shop(session), *many)
    customer = row(session, "SELECT id FROM customers").id
    page = timeline.page(session, customer, limit=7)
    seen = list(page.events)
    while page.next:
        page = timeline.page(session, customer, page.next, limit=7)
        seen += page.events
    assert len({one.id for one in seen}) == len(seen) == 20
    assert seen == sorted(seen, key=lambda one: (one.occurred_at, one.id), reverse=True)
    assert seen[0].source == "Shop"


def test_kinds_narrow_it_down(session: Session) -> None:
    say(session, shop(session), order(anna(), "1"))
    customer = row(session, "SELECT id FROM customers").id
    assert [one.kind for one in timeline.page(session, customer, kinds=["order.paid"]).events] == [
        "order.paid"
    ]
    assert len(timeline.page(session, customer, kinds=["order"]).events) == 2
    assert timeline.page(session, customer, kinds=["visit"]).events == []


@pytest.mark.parametrize("cursor", ["x", "!!", "MjAyNg", "\0"])
def test_foreign_cursors_are_refused(session: Session, cursor: str) -> None:
    with pytest.raises(BadInput, match="cursor"):
        timeline.page(session, row(session, "SELECT gen_random_uuid()")[0], cursor)
