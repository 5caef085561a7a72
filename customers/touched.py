"""Word that something of customers changed, for whoever follows them (segments), in the same transaction.

`stats.refresh` and its like send it by themselves; who writes a timeline row or a consent without them calls
`touch`.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from foundation.clock import now
from foundation.wake import wake_after_commit

FOLLOWER = "segments.follow"  # the duty that looks
JOURNEYS = "journeys.follow"  # the duty that looks whether somebody enters or goes on in a journey
# the first part of a statement that changes customers `:ids`, so that telling costs no statement of its own
TELL = (
    "told AS (INSERT INTO segment_touched (customers, what, at) VALUES (CAST(:ids AS uuid[]), '', :told_at))"
)
ARRIVALS = "sync.dedupe.arrivals"  # the duty that matches profiles as they arrive
_TELL_PROFILES = text("INSERT INTO profiles_touched (cards, at) VALUES (:cards, :at)")
_TOUCH = text("INSERT INTO segment_touched (customers, what, at) VALUES (:ids, :what, :at)")


def wake_followers(session: Session) -> None:
    """Have them look after the commit, whoever wrote of it."""
    wake_after_commit(session, FOLLOWER)
    wake_after_commit(session, JOURNEYS)


def touch(session: Session, customers: Collection[UUID], what: str = "") -> None:
    """Have these customers looked at; `what` says whom it concerns: only segments that ask for that.

    That is a verb of theirs ("sent"), a field, or what narrows a condition down ("category", "letter"). With
    no customers, everybody is looked at by those segments: something that all share was renamed or changed.
    """
    if customers or what:
        session.execute(_TOUCH, {"ids": sorted(set(customers)), "what": what, "at": now()})
        wake_followers(session)


def touch_profiles(session: Session, cards: Collection[UUID]) -> None:
    """Have profiles of these cards matched: one came, changed, moved or went. Who ordered is kept anew."""
    if cards:
        session.execute(_TELL_PROFILES, {"cards": sorted(set(cards)), "at": now()})
        wake_after_commit(session, ARRIVALS)
