"""A shop, a ledger and the hub between them, edited at random on both sides, cut at any statement, repeated:
both sides come to be equal, no value is lost without a record and its reason, nothing comes back as a change.
"""

import contextlib
from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy import select, text

from connectors.base import raw_json
from foundation import clock, outcomes, running
from foundation.database import transaction
from foundation.errors import BadInput, Temporary
from foundation.heartbeat import Heartbeat
from foundation.tables import Operation
from sync import connections, jobs, landing, resolve, undo
from sync.directories import conflicts, decisions, keeping, plan
from sync.directories import jobs as runs
from sync.directories.merge import REASONS
from sync.directories.tables import Overwritten, Push
from tests import ledgers, shops
from tests.conftest import empty
from tests.faults import Killed, cut_at

FIELDS = {"name": ("Anna Petrova", "Anna Weber", "Anna Petrova-Weber", "Anna Maria Petrova"),
          "phone": ("+7701111000{}", "+7701111001{}", "+7701111002{}", "+7701111003{}"),
          "city": ("Almaty", "Astana", "Shymkent", "Turkestan")}  # fmt: skip
PEOPLE = (1, 2)
number, field, value = st.sampled_from(PEOPLE), st.sampled_from(sorted(FIELDS)), st.integers(0, 3)
how = st.sampled_from(("sync", "look", "cut", "answer_is_lost", "meddled", "the_ledger_is_away", "sync"))
cut = st.integers(1, 120)
assert jobs


class Directories(RuleBasedStateMachine):
    """What people do on both sides, and what becomes of it."""

    engine = sealer = None

    def __init__(self):
        super().__init__()
        empty(self.engine)
        self.shop, self.ledger = shops.Shop("shop"), ledgers.Ledger()
        self.at = datetime(2026, 3, 2, 9, tzinfo=UTC)
        self.holding = clock.hold(self.at)
        self.holding.__enter__()
        with transaction(self.engine) as session:
            self.here = connections.create(session, self.sealer, "fake", "My shop", {"shop": "shop"}).id
            self.there = connections.create(session, self.sealer, "ledger", "Ledger", {}).id
            keeping.add(session, self.there, "counterparties")
        for one in PEOPLE:
            self.shop.customer(one, name="Anna Petrova")
            self.ledger.party(one, name="Anna Petrova")
        self.look()

    def teardown(self):
        self.settle()
        self.check()
        self.holding.__exit__(None, None, None)

    # what people do
    @rule(
        edits=st.lists(st.tuples(st.booleans(), number, field, value), min_size=1, max_size=4),
        how=how,
        cut=cut,
    )
    def edit_and_run(self, edits, how, cut):
        """Some edits on both sides; then all is read and a run goes through, or not quite."""
        for here, one, name, which in edits:
            (self.edit_the_shop if here else self.edit_the_ledger)(one, name, which)
        self.look()
        if how == "meddled":
            self.somebody_is_faster(*edits[0][1:])
        elif how == "cut":
            self.sync_and_die(cut)
        else:
            getattr(self, how)()

    def edit_the_shop(self, number, field, value):
        clock.advance(timedelta(minutes=1))
        self.shop.put("customers", f"c{number}", **{field: FIELDS[field][value].format(number)})

    def edit_the_ledger(self, number, field, value):
        clock.advance(timedelta(minutes=1))
        self.ledger.party(number, **{field: FIELDS[field][value].format(number)})

    @rule(pick=st.integers(0, 9), side=st.sampled_from(("ours", "theirs", None)))
    def decide(self, pick, side):
        with contextlib.suppress(BadInput), transaction(self.engine) as session:
            waiting = conflicts.waiting(session)
            if waiting:
                decisions.decide(session, [waiting[pick % len(waiting)].id], side, "anna")

    @rule(pick=st.integers(0, 9))
    def undo(self, pick):
        kinds = (runs.KIND, decisions.KIND)
        with contextlib.suppress(BadInput), transaction(self.engine) as session:
            query = select(Operation.id).where(Operation.kind.in_(kinds), Operation.state == "done")
            done = session.scalars(query.order_by(Operation.id)).all()
            if done:
                undo.undo(session, done[pick % len(done)], "anna")

    # what the hub does
    def look(self):
        """Both sides are read; what was read becomes cards."""
        clock.advance(timedelta(minutes=1))
        for connection, stream, things in (
            (self.here, "customers", self.shop.objects["customers"]),
            (self.there, "counterparties", self.ledger.things["counterparties"]),
        ):
            at = {one: datetime.fromisoformat(thing["changed"]) for one, thing in things.items()}
            raws = [raw_json(one, dict(thing), at[one]) for one, thing in things.items()]
            with transaction(self.engine) as session:
                landing.land(session, connection, stream, raws, "pull", read_at=clock.now())
        self.resolve()

    def resolve(self):
        while resolve.resolve(self.engine):
            pass

    def sync(self):
        self.start()
        self.work()

    def sync_and_die(self, cut):
        """The process is gone at any statement."""
        cut_at(self.engine, cut, lambda: (self.start(), self.work()))

    def answer_is_lost(self):
        """The ledger has written, and nobody hears of it."""
        self.ledger.after_write = self.die
        with contextlib.suppress(Killed):
            self.start()
            self.work()
        self.ledger.after_write = lambda: None

    def somebody_is_faster(self, number, field, value):
        """The ledger's staff change an object between the decision and the call."""

        def edit():
            self.ledger.before_write = lambda: None
            self.edit_the_ledger(number, field, value)

        self.ledger.before_write = edit
        self.start()
        self.work()
        self.ledger.before_write = lambda: None

    def the_ledger_is_away(self):
        self.ledger.fail = [Temporary("the ledger is away")]
        self.start()
        self.work(once=True)
        self.ledger.fail = []

    def die(self):
        self.ledger.after_write = lambda: None
        raise Killed

    def start(self):
        with contextlib.suppress(BadInput), transaction(self.engine) as session:
            made = plan.make(session, self.there)
            runs.start(session, made.id, "anna")

    def work(self, once=False):
        """All jobs, those whose process died included, and what landed meanwhile."""
        heartbeat = Heartbeat(self.engine)  # not started: leases don't run out by themselves here
        clock.advance(timedelta(minutes=1))
        for _turn in range(1 if once else 5):
            clock.advance(timedelta(hours=2))
            outcomes.sweep(self.engine)
            while running.run_one(self.engine, "test", heartbeat):
                pass
        self.resolve()

    def settle(self):
        """Nobody does anything any more: a few rounds and all is quiet."""
        self.work()
        for _round in range(4):
            self.look()
            self.sync()
        self.look()

    def check(self):
        with transaction(self.engine) as session:
            made = plan.make(session, self.there)
            assert plan.changes(session, made.id) == [], "it comes back as a change"
            query = "SELECT * FROM problems WHERE area NOT IN ('pull')"
            assert not session.execute(text(query)).all()
            rows = session.scalars(select(Overwritten)).all()
            waiting = {(c.link_id, c.field): c for c in conflicts.waiting(session)}
            links = dict(
                session.execute(text("SELECT external_id, id FROM links WHERE state = 'linked'")).all()
            )
            cards = {
                row.external_id: row
                for row in session.execute(
                    text(
                        "SELECT p.external_id, c.name, c.phone, c.city FROM profiles p"
                        " JOIN customers c ON c.id = p.customer_id WHERE p.source_id = :id"
                    ),
                    {"id": self.there},
                )
            }
            self._pushes(session.scalars(select(Push)).all(), rows)
        assert all(row.reason in REASONS for row in rows)
        said = {(row.link_id, row.side, row.field, row.was) for row in rows}
        for one in PEOPLE:
            party, customer = (
                self.ledger.things["counterparties"][f"p{one}"],
                self.shop.objects["customers"][f"c{one}"],
            )
            link = links.get(f"p{one}")
            for name in FIELDS:
                if link is None or (link, name) in waiting:
                    continue
                told = (one, name, party.get(name), customer.get(name), getattr(cards[f"p{one}"], name))
                assert (party.get(name) or None) == (getattr(cards[f"p{one}"], name) or None), told
                mine = customer.get(name)
                assert mine in (None, party.get(name)) or (link, "here", name, mine) in said, told

    def _pushes(self, pushes, rows):
        """Each write that arrived was asked for once, and what it replaced is recorded."""
        assert {push.state for push in pushes} <= {"done", "overtaken", "cancelled"}
        assert len(self.ledger.keys) == sum(push.state == "done" for push in pushes)
        known = Counter((row.field, row.was or "", row.now or "") for row in rows if row.side == "there")
        done = Counter((field, was, now) for _id, field, was, now in self.ledger.written)
        assert not done - known, "overwritten without a record"


def test_two_systems_come_to_be_equal(engine, sealer, sync_context):
    shops.install()
    ledgers.install()
    Directories.engine, Directories.sealer = engine, sealer
    try:
        run_state_machine_as_test(
            Directories,
            settings=settings(
                max_examples=10, stateful_step_count=15, deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
    finally:
        shops.SHOPS.clear()
        shops.uninstall()
        ledgers.uninstall()
