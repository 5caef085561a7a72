"""What waits for a person in directories, as scripts list and decide it: fields, and pairs in doubt."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from console.api.asking import PAGING, Ask, Param, pack
from console.api.shapes import List, copied
from customers.undo import Undone
from foundation.errors import BadInput, Permanent
from sync.directories import conflicts, decisions
from sync.directories.tables import Link

CONFLICTS = (Param("directory", "id", "Only of this directory."), *PAGING)
MOST = 200  # conflicts of one decision: a page


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """A field that waits: what both had agreed on, what each says now, and what the newer one would win."""

    id: UUID
    directory_id: UUID
    title: str
    field: str
    base: str | None
    ours: str | None
    theirs: str | None
    ours_from: str
    ours_at: datetime | None
    theirs_at: datetime | None
    reason: str
    proposed: str
    found_at: datetime


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """Two that may be the same: by which key, and the value both have."""

    id: UUID
    directory_id: UUID
    directory: str
    local_id: UUID
    external_id: str
    ours: str
    theirs: str
    reason: str
    said: str


class Decide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which conflicts, and who wins them: `proposed` is each one's own proposal."""

    conflicts: list[UUID]
    side: Literal["ours", "theirs", "proposed"]


class Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the two are the same."""

    same: bool


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided: the operation that can be undone, and what was left alone and why."""

    operation_id: UUID
    title: str
    decided: int
    left_alone: list[str]


def waiting_conflicts(ask: Ask) -> List[Conflict]:
    """Fields that wait for a person, the oldest first."""
    edge = ask.cursor(UUID)
    rows = conflicts.waiting(
        ask.db, ask.query.get("directory"), after=edge[0] if edge else None, limit=ask.limit + 1
    )
    following = pack(str(rows[ask.limit - 1].id)) if len(rows) > ask.limit else None
    return List([copied(Conflict, one) for one in rows[: ask.limit]], following)


def decide_conflicts(ask: Ask) -> Decision:
    """Decide conflicts, one or many; what has moved since is left alone and named."""
    wanted: Decide = ask.read_body(Decide)
    if not 0 < len(wanted.conflicts) <= MOST:
        raise BadInput(f"name 1 to {MOST} conflicts", "/conflicts")
    side = None if wanted.side == "proposed" else wanted.side
    try:
        return _decision(decisions.decide(ask.db, wanted.conflicts, side, ask.actor))
    except BadInput as error:  # what was asked for is sound, but none of it waits any more
        raise Permanent(error.message) from error


def doubtful_pairs(ask: Ask) -> List[Doubt]:
    """Pairs that wait for a person to say whether the two are the same, the oldest first."""
    edge = ask.cursor(UUID)
    rows = conflicts.doubtful(ask.db, ask.limit + 1, after=edge[0] if edge else None)
    following = pack(str(rows[ask.limit - 1]["id"])) if len(rows) > ask.limit else None
    return List([_doubt(one) for one in rows[: ask.limit]], following)


def settle_pair(ask: Ask) -> Decision:
    """Say of a doubtful pair whether the two are the same; cards of the same become one."""
    wanted: Verdict = ask.read_body(Verdict)
    row = ask.row(Link)
    if row.state != "waiting":
        raise Permanent("Nothing of this pair waits any more.")
    return _decision(decisions.pair(ask.db, row.id, wanted.same, ask.actor))


def _decision(done: Undone) -> Decision:
    result = done.operation.result or {}
    return Decision(
        operation_id=done.operation.id, title=done.operation.title, decided=int(result.get("changed", 0)),
        left_alone=done.left_alone,
    )  # fmt: skip


def _doubt(row: dict[str, object]) -> Doubt:
    names = ("id", "directory_id", "local_id", "external_id", "ours", "theirs", "reason", "said")
    return msgspec.convert({"directory": row["what"], **{name: row[name] for name in names}}, Doubt)
