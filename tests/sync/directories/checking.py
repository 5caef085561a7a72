"""What has to hold when all is quiet: both sides equal, nothing lost, nothing doubled, changes on record."""

from collections import Counter

from sqlalchemy import select, text

from foundation.database import transaction
from foundation.problems import OPEN
from foundation.tables import Problem
from sync.directories import plan
from sync.directories.merge import REASONS
from sync.directories.tables import Conflict, Directory, Link, Overwritten, Push

_CARDS = """
SELECT p.external_id, c.id, c.name, c.phone, c.city FROM profiles p JOIN customers c ON c.id = p.customer_id
WHERE p.source_id = :source AND p.kind <> 'guest'
"""


class Stand:
    """All that the hub has on record, and the machine it speaks of."""

    def __init__(self, machine, session):
        self.machine, self.session = machine, session
        self.what = {one.id: one.what for one in session.scalars(select(Directory))}
        self.links = {one.id: one for one in session.scalars(select(Link))}
        self.rows = session.scalars(select(Overwritten)).all()
        self.pushes = session.scalars(select(Push)).all()
        waiting = session.scalars(select(Conflict).where(Conflict.state == "waiting"))
        self.waiting = {(one.link_id, one.field) for one in waiting}
        products = session.execute(text("SELECT id, external_id, source_id FROM products")).all()
        home = machine.places["nomenclature", True].connection
        self.goods = {row.id: row.external_id for row in products if row.source_id == home}
        self.makes = [one for one in self.pushes if one.link_id is None]

    def cards(self, here):
        """The card of each customer or counterparty, by its id there."""
        source = self.machine.places["counterparties", here].connection
        found = self.session.execute(text(_CARDS), {"source": source})
        return {row.external_id: row for row in found}

    def of(self, what, *states):
        """The links of a directory in some states."""
        return [
            one for one in self.links.values() if self.what[one.directory_id] == what and one.state in states
        ]


def check(machine):
    """All of it."""
    with transaction(machine.engine) as session:
        made = plan.make(session, machine.there)
        assert [row.detail for row in plan.changes(session, made.id)] == [], "it comes back as a change"
        assert [one for one in session.scalars(select(Problem)) if one.state in OPEN] == []
        stand = Stand(machine, session)
        assert all(row.reason in REASONS for row in stand.rows)
        _written(stand)
        _made(stand)
        _marked(stand)
        _goods(stand)
        _cards(stand)
        session.rollback()


def much(machine, session, rows, few, most):
    """Whether these changes are more than a run may do unasked."""
    changed = Counter()
    for row in rows:
        acts = {one["act"] for one in row.detail.get("fields", ())}
        changed[row.what] += "make" in row.detail or bool(acts & {"take", "push"})
    known = {what: len(place.known(session)) for (what, here), place in machine.places.items() if not here}
    return any(
        max(number, known[what]) > few and number * 100 > known[what] * most
        for what, number in changed.items()
    )


def _written(stand):
    """Each write that arrived was asked for once, and what it replaced is recorded."""
    assert {push.state for push in stand.pushes} <= {"done", "overtaken", "cancelled"}
    machine, known = stand.machine, Counter()
    for row in stand.rows:
        link = stand.links[row.link_id]
        there = row.side == "there"
        one = link.external_id if there else stand.goods.get(link.local_id)
        if one is not None:
            known[row.side, one, row.field, row.was or "", row.now or ""] += 1
    for side, system in (("there", machine.ledger), ("here", machine.home)):
        goes = [push for push in stand.pushes if (push.connection_id == machine.there) == (side == "there")]
        assert len(system.keys) == sum(push.state == "done" for push in goes)
        done = Counter((side, *change) for change in system.written)
        assert not done - known, "overwritten without a record"


def _made(stand):
    """What only we have stands there once, whatever was cut or repeated."""
    machine = stand.machine
    done = Counter(push.local_id for push in stand.makes if push.state == "done")
    assert all(number == 1 for number in done.values()), "made twice"
    things = machine.ledger.things
    for what, key in (("counterparties", "email"), ("nomenclature", "sku")):
        apart = {link.external_id for link in stand.of(what, "refused")}  # a person wanted another one
        found = Counter(
            thing[key] for one, thing in things[what].items() if thing.get(key) and one not in apart
        )
        assert all(number == 1 for number in found.values()), "it stood there already"
    paired = {one.local_id for one in stand.of("nomenclature", "linked", "made", "waiting")}
    for one, external_id in stand.goods.items():
        if external_id in machine.home.things["nomenclature"]:
            assert one in paired or one in done, "it was never made"


def _marked(stand):
    """What is gone is marked on its side, and nothing else is."""
    things, home = stand.machine.ledger.things, stand.machine.home.things["nomenclature"]
    for what in things:
        for link in stand.of(what, "linked", "made"):
            there = link.external_id in things[what]
            here = what == "counterparties" or stand.goods[link.local_id] in home
            told = (what, link.external_id, link.gone_there_at, link.gone_here_at)
            if there and here:
                assert link.gone_there_at is None and link.gone_here_at is None, told
            else:
                assert (link.gone_there_at is not None) >= (not there), told
                assert (link.gone_here_at is not None) >= (not here), told


def _goods(stand):
    """Both sides say the same of each pair, but for what waits for a person."""
    ours = stand.machine.home.things["nomenclature"]
    theirs = stand.machine.ledger.things["nomenclature"]
    for link in stand.of("nomenclature", "linked"):
        one, other = ours.get(stand.goods[link.local_id]), theirs.get(link.external_id)
        for name in ("name", "sku", "price"):
            if one and other and (link.id, name) not in stand.waiting:
                assert one.get(name, "") == other.get(name, ""), (link.external_id, name)


def _cards(stand):
    """The card says what the ledger says; what a customer says otherwise is on record as set aside."""
    theirs, ours = stand.cards(False), stand.cards(True)
    customers = stand.machine.places["counterparties", True].things
    said = {(row.link_id, row.side, row.field, row.was) for row in stand.rows}
    for link in stand.of("counterparties", "linked"):
        party = stand.machine.ledger.things["counterparties"].get(link.external_id)
        card = theirs.get(link.external_id)
        if party is None or card is None or Counter(one.id for one in theirs.values())[card.id] > 1:
            continue
        mine = [customers[one] for one, row in ours.items() if row.id == card.id and one in customers]
        for name in ("name", "phone", "city"):
            if (link.id, name) in stand.waiting:
                continue
            told = (link.external_id, name, party.get(name), getattr(card, name), mine)
            assert (party.get(name) or None) == (getattr(card, name) or None), told
            if len(mine) == 1:
                value = mine[0].get(name)
                assert value in (None, party.get(name)) or (link.id, "here", name, value) in said, told
