"""Applying a plan: page by page, resumable, each overwritten value recorded with its reason.

What is to be written outside becomes a row of `pushes`; the base moves when it has arrived there.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from customers import merge, set_aside
from customers.set_aside import Entry
from foundation import clock
from foundation.clock import new_id
from foundation.database import GRAPH_LOCK, lock
from foundation.errors import BadInput
from foundation.tables import Operation
from sync.directories import conflicts
from sync.directories.tables import Directory, Link, Overwritten, Push

NAMED = 100  # left alone, named in the result


class Applier:
    """What one page does, in the caller's transaction."""

    def __init__(self, session: Session, operation: Operation) -> None:
        self.session, self.operation = session, operation
        self.counts: Counter[str] = Counter()
        self.left: list[str] = []
        self.aside: list[Entry] = []
        self.directories = {one.id: one for one in session.scalars(select(Directory))}
        self.links: dict[tuple[UUID, str], Link] = {}

    def page(self, rows: Sequence[Any]) -> None:
        """Apply some planned pairs."""
        lock(self.session, GRAPH_LOCK)
        ids = [row.external_id for row in rows if row.external_id]
        query = select(Link).where(Link.external_id.in_(ids)).order_by(Link.id).with_for_update()
        self.links = {(one.directory_id, one.external_id): one for one in self.session.scalars(query)}
        self._link([row for row in rows if "match" in row.detail])
        for row in rows:
            self._pair(row)
        self.session.flush()
        set_aside.write(self.session, self.aside)
        self.aside = []

    def _pair(self, row: Any) -> None:
        detail: dict[str, Any] = row.detail
        if "make" in detail:
            self._make(row, detail["make"])
            return
        if "waits" in detail:
            return
        link = self.links.get((row.directory_id, row.external_id))
        if link is None:
            self._leave(row, "it is no pair any more")
            return
        for side in detail.get("gone", ()):
            setattr(link, f"gone_{side}_at", clock.now())
            self.counts["gone"] += 1
        if detail.get("back"):
            link.gone_here_at = link.gone_there_at = None
        if "join" in detail:
            self._join(row, link, detail["join"])
        if link.state == "linked":
            self._fields(row, link, detail)

    def _make(self, row: Any, said: dict[str, Any]) -> None:
        directory = self.directories[row.directory_id]
        self.session.add(
            Push(
                connection_id=directory.connection_id, directory_id=directory.id, local_id=row.local_id,
                stream=directory.stream, fields=said, operation_id=self.operation.id,
            )
        )  # fmt: skip
        self.counts["made"] += 1

    def _link(self, rows: Sequence[Any]) -> None:
        """Make pairs of those that met for the first time, or better than before."""
        for row in rows:
            link, match = self.links.get((row.directory_id, row.external_id)), row.detail["match"]
            if link is not None and link.state in ("waiting", "refused") and match["sure"]:
                link.local_id, link.state, link.operation_id = row.local_id, "linked", self.operation.id
                link.reason, link.said, link.linked_at = match["by"], match["value"], clock.now()
                self.counts["linked"] += 1
        fresh = [
            {
                "id": new_id(), "directory_id": row.directory_id, "local_id": row.local_id,
                "external_id": row.external_id, "state": "linked" if match["sure"] else "waiting",
                "reason": match["by"], "said": match["value"], "base": {}, "here": {}, "there": {},
                "operation_id": self.operation.id, "linked_at": clock.now(),
            }
            for row in rows
            if (row.directory_id, row.external_id) not in self.links and (match := row.detail["match"])
        ]  # fmt: skip
        if not fresh:
            return
        made = insert(Link).values(fresh).on_conflict_do_nothing().returning(Link)
        for link in self.session.scalars(made):
            self.links[link.directory_id, link.external_id] = link
            self.counts[link.state] += 1

    def _join(self, row: Any, link: Link, card: str | None) -> None:
        """What we made there came in as a card of its own: it is the card that it was made of."""
        link.state = "linked"
        if card is None:
            return
        try:
            merge.merge(self.session, UUID(card), row.local_id, self.operation.actor)
        except BadInput as error:
            link.state = "waiting"
            self._leave(row, str(error))
        else:
            self.counts["joined"] += 1

    def _fields(self, row: Any, link: Link, detail: dict[str, Any]) -> None:
        out: dict[str, dict[str, Any]] = {"there": {}, "here": {}}
        for field in detail.get("fields", ()):
            name = field["field"]
            if link.here.get(name, link.base.get(name)) != field["base"]:
                self._leave(row, f"{name} has moved since the plan")
            elif field["act"] == "agree":
                agree(link, name, field["theirs"])
                self.counts["agreed"] += 1
            elif field["act"] == "conflict":
                conflicts.meet(self.session, row, link, field)
                self.counts["conflicts"] += 1
            elif field["act"] == "push":
                out["there"][name] = field
            elif self.directories[link.directory_id].home_id is not None:
                out["here"][name] = field
            else:
                self._take(link, field)
        conflicts.settle(self.session, link, detail.get("settles", ()))
        for side, fields in out.items():
            if fields:
                self._push(link, side, fields, detail)

    def _take(self, link: Link, field: dict[str, Any]) -> None:
        """The card has the value already, as one of its profiles does; what others say of it is set aside."""
        take(self.session, self.operation.id, link, field, self.aside)
        self.counts["taken"] += 1

    def _push(self, link: Link, side: str, fields: dict[str, dict[str, Any]], detail: dict[str, Any]) -> None:
        push(self.session, self.operation.id, self.directories[link.directory_id], link, side, fields, detail)
        self.counts["pushed" if side == "there" else "taken"] += len(fields)

    def _leave(self, row: Any, why: str) -> None:
        self.counts["left"] += 1
        if len(self.left) < NAMED:
            self.left.append(f"{row.title or row.external_id}: {why}")


def agree(link: Link, name: str, value: str | None, forms: Mapping[str, str | None] | None = None) -> None:
    """Both sides have agreed on a value; `forms` names the sides that keep it in another form."""
    link.base = {**link.base, name: value}
    for side in ("here", "there"):
        kept = {field: said for field, said in getattr(link, side).items() if field != name}
        setattr(link, side, kept | ({name: forms[side]} if forms and side in forms else {}))


def take(
    session: Session, operation_id: UUID, link: Link, field: dict[str, Any], aside: list[Entry]
) -> None:  # fmt: skip
    """A card takes their value: recorded, and the values of others to be set aside collected."""
    name = field["field"]
    session.add(
        Overwritten(
            operation_id=operation_id, link_id=link.id, side="here", field=name, was=field["ours"],
            now=field["theirs"], base=link.base.get(name), known=name in link.base, reason=field["reason"],
            profiles=[one for one, _value in field["asides"]],
        )
    )  # fmt: skip
    aside.extend((UUID(one), name, value) for one, value in field["asides"])
    agree(link, name, field["theirs"])


def leave(session: Session, operation_id: UUID, link: Link, field: dict[str, Any]) -> None:
    """A person lets two values stand beside each other: that is what both sides have agreed on."""
    name = field["field"]
    session.add(
        Overwritten(
            operation_id=operation_id, link_id=link.id, side="here", field=name, was=field["ours"],
            now=field["theirs"], base=link.base.get(name), known=name in link.base, reason="kept",
        )
    )  # fmt: skip
    agree(link, name, field["theirs"], {"here": field["ours"]})


def push(
    session: Session, operation_id: UUID, directory: Directory, link: Link, side: str,
    fields: dict[str, dict[str, Any]], detail: dict[str, Any],
) -> Push:  # fmt: skip
    """Values on their way into a side: one row, and one for each value that they replace."""
    there = side == "there"
    new, old = ("ours", "theirs") if there else ("theirs", "ours")
    row = Push(
        id=new_id(), directory_id=directory.id, link_id=link.id, local_id=link.local_id,
        connection_id=directory.connection_id if there else directory.home_id,
        stream=directory.stream if there else directory.home_stream,
        external_id=link.external_id if there else detail["home"],
        version=detail["version" if there else "home_version"],
        fields={name: field[new] for name, field in fields.items()}, operation_id=operation_id,
    )  # fmt: skip
    session.add(row)
    session.add_all(
        Overwritten(
            operation_id=operation_id, link_id=link.id, side=side, field=name, was=field[old],
            now=field[new], base=link.base.get(name), known=name in link.base, reason=field["reason"],
            push_id=row.id,
        )
        for name, field in fields.items()
    )  # fmt: skip
    return row


def waiting(session: Session, operation_id: UUID) -> list[UUID]:
    """The connections into which something of an operation is on its way."""
    query = text(
        "SELECT DISTINCT connection_id FROM pushes WHERE operation_id = :id AND state IN ('waiting', 'sent')"
    )
    return list(session.scalars(query, {"id": operation_id}))
