"""Taking back what a run or a decision did: values return on both sides unless somebody touched them since.

What was undone waits for a person afterwards, so that the next run doesn't do it again. Objects that were
made there stay: nothing is ever deleted there.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from customers import merge, set_aside
from customers.set_aside import Entry
from customers.undo import Undone
from foundation import operations, problems
from foundation.database import GRAPH_LOCK, lock
from foundation.tables import Operation
from sync.directories import apply, conflicts, decisions, jobs, making, pushing, reading
from sync.directories.pairs import Pair
from sync.directories.tables import Link, Overwritten, Push
from sync.undo import undoes

_WAY = "it is on its way"
_MADE = {"done": "it was made there and stays", "sent": _WAY, "waiting": _WAY}


@undoes(jobs.KIND)
@undoes(decisions.KIND)
def undo(session: Session, operation: Operation, actor: str) -> Undone:
    """Take a run of directories or a decision back."""
    lock(session, GRAPH_LOCK)
    undoing = Undoing(session, operation, actor)
    undoing.run()
    left = undoing.left
    operation.result = {
        **operation.result,
        "undo": {"back": undoing.back, "left": len(left)},
        "left_alone": left[:100],
    }
    operations.mark_undone(session, operation, actor)
    for connection_id in apply.waiting(session, operation.id):
        pushing.enqueue(session, connection_id)
    return Undone(operation, left)


class Undoing:
    """What an undo looks at: the values that the operation replaced, the newest first, and their pairs."""

    def __init__(self, session: Session, operation: Operation, actor: str) -> None:
        self.session, self.operation, self.actor = session, operation, actor
        query = select(Overwritten).where(Overwritten.operation_id == operation.id)
        self.rows = list(session.scalars(query.order_by(Overwritten.id.desc())))
        # pushes before links, as whoever sends them does
        sent = select(Push).where(Push.operation_id == operation.id).order_by(Push.place).with_for_update()
        self.pushes = {one.id: one for one in session.scalars(sent)}
        made = select(Link).where(Link.operation_id == operation.id, Link.state.in_(("linked", "made")))
        self.made = {one.id: one for one in session.scalars(made.order_by(Link.id).with_for_update())}
        ids = {one.link_id for one in self.rows}
        touched = select(Link).where(Link.id.in_(ids)).order_by(Link.id).with_for_update()
        self.links = {one.id: one for one in session.scalars(touched)}
        self.pairs = reading.of_links(session, self.links.values())
        self.back, self.left = 0, list[str]()
        self.aside: list[Entry] = []
        self.out: dict[tuple[UUID, str], dict[str, dict[str, Any]]] = {}

    def run(self) -> None:
        """Put back what can be."""
        for push in self.pushes.values():
            if push.state == "waiting" and push.attempts < 2:  # no answer was lost
                push.state = "cancelled"
                problems.settle(self.session, f"push:{push.id}")
            elif push.link_id is None and push.state in _MADE:
                self.left.append(f"{_title(push)}: {_MADE[push.state]}")
        for row in self.rows:
            self._row(row, self.links[row.link_id])
        self._push_back()
        self.session.flush()
        set_aside.write(self.session, self.aside)
        for link in self.made.values():
            link.state = "waiting"
            link.base, link.here, link.there = {}, {}, {}
            self.back += 1
        if link_id := self.operation.args.get("link"):
            self._open_again(self.session.get_one(Link, UUID(link_id), with_for_update=True))
        if merged := self.operation.args.get("merge"):
            self._part(UUID(merged))

    def _open_again(self, link: Link) -> None:
        """A pair that was confirmed or refused waits again, unless something was built on that since."""
        args = self.operation.args
        if link.state != ("linked" if args["same"] else "refused"):
            self.left.append(f"{link.said or link.external_id}: it has changed since")
        elif not args["same"] and making.partner(self.session, link):
            self.left.append(
                f"{link.said or link.external_id}: what is ours has another partner there by now"
            )
        else:
            link.state = args["was"]
            self.back += 1

    def _part(self, merged: UUID) -> None:
        """Part the cards that a confirmed pair made one, unless somebody has done so already."""
        if operations.find(self.session, merged).state == "done":
            self.left += merge.undo(self.session, merged, self.actor).left_alone

    def _row(self, row: Overwritten, link: Link) -> None:
        here, pair = self.pairs.get(link.id, (None, None))
        push = self.pushes.get(row.push_id) if row.push_id else None
        title = f"{pair.title if pair else link.external_id}, {row.field}"
        if push is not None and push.state in ("failed", "overtaken"):
            return
        if here is None or pair is None:
            self.left.append(f"{title}: it is no pair any more")
            return
        if push is not None and push.state in ("sent", "waiting"):
            self.left.append(f"{title}: {_WAY}")
            return
        if push is not None and push.state == "done" and here.lasting:
            self.left.append(f"{title}: nobody knows the lines it had before")
            return
        if push is not None and push.state == "done":
            if not self._untouched(row, link, pair):
                self.left.append(f"{title}: it has changed since")
                return
            names = ("ours", "theirs") if row.side == "there" else ("theirs", "ours")
            told = {names[0]: row.was, names[1]: row.now, "reason": "undone"}
            self.out.setdefault((link.id, row.side), {})[row.field] = told
        elif push is None:
            if link.base.get(row.field) != row.now or not self._untouched(row, link, pair):
                self.left.append(f"{title}: it has changed since")
                return
            self.aside.extend((UUID(one), row.field, None) for one in row.profiles)
            self._forget(row, link)
        self.back += 1
        if link.id not in self.made:
            self._hold(row, link, pair)

    def _untouched(self, row: Overwritten, link: Link, pair: Pair) -> bool:
        """Whether both sides still say what the operation made of it."""
        ours, theirs = pair.ours.get(row.field), pair.theirs.get(row.field)
        here = ours.value if ours else None
        there = theirs.value if theirs else None
        if pair.busy or there != link.there.get(row.field, row.now):
            return False
        silent = row.side == "here" and row.push_id is None and here is None
        return silent or here == link.here.get(row.field, row.now)

    def _push_back(self) -> None:
        """One push a side of each pair: a second one would find another version than it was decided on."""
        for (link_id, side), fields in self.out.items():
            here, pair = self.pairs[link_id]
            detail = {"version": pair.version, "home": pair.home, "home_version": pair.home_version}
            link = self.links[link_id]
            apply.push(self.session, self.operation.id, here.directory, link, side, fields, detail)

    def _forget(self, row: Overwritten, link: Link) -> None:
        """The base is what it was."""
        apply.agree(link, row.field, row.base)
        if not row.known:
            link.base = {name: said for name, said in link.base.items() if name != row.field}

    def _hold(self, row: Overwritten, link: Link, pair: Pair) -> None:
        """A person is asked before anything is done about it again."""
        told = {
            "field": row.field, "base": row.base, "reason": "undone", "proposed": "theirs",
            "ours": row.was if row.side == "here" else row.now,
            "theirs": row.now if row.side == "here" else row.was,
        }  # fmt: skip
        conflicts.meet(self.session, pair, link, told)


def _title(push: Push) -> str:
    """What was made there, as people know it."""
    return push.fields.get("name") or push.fields.get("number") or push.external_id
