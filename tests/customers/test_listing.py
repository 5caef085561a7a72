"""The list of customers: filters, sorts, pages, counts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from customers import listing
from customers.listing import SORTS, Filters, Sort
from customers.tables import Customer, CustomerStats, Profile
from foundation import clock
from foundation.clock import new_id, now
from foundation.errors import BadInput
from tests.customers.world import shop

DAY = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def town(session: Session) -> Iterator[Session]:
    """Twenty customers that differ in everything; the shop knows only the first three."""
    source = shop(session)
    with clock.hold(DAY):
        for n in range(20):
            clock.advance(timedelta(seconds=1))
            customer = Customer(
                identified=True,
                name=f"C{n}",
                city="Almaty" if n % 2 else "Astana",
                country="KZ" if n < 15 else "DE",
                kind="company" if n == 5 else "person",
                tags=["vip"] if n == 7 else [],
                email_consent=("given", "withdrawn", None)[n % 3],
            )
            session.add(customer)
            session.flush()
            seen = None if n % 4 == 0 else DAY - timedelta(days=n // 2)
            stats = CustomerStats(
                customer_id=customer.id, orders=n // 5, spent=Decimal(n // 3), last_seen_at=seen
            )
            session.add(stats)
            if n < 3:
                session.add(
                    Profile(
                        source_id=source.id,
                        kind="customer",
                        external_id=str(n),
                        customer_id=customer.id,
                        record={},
                        record_hash=b"",
                        changed_at=now(),
                    )
                )
        dead = Customer(live=False, identified=True, name="dead", city="Almaty")
        visitor = Customer(identified=False, name="", city="Almaty")
        session.add_all([dead, visitor])
        session.flush()
        session.add_all([CustomerStats(customer_id=dead.id), CustomerStats(customer_id=visitor.id)])
        session.flush()
        yield session


@contextmanager
def counted(session: Session) -> Iterator[Callable[[], int]]:
    asked: list[str] = []

    def note(*args: object) -> None:
        asked.append(str(args[2]))

    event.listen(session.get_bind(), "before_cursor_execute", note)
    yield lambda: len(asked)
    event.remove(session.get_bind(), "before_cursor_execute", note)


def names(session: Session, filters: Filters) -> set[int]:
    return {int(row.name[1:]) for row in listing.page(session, filters, limit=100).rows}


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        (Filters(), set(range(20))),
        (Filters(city="Almaty"), set(range(1, 20, 2))),
        (Filters(country="de"), set(range(15, 20))),
        (Filters(kind="company"), {5}),
        (Filters(tag="vip"), {7}),
        (Filters(tag="none such"), set()),
        (Filters(email_consent="given"), set(range(0, 20, 3))),
        (Filters(email_consent="none"), set(range(2, 20, 3))),
        (Filters(sms_consent="none"), set(range(20))),
        (Filters(has_orders=False), set(range(5))),
        (Filters(has_orders=True, country="KZ"), set(range(5, 15))),
        (Filters(seen_within=2), {1, 2, 3}),
        (Filters(city="Al\0maty"), set()),
    ],
)
def test_filters_narrow_the_list(town: Session, filters: Filters, wanted: set[int]) -> None:
    assert names(town, filters) == wanted
    assert listing.count(town, filters) == (len(wanted), True)


def test_source_filter_asks_for_profiles(town: Session) -> None:
    source = town.execute(text("SELECT id FROM sources")).scalar_one()
    assert names(town, Filters(source=source)) == {0, 1, 2}
    assert names(town, Filters(source=new_id())) == set()


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("limit", [1, 3, 20, 50])
def test_pages_of_every_sort_are_whole(town: Session, sort: Sort, limit: int) -> None:
    whole = [row.id for row in listing.page(town, Filters(), sort, limit=100).rows]
    seen: list[UUID] = []
    after = None
    while True:
        page = listing.page(town, Filters(), sort, after, limit)
        seen += [row.id for row in page.rows]
        after = page.after
        if after is None:
            break
    assert seen == whole
    assert len(set(seen)) == 20


def test_best_stand_first(town: Session) -> None:
    rows = {sort: listing.page(town, Filters(), sort, limit=100).rows for sort in SORTS}
    assert [row.name for row in rows["newest"][:2]] == ["C19", "C18"]
    assert [row.spent for row in rows["spent"]] == sorted((row.spent for row in rows["spent"]), reverse=True)
    assert [row.orders for row in rows["orders"]] == sorted(
        (row.orders for row in rows["orders"]), reverse=True
    )
    seen = [row.last_seen_at for row in rows["last_seen"]]
    assert seen[15:] == [None] * 5
    assert seen[0] == DAY


@pytest.mark.parametrize("sort", SORTS)
def test_page_costs_few_queries(town: Session, sort: Sort) -> None:
    with counted(town) as queries:
        listing.page(town, Filters(city="Almaty"), sort, limit=3)
    assert queries() == 1


def test_large_count_is_an_estimate(town: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_EXACT_UP_TO", 5)
    with counted(town) as queries:
        count = listing.count(town, Filters(city="Almaty", has_orders=True))
    assert not count.exact
    assert count.number >= 6
    assert queries() == 2


@pytest.mark.parametrize("after", ["", "x", "~", "1~x", "abc~01990000-0000-7000-8000-000000000000"])
def test_place_that_no_page_gave_is_refused(town: Session, after: str) -> None:
    with pytest.raises(BadInput, match="no place in the list"):
        listing.page(town, Filters(), "spent", after)


def test_unknown_sort_is_refused(town: Session) -> None:
    with pytest.raises(BadInput, match="sort by newest"):
        listing.page(town, Filters(), "shoe")  # type: ignore[arg-type]


def test_choices_come_commonest_first(town: Session) -> None:
    cities = ["Almaty", "Almaty", "Almaty", "Astana", "Astana"]
    town.add_all(Customer(name=city, city=city) for city in cities)
    town.flush()
    town.execute(text("ANALYZE customers"))  # else it depends on whether the server has found time
    assert [one for one in listing.choices(town, "city") if one in cities] == ["Almaty", "Astana"]
