"""What people decide: conflicts one by one or in bulk, and whether two are a pair. Each is an operation."""

from collections.abc import Collection, Sequence
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from customers import graph, merge, set_aside
from customers.set_aside import Entry
from customers.undo import Undone
from foundation import clock, operations
from foundation.database import GRAPH_LOCK, lock
from foundation.errors import BadInput
from sync.directories import apply, pushing, reading
from sync.directories.pairs import Pair, Setting
from sync.directories.tables import Conflict, Directory, Link

KIND = "directory.decision"
Side = Literal["ours", "theirs"]


def decide(session: Session, ids: Collection[UUID], side: Side | None, actor: str) -> Undone:
    """Decide conflicts that wait, for a side or (None) as each proposes; an operation that can be undone.

    What has moved since it was shown is left alone and named: the next run shows it anew.
    """
    if side not in ("ours", "theirs", None):
        raise BadInput(f"“{side}” is no side; ours or theirs", "side")
    lock(session, GRAPH_LOCK)
    query = select(Conflict).where(Conflict.id.in_(list(ids)), Conflict.state == "waiting")
    found = list(session.scalars(query.order_by(Conflict.id).with_for_update()))
    if not found:
        raise BadInput("None of these conflicts waits any more.", "conflicts")
    title = f"Conflicts decided: {len(found)}"
    if len(found) == 1:
        title = f"Conflict decided: {found[0].title}, {found[0].field}"
    operation = operations.begin(
        session, KIND, title, actor, {"side": side, "conflicts": [str(i) for i in ids]}
    )
    links = {one.id: one for one in _links(session, [conflict.link_id for conflict in found])}
    pairs = reading.of_links(session, links.values())
    aside: list[Entry] = []
    left = []
    for link_id in links:
        mine = [one for one in found if one.link_id == link_id]
        left += _decide_pair(session, operation.id, links[link_id], pairs.get(link_id), mine, side, aside)
        for one in mine:
            if one.state == "decided":
                one.decided_by, one.decided_at, one.operation_id = actor, clock.now(), operation.id
    session.flush()
    set_aside.write(session, aside)
    operations.finish(session, operation, {"changed": len(found) - len(left), "left_alone": left})
    for connection_id in apply.waiting(session, operation.id):
        pushing.enqueue(session, connection_id)
    return Undone(operation, left)


def _links(session: Session, ids: Sequence[UUID]) -> list[Link]:
    query = select(Link).where(Link.id.in_(ids)).order_by(Link.id).with_for_update()
    return list(session.scalars(query))


def _decide_pair(
    session: Session, operation_id: UUID, link: Link, there: tuple[Setting, Pair] | None,
    conflicts: list[Conflict], side: Side | None, aside: list[Entry],
) -> list[str]:  # fmt: skip
    """Decide conflicts of one pair; answers what was left alone."""
    if there is None or there[1].busy or there[1].several or link.state != "linked":
        return [f"{one.title}, {one.field}: something about it is on its way" for one in conflicts]
    here, pair = there
    left, out = [], {"there": dict[str, Any](), "here": dict[str, Any]()}
    for one in conflicts:
        ours, theirs = pair.ours.get(one.field), pair.theirs.get(one.field)
        now = (ours.value if ours else None, theirs.value if theirs else None)
        chosen = side or one.proposed
        if now != (one.ours, one.theirs):
            left.append(f"{one.title}, {one.field}: it has changed since")
            continue
        if not _writable(here, pair, one.field, chosen):
            left.append(f"{one.title}, {one.field}: that side of it can't be written")
            continue
        told = {"field": one.field, "ours": one.ours, "theirs": one.theirs, "reason": "person"}
        one.state, one.decision = "decided", chosen
        if chosen == "ours":
            out["there"][one.field] = told
        elif here.lasting:
            apply.leave(session, operation_id, link, told)
        elif not here.card:
            out["here"][one.field] = told
        else:
            asides = [list(said) for said in pair.asides.get(one.field, ()) if said[1] != one.theirs]
            apply.take(session, operation_id, link, {**told, "asides": asides}, aside)
    detail = {"version": pair.version, "home": pair.home, "home_version": pair.home_version}
    for where, fields in out.items():
        if fields:
            apply.push(session, operation_id, here.directory, link, where, fields, detail)
    return left


def _writable(here: Setting, pair: Pair, name: str, chosen: str) -> bool:
    """Whether the losing side can be written, or may keep what it has."""
    if chosen == "ours":
        return name in here.writes_there and not pair.fixed
    return here.lasting or here.writes_here is None or name in here.writes_here


def pair(session: Session, link_id: UUID, same: bool, actor: str) -> Undone:
    """Say of two that were thought to be the same whether they are; cards of the same become one."""
    lock(session, GRAPH_LOCK)
    link = session.get(Link, link_id, with_for_update=True)
    if link is None or link.state != "waiting":
        raise BadInput("Nothing of this pair waits any more.", "pair")
    directory = session.get_one(Directory, link.directory_id)
    title = f"{'A pair confirmed' if same else 'No pair'}: {link.said or link.external_id}"
    args = {"link": str(link.id), "was": link.state, "same": same}
    operation = operations.begin(session, KIND, title, actor, args)
    link.state = "linked" if same else "refused"
    if same and directory.what == "counterparties":
        [(_here, there)] = reading.of_links(session, [link]).values()
        if there.local_id is not None and there.local_id != graph.survivor(session, link.local_id):
            joined = merge.merge(session, link.local_id, there.local_id, actor)
            operation.args = {**args, "merge": str(joined.id)}
    operations.finish(session, operation, {"changed": 1})
    return Undone(operation, [])
