"""Whatever is merged, split, decided and taken back, in any order, while people and orders arrive in between:
the state is that of a run in which what was taken back had never been.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from customers import duplicates, graph, merge, policy, store
from customers.store import Resolved
from foundation.errors import BadInput, KartotekaError
from foundation.records import AnyRecord, Consent, Gone, Invoice, Line, Payment, Person
from foundation.tables import Operation
from tests.customers.world import row, rows, shop
from tests.people import JANUARY, order

NAMES = ("Anna Petrova", "Anna Petrova", "Petrova Anna", "Boris Weber", "A. Petrova", "")
Label = tuple[int, str, str]  # source, kind, external id
Step = Callable[["Run"], None]

people = st.fixed_dictionaries(
    {
        "source": st.integers(0, 1),
        "external_id": st.integers(1, 5).map(str),
        "name": st.sampled_from(NAMES),
        "email": st.sampled_from(("", "a@x.org", "b@x.org", "c@x.org")),
        "phone": st.sampled_from(("", "+77012345678", "+77012345679")),
        "consent": st.sampled_from((None, True, False)),
    }
)

payers = st.one_of(st.integers(1, 5).map(str), st.integers(0, 6).map(lambda one: f"order:o{one}"))
PREFIXES = {"person": "", "order": "o", "invoice": "i", "payment": "p"}

ORPHANS = (
    "profiles c LEFT JOIN sources p ON p.id = c.source_id",
    "profiles c LEFT JOIN customers p ON p.id = c.customer_id",
    "profile_keys c LEFT JOIN profiles p ON p.id = c.profile_id",
    "profile_links c LEFT JOIN profiles p ON p.id = c.profile_id",
    "profile_links c LEFT JOIN customers p ON p.id = c.customer_id",
    "consents c LEFT JOIN profiles p ON p.id = c.profile_id",
    "customer_stats c LEFT JOIN customers p ON p.id = c.customer_id AND p.live",
    "orders c LEFT JOIN profiles p ON p.id = c.profile_id AND p.customer_id = c.customer_id",
    "order_lines c LEFT JOIN orders p ON p.id = c.order_id",
    "invoices c LEFT JOIN profiles p ON p.id = c.profile_id AND p.customer_id = c.customer_id",
    "payments c LEFT JOIN profiles p ON p.id = c.profile_id AND p.customer_id = c.customer_id",
    "invoice_lines c LEFT JOIN invoices p ON p.id = c.invoice_id",
)  # what foreign keys would hold, and a little more


FACTS = (
    ("orders", "external_id"),
    ("invoices", "external_id, state, total, paid, received"),
    ("payments", "external_id, amount, invoice_id IS NULL"),
    ("timeline", "source_key"),
)


class Run:
    """One way through the steps, in a transaction of its own that ends in a dump."""

    def __init__(self, engine: Engine) -> None:
        self.session = Session(engine)
        self.sources = [shop(self.session, "Shop"), shop(self.session, "File", "file")]
        self.operations: dict[int, UUID] = {}

    def arrive(self, number: int, source: int, *records: AnyRecord) -> None:
        at = JANUARY + timedelta(minutes=number)
        store.apply(self.session, self.sources[source].id, [Resolved(number, at, records)])

    def home(self, profile: Label) -> UUID:
        """The home card of a profile."""
        source, kind, external_id = profile
        query = (
            "SELECT l.customer_id FROM profile_links l JOIN profiles p ON p.id = l.profile_id"
            " WHERE p.source_id = :source AND p.kind = :kind AND p.external_id = :external_id"
            " AND l.rule <> 'manual' AND (l.until IS NULL OR (l.ended_by IS NOT NULL AND l.ended_by"
            " IS DISTINCT FROM l.operation_id))"
            " ORDER BY l.rule = 'split' DESC, CASE WHEN l.rule = 'split' THEN -l.id ELSE l.id END LIMIT 1"
        )
        values = {"source": self.sources[source].id, "kind": kind, "external_id": external_id}
        return row(self.session, query, **values)[0]

    def profile(self, profile: Label) -> UUID:
        query = "SELECT id FROM profiles WHERE source_id = :s AND kind = :k AND external_id = :e"
        return row(self.session, query, s=self.sources[profile[0]].id, k=profile[1], e=profile[2])[0]

    def waiting(self) -> list[tuple[UUID, UUID]]:
        """Home cards of the pairs that wait for a decision."""
        ids = [pair.id for pair in duplicates.waiting(self.session, limit=1000).pairs]
        query = "SELECT left_id, right_id FROM duplicates WHERE id = ANY(:ids) ORDER BY id"
        return [(r[0], r[1]) for r in rows(self.session, query, ids=ids)]

    def decide(self, one: Label, other: Label, answer: Any) -> Operation:
        """Decide the pair of two profiles' home cards; `BadInput` when there is none."""
        pair = sorted((self.home(one), self.home(other)))
        query = "SELECT id FROM duplicates WHERE left_id = :left AND right_id = :right"
        found = rows(self.session, query, left=pair[0], right=pair[1])
        if not found:
            raise BadInput("there is no such pair")
        return duplicates.decide(self.session, found[0][0], answer, "anna")

    def known(self) -> list[Label]:
        """Profiles that are on a card."""
        index = {source.id: number for number, source in enumerate(self.sources)}
        query = "SELECT source_id, kind, external_id FROM profiles WHERE gone_at IS NULL"
        return sorted((index[r[0]], r[1], r[2]) for r in rows(self.session, query))

    def try_act(self, number: int, act: Callable[[], Any]) -> bool:
        """Do what may be refused; remembers its operation."""
        point = self.session.begin_nested()
        try:
            self.operations[number] = act().id
        except KartotekaError:
            point.rollback()
            return False
        point.commit()
        return True

    def refresh(self) -> None:
        graph.recompute(
            self.session, [r[0] for r in rows(self.session, "SELECT id FROM customers WHERE live")]
        )

    def dump(self) -> dict[str, Any]:
        """All that people see, ids masked: a card is named by the profiles on it."""
        self.session.expire_all()
        index = {source.id: number for number, source in enumerate(self.sources)}
        cards: dict[UUID, list[Any]] = {}
        names: dict[str, Any] = {}
        for one, card, *rest in rows(
            self.session,
            "SELECT id, customer_id, source_id, kind, external_id FROM profiles WHERE gone_at IS NULL",
        ):
            label = (index[rest[0]], rest[1], rest[2])
            names[str(one)] = label
            cards.setdefault(card, []).append(label)
        named = {card: tuple(sorted(labels)) for card, labels in cards.items()}
        golden = {}
        for found in rows(self.session, "SELECT * FROM customers WHERE live"):
            fields = found._asdict()
            for name in ("created_at", "changed_at"):
                del fields[name]
            fields["origins"] = {field: names.get(one) for field, one in fields["origins"].items()}
            golden[named.get(fields.pop("id"), ())] = fields
        state: dict[str, Any] = {"cards": golden}
        for table, key in FACTS:
            query = f"SELECT customer_id, {key} FROM {table} WHERE customer_id IS NOT NULL"
            state[table] = sorted((named.get(r[0], ()), *r[1:]) for r in rows(self.session, query))
        state["stats"] = sorted(
            (named.get(r[0], ()), *map(str, r[1:]))
            for r in rows(self.session, "SELECT * FROM customer_stats")
        )
        waiting = duplicates.waiting(self.session, limit=1000).pairs
        state["waiting"] = {
            frozenset((named.get(pair.left.id, ()), named.get(pair.right.id, ()))) for pair in waiting
        }
        return state


def differences(mine: Any, theirs: Any, at: str = "") -> list[str]:
    """Where two dumps differ, in lines one can read."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        keys = sorted({*mine, *theirs}, key=str)
        return [line for key in keys for line in differences(mine.get(key), theirs.get(key), f"{at}/{key}")]
    return [] if mine == theirs else [f"{at}: {mine} is not {theirs}"]


class History(RuleBasedStateMachine):
    """The steps taken, which of them are undone, and a run that takes them all."""

    engine: Engine

    def __init__(self) -> None:
        super().__init__()
        self.run = Run(self.engine)
        self.steps: list[Step] = []
        self.undone: set[int] = set()
        self.lost = False  # a decision that only made sense on one that is undone: nothing to compare
        self.number = 0

    def take(self, step: Step) -> None:
        self.steps.append(step)

    def _arrive(self, source: int, *records: AnyRecord) -> None:
        self.number += 1
        number = self.number
        self.run.arrive(number, source, *records)
        self.take(lambda run: run.arrive(number, source, *records))

    def _person(self, said: dict[str, Any], **changes: Any) -> Person:
        at = JANUARY + timedelta(minutes=self.number)
        consents = (
            () if said["consent"] is None else (Consent(channel="email", given=said["consent"], at=at),)
        )
        return msgspec.structs.replace(
            Person(
                external_id=said["external_id"],
                name=said["name"],
                emails=(said["email"],) if said["email"] else (),
                phones=(said["phone"],) if said["phone"] else (),
                consents=consents,
                changed_at=at,
            ),
            **changes,
        )

    @rule(said=people)
    def somebody_arrives_or_changes(self, said: dict[str, Any]) -> None:
        self._arrive(said["source"], self._person(said))

    @rule(said=people, guest=st.booleans(), total=st.integers(1, 9))
    def somebody_buys(self, said: dict[str, Any], guest: bool, total: int) -> None:
        number = f"o{self.number % 7}"
        at = JANUARY + timedelta(minutes=self.number)
        buyer = self._person(
            said, guest=guest, external_id=f"order:{number}" if guest else said["external_id"]
        )
        self._arrive(said["source"], order(buyer, number, total=Decimal(total), placed_at=at))

    @rule(source=st.integers(0, 1), payer=payers, one=st.integers(1, 3), total=st.integers(1, 3))
    def somebody_is_billed(self, source: int, payer: str, one: int, total: int) -> None:
        at = JANUARY + timedelta(minutes=self.number)
        bill = Invoice(
            external_id=f"i{one}", number=str(one), customer_id=payer, currency="EUR",
            total=Decimal(total), order_number=f"o{one}", changed_at=at,
            lines=(Line(position=1, name="Cup", total=Decimal(total)),),
        )  # fmt: skip
        self._arrive(source, bill)

    @rule(source=st.integers(0, 1), payer=payers, one=st.integers(1, 3), amount=st.integers(-1, 3))
    def somebody_pays(self, source: int, payer: str, one: int, amount: int) -> None:
        by = {"invoice_id": f"i{one}"} if amount % 2 else {"order_number": f"o{one}"}
        self._arrive(
            source,
            Payment(
                external_id=f"p{self.number % 5}", customer_id=payer, currency="EUR",
                amount=Decimal(amount), paid_at=JANUARY, **by,
            ),
        )  # fmt: skip

    @rule(source=st.integers(0, 1), one=st.integers(1, 5).map(str), what=st.sampled_from(tuple(PREFIXES)))
    def something_goes(self, source: int, one: str, what: Any) -> None:
        self._arrive(source, Gone(external_id=PREFIXES[what] + one, what=what, at=JANUARY))

    def _operate(self, act: Callable[[Run], Any], *, split: bool = False) -> None:
        self.number += 1
        number = self.number
        if not self.run.try_act(number, lambda: act(self.run)):
            return

        def step(run: Run) -> None:
            if number not in self.undone and not run.try_act(number, lambda: act(run)) and split:
                self.lost = True

        self.take(step)

    @precondition(lambda self: len(self.run.known()) > 1)
    @rule(data=st.data())
    def two_are_merged(self, data: st.DataObject) -> None:
        known = self.run.known()
        one = data.draw(st.sampled_from(known))
        other = data.draw(st.sampled_from(known))
        self._operate(lambda run: merge.merge(run.session, run.home(one), run.home(other), "anna"))

    @precondition(lambda self: len(self.run.known()) > 1)
    @rule(data=st.data())
    def some_are_split_off(self, data: st.DataObject) -> None:
        query = "SELECT id, customer_id FROM profiles WHERE gone_at IS NULL"
        card = {r[0]: r[1] for r in rows(self.run.session, query)}
        known = self.run.known()
        first = data.draw(st.sampled_from(known))
        here = card[self.run.profile(first)]
        mates = [one for one in known if card[self.run.profile(one)] == here]
        chosen = data.draw(st.lists(st.sampled_from(mates), max_size=2, unique=True))
        leaving = list(dict.fromkeys((first, *chosen)))
        self._operate(
            lambda run: merge.split(run.session, [run.profile(one) for one in leaving], "anna"), split=True
        )

    @precondition(lambda self: duplicates.count(self.run.session))
    @rule(data=st.data(), answer=st.sampled_from(("joined", "different")))
    def a_pair_is_decided(self, data: st.DataObject, answer: Any) -> None:
        homes = {self.run.home(one): one for one in reversed(self.run.known())}
        pairs = [pair for pair in self.run.waiting() if set(pair) <= set(homes)]
        if pairs:
            left, right = data.draw(st.sampled_from(range(len(pairs))).map(lambda place: pairs[place]))
            one, other = homes[left], homes[right]
            self._operate(lambda run: run.decide(one, other, answer), split=True)

    @rule(field=st.sampled_from(("name", "email")), order=st.permutations(("shop", "file")))
    def a_policy_is_set(self, field: str, order: list[str]) -> None:
        self._operate(lambda run: policy.set_policy(run.session, field, order, "anna"))
        self.run.refresh()
        self.take(lambda run: run.refresh())

    @precondition(lambda self: set(self.run.operations) - self.undone)
    @rule(data=st.data())
    def something_is_undone(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(set(self.run.operations) - self.undone)))
        undone = merge.undo(self.run.session, self.run.operations[number], "anna")
        self.undone.add(number)
        if undone.operation.kind == "policy":
            self.run.refresh()

    def teardown(self) -> None:
        mine = self.run.dump()
        query = "SELECT 1 FROM {} WHERE p.id IS NULL"
        orphans = [one for one in ORPHANS if rows(self.run.session, query.format(one))]
        self.run.session.rollback()
        self.run.session.close()
        other = Run(self.engine)
        for step in self.steps:
            step(other)

        theirs = other.dump()
        other.session.rollback()
        other.session.close()
        assert orphans == []
        if not self.lost:
            assert differences(mine, theirs) == []


def test_undo_leaves_no_trace(engine: Engine) -> None:
    class OnThisDatabase(History):
        pass

    OnThisDatabase.engine = engine
    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(
            max_examples=25,
            stateful_step_count=14,
            deadline=None,
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
