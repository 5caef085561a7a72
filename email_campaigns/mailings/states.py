"""The states of a mailing and the legal moves between them, in one table that every change goes through."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from email_campaigns.tables import Mailing
from foundation.errors import BadInput
from foundation.text import _

# state -> act -> the state after it
MOVES: Mapping[str, Mapping[str, str]] = {
    "draft": {"start": "freezing", "schedule": "scheduled"},
    "scheduled": {"change": "draft", "due": "freezing", "ask": "asking", "cancel": "cancelled"},
    "freezing": {"frozen": "sending", "empty": "done", "ask": "asking", "cancel": "cancelled"},
    "sending": {"pause": "paused", "finish": "done", "ask": "asking", "cancel": "cancelled"},
    "paused": {"resume": "sending", "ask": "asking", "cancel": "cancelled"},
    "asking": {"send": "freezing", "go_on": "sending", "change": "draft", "cancel": "cancelled"},
    "done": {},
    "cancelled": {},
}
STATES = tuple(MOVES)
STARTED = ("sending", "paused", "done")  # has rows in the ledger, unless nobody was in the audience
_FROZEN_ONLY, _UNFROZEN_ONLY = frozenset({"go_on"}), frozenset({"send", "change"})


def may(mailing: Mailing, act: str) -> bool:
    """Whether an act is legal now; once its audience is frozen a mailing never restarts."""
    if act not in MOVES[mailing.state]:
        return False
    frozen = mailing.started_at is not None
    return not ((act in _FROZEN_ONLY and not frozen) or (act in _UNFROZEN_ONLY and frozen))


def held(session: Session, mailing_id: UUID) -> Mailing:
    """The mailing as it is now, locked until the transaction ends; `BadInput` when there is none."""
    found = session.get(Mailing, mailing_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise BadInput(_("There is no such mailing."), "mailing")
    return found


def move(session: Session, mailing: Mailing, act: str, reason: str = "", **values: Any) -> None:
    """Do one act of the table to a mailing that is `held`; `BadInput` says why it can't be done now."""
    if not may(mailing, act):
        said = _("“%(name)s” is %(state)s: this can't be done to it now.")
        raise BadInput(said % {"name": mailing.name, "state": words()[mailing.state]}, "state")
    mailing.state = MOVES[mailing.state][act]
    mailing.reason = reason
    for name, value in values.items():
        setattr(mailing, name, value)
    session.flush()


def words() -> dict[str, str]:
    """What the states are called."""
    return {
        "draft": _("draft"),
        "scheduled": _("scheduled"),
        "freezing": _("starting"),
        "sending": _("sending"),
        "paused": _("paused"),
        "asking": _("asking"),
        "done": _("done"),
        "cancelled": _("cancelled"),
    }
