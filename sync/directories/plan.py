"""Plans: every change a run would make, with its reason, counted, guarded, and held to a hash."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from foundation import clock
from foundation.database import copy_rows
from foundation.errors import BadInput
from sync.directories import invoicing, keeping, making, pairs, reading
from sync.directories.deciding import COUNTS, Planned, plan_pair
from sync.directories.pairs import Setting
from sync.directories.tables import DirectoryPlan, PlannedPair

AT_ONCE = 1_000  # planned pairs in memory
_COLUMNS = ("plan_id", "number", "directory_id", "local_id", "external_id", "title", "detail")
FEW = 20  # in a directory of no more than these any share may change
_encode = msgspec.json.Encoder(order="sorted").encode
_UNHASHED = ("ours_at", "theirs_at", "proposed")  # times move without anything else having moved


class Seen:
    """What building a plan comes to: counts in all, the hash so far, and directories that ask."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.guards: list[str] = []
        self.digest = hashlib.blake2b(digest_size=16)
        self.coming: set[UUID] = set()  # what of ours the plan makes there, or pairs with what is there

    def take(self, one: Planned) -> None:
        """Put one planned pair into the hash, unless it only says what waits and why."""
        if "waits" in one.detail:
            return
        sure = "make" in one.detail or one.detail.get("match", {}).get("sure")
        if sure and one.local_id is not None:
            self.coming.add(one.local_id)
        fields = one.detail.get("fields", ())
        told = [{name: field[name] for name in field if name not in _UNHASHED} for field in fields]
        detail = {name: said for name, said in one.detail.items() if "version" not in name}
        self.digest.update(
            _encode([one.directory_id, one.local_id, one.external_id, {**detail, "fields": told}])
        )


def make(session: Session, connection_id: UUID) -> DirectoryPlan:
    """Compare all directories of a connection and keep what a run would do."""
    plan = DirectoryPlan(connection_id=connection_id, hash="", made_at=clock.now())
    session.add(plan)
    session.flush()
    return _fill(session, plan)


def renew(session: Session, plan: DirectoryPlan) -> None:
    """Make a plan that nobody has looked at anew: what is planned now takes the place of what was."""
    session.execute(delete(PlannedPair).where(PlannedPair.plan_id == plan.id))
    _fill(session, plan)


def _fill(session: Session, plan: DirectoryPlan) -> DirectoryPlan:
    seen = Seen()
    planned = enumerate(build(session, plan.connection_id, seen))
    while portion := list(itertools.islice(planned, AT_ONCE)):  # reading and COPY can't be at once
        copy_rows(session, "planned_pairs", _COLUMNS, (_row(plan.id, *one) for one in portion))
    plan.hash, plan.guard, plan.made_at = seen.digest.hexdigest(), " ".join(seen.guards), clock.now()
    plan.counts = {name: seen.counts[name] for name in COUNTS}
    plan.state = "waiting" if plan.guard else "made"
    session.flush()
    return plan


def _row(plan_id: UUID, number: int, one: Planned) -> tuple[Any, ...]:
    detail = _encode(one.detail).decode()
    return plan_id, number, one.directory_id, one.local_id, one.external_id, one.title, detail


def build(session: Session, connection_id: UUID, seen: Seen) -> Iterator[Planned]:
    """What a run would do, pair by pair; `seen` has the sums when all were asked for."""
    for directory in keeping.of(session, connection_id):
        here = pairs.setting(session, directory)
        counts: Counter[str] = Counter()
        matched: set[UUID] = set()  # with something there, in this very plan
        for page in reading.read(session, here):
            for pair in page:
                if (pair.link is None or pair.anew) and pair.matched and pair.local_id:
                    matched.add(pair.local_id)
                planned = plan_pair(here, pair, counts)
                if planned is not None:
                    seen.take(planned)
                    yield planned
        if directory.what == "invoices":
            wanted = invoicing.wanted(session, here, counts, seen.coming)
        else:
            wanted = making.wanted(session, here, counts, matched)
        for planned in itertools.chain(making.lost(session, here, counts), wanted):
            seen.take(planned)
            yield planned
        seen.counts.update(counts)
        if guard := _guard(here, counts):
            seen.guards.append(guard)


def hash_now(session: Session, connection_id: UUID) -> str:
    """The hash that a plan made now would have."""
    seen = Seen()
    for _one in build(session, connection_id, seen):
        pass
    return seen.digest.hexdigest()


def find(session: Session, plan_id: UUID) -> DirectoryPlan:
    """A plan by its id; `BadInput` when there is none."""
    plan = session.get(DirectoryPlan, plan_id, with_for_update=True)
    if plan is None:
        raise BadInput(f"there is no plan {plan_id}", "plan")
    return plan


def changes(session: Session, plan_id: UUID, after: int = -1, limit: int = 200) -> list[Any]:
    """Planned pairs of a plan in their order."""
    query = text(
        "SELECT p.number, p.directory_id, p.local_id, p.external_id, p.title, p.detail, d.what"
        " FROM planned_pairs p JOIN directories d ON d.id = p.directory_id"
        " WHERE p.plan_id = :plan AND p.number > :after ORDER BY p.number LIMIT :limit"
    )
    return list(session.execute(query, {"plan": plan_id, "after": after, "limit": limit}))


def to_do(session: Session, plan_id: UUID) -> int:
    """How many pairs of a plan something is done about."""
    query = text("SELECT count(*) FROM planned_pairs WHERE plan_id = :plan AND detail -> 'waits' IS NULL")
    return int(session.scalar(query, {"plan": plan_id}) or 0)


def _guard(here: Setting, counts: Counter[str]) -> str:
    """Why a run should not go on by itself, or nothing."""
    changed, of = counts["changed"] + counts["made"], counts["pairs"]
    if max(changed, of) <= FEW or changed * 100 <= of * here.directory.most:
        return ""
    if changed > of:
        made, what = counts["made"], here.directory.what
        return f"This run would make {made} {what} there, where {of} are: waiting for you."
    share = max(changed * 100 // of, here.directory.most + 1)  # never what a run may change
    return f"This run would change {share} % of {here.directory.what}: waiting for you."
