"""Members kept step by step are those that a look at everybody finds, whatever happens in whatever order."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from customers import merge, stats, store
from customers import undo as undoing
from customers.segments import due, follow, language, lists, sql, tree
from customers.segments import store as segments
from customers.segments.sql import Query
from customers.store import Resolved
from foundation import clock
from foundation.errors import BadInput
from foundation.records import Address, AnyRecord, Consent, Gone, Person, Product
from tests.conftest import MORNING
from tests.customers.segments import trees
from tests.customers.segments.crowd import Crowd
from tests.customers.world import rows, shop
from tests.people import order

SAID = (
    'orders.count(last 30 days) >= 2 and city = "Almaty" and not opened(any letter, last 10 days)',
    'city != "Almaty"',
    "not orders.average(last 20 days) > 100",
    "orders.sum() >= 300 or orders.sum(more than 15 days ago) >= 100 EUR",
    'not ordered(product "CUP", last 12 days) and email is set',
    'ordered(category "Dishes")',
    "last_order in last 7 days or last_order more than 25 days ago",
    'lists has "VIP" or tags has "vip"',
    'not lists has "VIP"',
    'email_consent = "given" and birthday in next 5 days',
    "visited(last 3 days) or visits.days(last 20 days) >= 2",
    "opened.count(last 9 days) >= 2",
    "created more than 6 days ago and recency >= 3",
    'sources has "File" and spent > 100 EUR',
)
PEOPLE = st.fixed_dictionaries(
    {
        "source": st.integers(0, 1),
        "external_id": st.integers(1, 4).map(str),
        "city": st.sampled_from(["", "Almaty", "Berlin"]),
        "email": st.sampled_from(["", "a@x.org", "b@x.org"]),
        "consent": st.sampled_from([None, True, False]),
        "tag": st.booleans(),
        "birthday": st.sampled_from([None, date(1990, 3, 9), date(1988, 2, 29)]),
    }
)
ORDERS = st.fixed_dictionaries(
    {
        "source": st.integers(0, 1),
        "buyer": st.integers(1, 4),
        "number": st.integers(1, 6),
        "state": st.sampled_from(["paid", "paid", "cancelled", "cart"]),
        "ago": st.integers(0, 30),
        "total": st.sampled_from([40, 150, 400]),
        "currency": st.sampled_from(["EUR", "EUR", "KZT"]),
    }
)
STEPS = st.one_of(
    st.tuples(st.just("person"), PEOPLE),
    st.tuples(st.just("order"), ORDERS),
    st.tuples(st.just("order"), ORDERS),
    st.tuples(
        st.just("happen"), st.integers(0, 9), st.sampled_from(["letter.opened", "web.page"]),
        st.integers(0, 12),
    ),
    st.tuples(st.just("gone"), st.integers(0, 1), st.integers(1, 6), st.sampled_from(["person", "order"])),
    st.tuples(st.just("merge"), st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.just("split"), st.integers(0, 9)),
    st.tuples(st.just("undo"), st.integers(0, 9)),
    st.tuples(st.just("put"), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([1, 24, 24 * 3, 24 * 9]) ),
    st.tuples(st.just("category"), st.sampled_from(["Dishes", "Pots"])),
    st.tuples(st.just("marks")),
    st.tuples(st.just("change"), st.integers(0, len(SAID) - 1), st.sampled_from(SAID).map(language.parse)),
    st.tuples(st.just("follow")),
)  # fmt: skip


class History:
    """A history in a transaction of its own."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.sources = [shop(session, "Shop"), shop(session, "File", "file")]
        self.vip = segments.make_list(session, "VIP", "t")
        self.segments = [
            segments.make(session, str(n), language.parse(said), "t") for n, said in enumerate(SAID)
        ]
        self.operations: list[UUID] = []
        self.landed = 0

    def say(self, source: int, *records: AnyRecord) -> None:
        self.landed += 1
        store.apply(self.session, self.sources[source].id, [Resolved(self.landed, clock.now(), records)])

    def cards(self) -> list[UUID]:
        return [row[0] for row in rows(self.session, "SELECT id FROM customers WHERE live ORDER BY id")]

    def card(self, number: int) -> UUID | None:
        cards = self.cards()
        return cards[number % len(cards)] if cards else None

    def person(self, said: dict) -> None:
        at = clock.now()
        consents = [] if said["consent"] is None else [Consent(channel="email", given=said["consent"], at=at)]
        self.say(
            said["source"],
            Person(
                external_id=said["external_id"], name=f"P{said['external_id']}", email_verified=True,
                emails=(said["email"],) if said["email"] else (), consents=tuple(consents),
                addresses=(Address(city=said["city"]),) if said["city"] else (),
                tags=("vip",) if said["tag"] else (), birthday=said["birthday"], changed_at=at,
            ),
        )  # fmt: skip

    def order(self, said: dict) -> None:
        buyer = Person(external_id=str(said["buyer"]), name=f"P{said['buyer']}")
        at = clock.now() - timedelta(days=said["ago"])
        made = order(
            buyer, str(said["number"]), state=said["state"], placed_at=at, currency=said["currency"],
            total=Decimal(said["total"]), happenings=(),
        )  # fmt: skip
        self.say(said["source"], made)

    def happen(self, number: int, kind: str, ago: int) -> None:
        if card := self.card(number):
            crowd = Crowd.__new__(Crowd)
            crowd.session, crowd.source = self.session, self.sources[0]
            crowd.happen(card, kind, ago - (clock.now() - MORNING) / timedelta(days=1))

    def gone(self, source: int, number: int, what: str) -> None:
        self.say(source, Gone(external_id=str(number), what=what))

    def merge(self, one: int, other: int) -> None:
        left, right = self.card(one), self.card(other)
        if left and right and left != right:
            self.act(lambda: merge.merge(self.session, left, right, "t").id)

    def split(self, number: int) -> None:
        query = "SELECT id FROM profiles WHERE customer_id IS NOT NULL ORDER BY id"
        if found := rows(self.session, query):
            profile = found[number % len(found)][0]
            self.act(lambda: merge.split(self.session, [profile], "t").id)

    def undo(self, number: int) -> None:
        if self.operations:
            operation = self.operations[number % len(self.operations)]
            self.act(lambda: undoing.undo(self.session, operation, "t") and None)

    def act(self, act: Callable[[], UUID | None]) -> None:
        try:
            with self.session.begin_nested():
                operation = act()
        except BadInput:
            return
        if operation:
            self.operations.append(operation)

    def put(self, number: int, adding: bool) -> None:
        if card := self.card(number):
            act = lists.add if adding else lists.remove
            self.operations.append(act(self.session, self.vip, [card], "t").id)

    def wait(self, hours: int) -> None:
        clock.advance(timedelta(hours=hours))

    def category(self, name: str) -> None:
        self.say(0, Product(external_id="", name="Cup", sku="CUP", category=name))

    def marks(self) -> None:
        stats.refresh_rfm(self.session)

    def change(self, number: int, condition: tree.Node) -> None:
        segments.change(self.session, self.segments[number], condition, "t")

    def follow(self) -> None:
        for _ in range(500):
            self.session.flush()
            if not follow.turn(self.session):
                break
        else:
            raise AssertionError("never at rest")
        self.session.expire_all()

    def verify(self) -> None:
        """Kept members, their number and their dues are what a look at everybody finds."""
        at = clock.now()
        for segment in (self.vip, *self.segments):
            node = segments.current(self.session, segment)
            query, params = sql.select(node, at)
            everybody = set(self.session.execute(text(query), params).scalars())
            kept = set(self.of(segment, "customer_id", "segment_members"))
            assert kept == everybody, node
            assert segment.members == len(kept)
            assert self.dues(segment) == self.dues_of_everybody(node)
            assert self.told(segment) == kept

    def of(self, segment, what: str, table: str) -> list:
        query = f"SELECT {what} FROM {table} WHERE segment_id = :id"
        return list(self.session.execute(text(query), {"id": segment.id}).scalars())

    def dues(self, segment) -> set:
        query = "SELECT customer_id, due_at FROM segment_due WHERE segment_id = :id AND due_at > :at"
        return {tuple(row) for row in rows(self.session, query, id=segment.id, at=clock.now())}

    def dues_of_everybody(self, node: tree.Node) -> set:
        query = Query(clock.now())
        instants = [one for part in tree.conditions(node) if (one := due.single(query, part))]
        if not instants:
            return set()
        statement = (
            f"SELECT c.id, least({', '.join(instants)}) FROM customers c LEFT JOIN customer_stats s"
            f" ON s.customer_id = c.id WHERE {sql.LIVE}"
        )
        found = self.session.execute(text(statement), query.params)
        return {tuple(row) for row in found if row[1] is not None}

    def told(self, segment) -> set:
        """Who is in as the events tell it."""
        query = "SELECT customer_id, kind FROM segment_events WHERE segment_id = :id ORDER BY id"
        inside: set[UUID] = set()
        for customer, kind in rows(self.session, query, id=segment.id):
            assert (customer in inside) == (kind == "leave")
            (inside.discard if kind == "leave" else inside.add)(customer)
        return inside


def run(engine: Engine, steps: list) -> None:
    with clock.hold(MORNING), Session(engine) as session:
        history = History(session)
        history.follow()
        for name, *values in steps:
            getattr(history, name)(*values)
        history.wait(0)
        history.follow()
        clock.advance(follow.CALM)  # what concerns everybody waits until it is calm
        history.follow()
        history.verify()
        session.rollback()


def person(source: int, number: int, **more: object) -> tuple:
    said = {
        "source": source,
        "external_id": str(number),
        "city": "",
        "email": "",
        "consent": None,
        "tag": False,
    }
    return ("person", said | {"birthday": None} | more)


def bought(number: int, buyer: int) -> tuple:
    said = {"number": number, "buyer": buyer, "ago": number * 4, "total": 150, "currency": "EUR"}
    return ("order", said | {"source": number % 2, "state": "paid"})


BUSY = [
    person(0, 1, city="Almaty", email="a@x.org", consent=True, tag=True, birthday=date(1990, 3, 9)),
    person(1, 2, email="b@x.org"),
    *(bought(number, number % 3 + 1) for number in range(6)),
    *(("happen", number, "web.page", number) for number in range(6)),
    *(("happen", number, "letter.opened", number * 3) for number in range(6)),
]


def test_step_by_step_is_the_same_as_all_at_once(engine):
    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(STEPS, min_size=10, max_size=30), st.booleans())
    def check(steps, busy):
        run(engine, [*(BUSY if busy else ()), *steps, ("follow",), *steps[:5], ("wait", 24 * 4)])

    check()


def test_random_conditions_are_kept_as_well(engine):
    """Whatever can be asked for, over one busy history."""

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(trees.TREES, min_size=4, max_size=len(SAID)), st.lists(STEPS.filter(_no_change), max_size=8)
    )
    def check(nodes, steps):
        changes = [("change", number, node) for number, node in enumerate(nodes)]
        named = [one for one in changes if not segments.lists_of(one[2])]
        run(engine, [*named, ("follow",), *BUSY, ("follow",), *steps, ("wait", 24 * 4)])

    check()


def _no_change(step: tuple) -> bool:
    return step[0] != "change"
