"""Plans of runs: everybody is read and compared, and what a run would do is kept, pair by pair."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from foundation.clock import now
from foundation.database import copy_rows
from foundation.text import _
from sync.dedupe import models, telling
from sync.dedupe.batch import Batch, Progress
from sync.dedupe.deciding import Decided, Deciding, Link
from sync.dedupe.people import People
from sync.dedupe.tables import MatchPair, MatchRun

MANY = 0.4  # of all cards: a run that takes away so many is asked for twice
FEW = 50  # cards that nobody needs to be warned of
_COLUMNS = (
    "run_id", "number", "cluster", "joins", "held", "left_id", "right_id", "left_hash", "right_hash", "bits",
    "evidence", "state", "reason",
)  # fmt: skip
_encode = msgspec.json.Encoder().encode


def make(session: Session, actor: str, progress: Progress = lambda *_: None) -> MatchRun:
    """A plan in one go; `read`, `compare` and `keep` are its parts, for whoever commits in between."""
    run = begin(session, actor)
    keep(session, run, compare(read(session, progress), progress))
    return run


def begin(session: Session, actor: str) -> MatchRun:
    """A run that is being planned, by the model in use."""
    run = MatchRun(actor=actor, model=models.current(session).version, phase="Reading")
    session.add(run)
    session.flush()
    return run


def read(session: Session, progress: Progress = lambda *_: None) -> People:
    """Everybody, for the model in use."""
    people = People(Batch(models.current(session)))
    people.fill(session, progress)
    return people


def compare(people: People, progress: Progress = lambda *_: None) -> Deciding:
    """Everybody compared; the long part, in which the database rests."""
    return Deciding(people, people.batch.weighed(progress))


def keep(session: Session, run: MatchRun, deciding: Deciding) -> Decided:
    """Decide and write down what the run would do; plans that were never carried out make room."""
    decided = deciding.decide(session)
    _forget(session, run)
    run.model = deciding.model.version
    digest = blake2b(digest_size=16)
    copy_rows(session, "match_pairs", _COLUMNS, _rows(run, deciding, decided, digest))
    cards, joined = decided.counts["cards"], decided.counts["joins"]
    run.hash, run.counts, run.state = digest.hexdigest(), decided.counts, "planned"
    run.total, run.done, run.phase, run.made_at = joined + decided.counts["asks"], 0, "", now()
    if joined > FEW and joined > MANY * cards:
        said = {"joined": f"{joined:,}", "cards": f"{cards:,}"}
        run.alarm = (
            _("%(joined)s of %(cards)s cards would go into others. Look at the examples first.") % said
        )
    session.flush()
    return decided


def _rows(run: MatchRun, deciding: Deciding, decided: Decided, digest: Any) -> Iterator[tuple[Any, ...]]:
    people, batch, number = deciding.people, deciding.batch, 0
    clusters = [(True, links) for links in decided.joins] + [(False, [link]) for link in decided.asks]
    for cluster, (joins, links) in enumerate(clusters):
        for link in links:
            told = _told(people, link)
            digest.update(repr((joins, *map(str, told[:2]), *told[2:])).encode())
            one, other = batch.records[link.one], batch.records[link.other]
            evidence = telling.evidence(batch.model, one, other, batch.counts, link.held)
            yield (
                run.id, number, cluster, joins, link.held, *told, link.bits, _encode(evidence).decode(),
                "planned", "",
            )  # fmt: skip
            number += 1


def _told(people: People, link: Link) -> tuple[Any, ...]:
    ends = link.one, link.other
    return *map(people.profile, ends), *map(people.mark, ends)


def _forget(session: Session, run: MatchRun) -> None:
    """Plans that nobody has carried out; each is replaced by the next."""
    old = session.scalars(
        select(MatchRun).where(
            MatchRun.state.in_(("planned", "planning", "failed", "replaced")), MatchRun.id != run.id
        )
    )
    for one in old:
        if one.operation_id is None and one.state != "planning":
            one.state = "replaced"
            session.execute(delete(MatchPair).where(MatchPair.run_id == one.id))
