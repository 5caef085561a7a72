"""A shop, a warehouse, a ledger and the hub between them, with what people and faults do to them at random.

Customers of the shop are counterparties of the ledger, goods of the warehouse are its nomenclature. Things
come and go on either side; what only we have is made in the ledger.
"""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from sqlalchemy import select

from connectors.base import Raw, raw_json
from foundation import clock, jobs, outcomes, problems, running
from foundation.database import transaction
from foundation.errors import BadInput, Temporary
from foundation.heartbeat import Heartbeat
from foundation.tables import Operation, Problem
from sync import connections, landing, resolve, undo
from sync.directories import conflicts, decisions, keeping, plan
from sync.directories import jobs as runs
from sync.directories.tables import Push
from sync.tables import Connection, LandedHead
from tests import ledgers, shops
from tests.conftest import empty
from tests.faults import Killed, cut_at
from tests.sync.directories import checking

COUNTERPARTIES, NOMENCLATURE = "counterparties", "nomenclature"
FIELDS = {
    COUNTERPARTIES: {
        "name": ("Anna Petrova", "Anna Weber", "Anna Petrova-Weber", "Anna Maria Petrova"),
        "phone": ("+7701111000{}", "+7701111001{}", "+7701111002{}", "+7701111003{}"),
        "city": ("Almaty", "Astana", "Shymkent", "Turkestan"),
    },
    NOMENCLATURE: {
        "name": ("Kettle", "Kettle, electric", "Kettle 1.7", "Teapot"),
        "price": ("10", "12.5", "7", ""),
    },
}
KEY = {COUNTERPARTIES: "email", NOMENCLATURE: "sku"}
NUMBERS = (1, 2, 3, 4)
KEYLESS = 4  # it has no more than a name to be known by
GONE = 4  # in place of a value: the thing is deleted
FEW, MOST = 2, 25  # in these small directories a run may change a quarter unasked
_fields = [(what, name) for what, names in FIELDS.items() for name in names]
edit = st.tuples(st.sampled_from(_fields), st.booleans(), st.sampled_from(NUMBERS), st.integers(0, GONE))
how = st.sampled_from(
    ("sync", "sync", "look", "cut", "answer_is_lost", "meddled", "is_away", "refuses", "runs_by_itself")
)
cut = st.integers(1, 160)


class Place:
    """One side of one directory: the things that stand there, and how its own staff change them."""

    def __init__(self, system, stream, connection, letter):
        self.system, self.stream, self.connection, self.letter = system, stream, connection, letter

    @property
    def things(self):
        held = self.system.objects if isinstance(self.system, shops.Shop) else self.system.things
        return held[self.stream]

    def find(self, what, number):
        """The id of the thing of this number, whoever made it."""
        wanted = _standard(what, number).get(KEY[what])
        same = (one for one, thing in self.things.items() if wanted and thing.get(KEY[what]) == wanted)
        return next(same, f"{self.letter}{number}")

    def known(self, session):
        """All ids that the hub has ever heard of."""
        query = select(LandedHead.external_id).where(LandedHead.connection_id == self.connection)
        return set(session.scalars(query.where(LandedHead.stream == self.stream)))

    def raws(self, session):
        """All that stands here now, and what doesn't any more."""
        for one, thing in self.things.items():
            yield raw_json(one, dict(thing), datetime.fromisoformat(thing["changed"]))
        for one in sorted(self.known(session) - self.things.keys()):
            yield Raw(one, "", gone=True)


def _standard(what, number):
    if what == COUNTERPARTIES:
        said = {"name": "Anna Petrova", "email": f"person{number}@example.org"}
    else:
        said = {"name": "Kettle", "sku": f"K-{number}", "price": "10"}
    return {**said, KEY[what]: ""} if number == KEYLESS else said


class Directories(RuleBasedStateMachine):
    """What people do on both sides, and what becomes of it."""

    engine = sealer = None

    def __init__(self):
        super().__init__()
        empty(self.engine)
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(plan, "FEW", FEW)
        self.shop, self.home, self.ledger = shops.Shop("shop"), ledgers.Ledger("home"), ledgers.Ledger()
        self.holding = clock.hold(datetime(2026, 3, 2, 9, tzinfo=UTC))
        self.holding.__enter__()
        with transaction(self.engine) as session:
            made = connections.create
            shop = made(session, self.sealer, "fake", "My shop", {"shop": "shop"}).id
            home = made(session, self.sealer, "ledger", "Warehouse", {"ledger": "home"}).id
            self.there = made(session, self.sealer, "ledger", "Ledger", {}).id
            session.get_one(Connection, self.there).last_success_at = clock.now()
            for what, of in ((COUNTERPARTIES, None), (NOMENCLATURE, home)):
                kept = keeping.add(session, self.there, what, of)
                keeping.change(session, kept, creates="all", most=MOST)
        self.places = {
            (COUNTERPARTIES, True): Place(self.shop, "customers", shop, "c"),
            (COUNTERPARTIES, False): Place(self.ledger, COUNTERPARTIES, self.there, "p"),
            (NOMENCLATURE, True): Place(self.home, NOMENCLATURE, home, "s"),
            (NOMENCLATURE, False): Place(self.ledger, NOMENCLATURE, self.there, "g"),
        }
        for what in FIELDS:
            for number, here in ((1, True), (1, False), (2, True), (2, False), (3, True)):
                self.edit((what, "name"), here, number, 0)
        self.look()

    def teardown(self):
        try:
            self.settle()
            checking.check(self)
        finally:
            self.holding.__exit__(None, None, None)
            self.patch.undo()

    # what people do
    @rule(edits=st.lists(edit, min_size=1, max_size=4), how=how, cut=cut)
    def edit_and_run(self, edits, how, cut):
        """Some edits on both sides; then all is read and a run goes through, or not quite."""
        for one in edits:
            self.edit(*one)
        self.look()
        if how == "meddled":
            self.somebody_is_faster(edits[0])
        elif how == "cut":
            cut_at(self.engine, cut, self.sync)
        else:
            getattr(self, how)()

    def edit(self, field, here, number, value):
        """The staff of a side change a thing, make it, or delete it."""
        what, name = field
        place = self.places[what, here]
        one = place.find(what, number)
        clock.advance(timedelta(minutes=1))
        if value == GONE:
            place.things.pop(one, None)
            return
        standard = {} if one in place.things else _standard(what, number)
        if standard and not here and self.may_be_made(standard[KEY[what]]):
            return  # nobody can know: who makes the same by hand just then has it twice
        place.system.put(place.stream, one, **{**standard, name: FIELDS[what][name][value].format(number)})

    def may_be_made(self, key):
        """Whether the hub has asked for it, and has heard no answer."""
        with transaction(self.engine) as session:
            makes = session.scalars(select(Push).where(Push.link_id.is_(None), Push.state != "done"))
            asked = [one for one in makes if one.state == "sent" or one.attempts > 1]
            return any(key and key in one.fields.values() for one in asked)

    @rule(pick=st.integers(0, 9), side=st.sampled_from(("ours", "theirs", None)))
    def decide(self, pick, side):
        with contextlib.suppress(BadInput), transaction(self.engine) as session:
            waiting = conflicts.waiting(session)
            if waiting:
                decisions.decide(session, [waiting[pick % len(waiting)].id], side, "anna")

    @rule(pick=st.integers(0, 9), same=st.booleans())
    def say(self, pick, same):
        """A person says whether the two of a doubtful pair are the same."""
        with contextlib.suppress(BadInput), transaction(self.engine) as session:
            waiting = conflicts.doubtful(session)
            if waiting:
                decisions.pair(session, waiting[pick % len(waiting)]["id"], same, "anna")

    @rule(pick=st.integers(0, 9))
    def undo(self, pick):
        kinds = (runs.KIND, decisions.KIND)
        with contextlib.suppress(BadInput), transaction(self.engine) as session:
            query = select(Operation.id).where(Operation.kind.in_(kinds), Operation.state == "done")
            done = session.scalars(query.order_by(Operation.id)).all()
            if done:
                undo.undo(session, done[pick % len(done)], "anna")

    @rule()
    def retry(self):
        """What the ledger refused is tried again."""
        with transaction(self.engine) as session:
            for one in session.scalars(select(Problem.id).where(Problem.area == "push")).all():
                with contextlib.suppress(BadInput):
                    problems.retry(session, one)

    # what the hub does
    def look(self):
        """Both sides are read; what was read becomes cards and products."""
        clock.advance(timedelta(minutes=1))
        for place in self.places.values():
            with transaction(self.engine) as session:
                raws = list(place.raws(session))
                landing.land(
                    session, place.connection, place.stream, raws, "pull", read_at=clock.now()
                )  # fmt: skip
        self.resolve()

    def resolve(self):
        while resolve.resolve(self.engine):
            pass

    def sync(self):
        """A person plans and applies, whatever the guard says."""
        self.start()
        self.work()

    def start(self):
        with contextlib.suppress(BadInput), transaction(self.engine) as session:
            made = plan.make(session, self.there)
            runs.start(session, made.id, "anna")

    def runs_by_itself(self):
        """Without a person nothing changes that would change much."""
        self.work()
        with transaction(self.engine) as session:
            made = plan.make(session, self.there)
            much = checking.much(self, session, plan.changes(session, made.id), FEW, MOST)
            assert (made.state == "waiting") == much, made.guard
            before = session.query(Operation).count()
            jobs.enqueue(session, "sync.directory.check", {"connection": str(self.there)}, key="check")
        self.work()
        with transaction(self.engine) as session:
            assert not much or session.query(Operation).count() == before

    def answer_is_lost(self):
        """A side has written, and nobody hears of it."""
        self.home.after_write = self.ledger.after_write = self.die
        with contextlib.suppress(Killed):
            self.sync()
        self.die(quietly=True)

    def die(self, quietly=False):
        self.home.after_write = self.ledger.after_write = lambda: None
        if not quietly:
            raise Killed

    def somebody_is_faster(self, edit):
        """A side's staff change what stands there between the decision and the call."""
        (what, name), here, number, value = edit
        place = self.places[what, here and what == NOMENCLATURE]

        def faster():
            place.system.before_write = lambda: None
            if place.find(what, number) in place.things:
                self.edit((what, name), place is self.places[what, True], number, value)

        place.system.before_write = faster
        self.sync()
        place.system.before_write = lambda: None

    def is_away(self):
        self.fail(Temporary("the ledger is away"), once=True)

    def refuses(self):
        self.fail(BadInput("that can't be right", "name"))

    def fail(self, error, once=False):
        self.ledger.fail = [error]
        self.start()
        self.work(once)
        self.ledger.fail = []

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
        """Nobody edits anything any more: a few rounds and all is quiet."""
        self.work()
        for _round in range(5):
            self.retry()
            self.look()
            self.sync()
        self.look()
