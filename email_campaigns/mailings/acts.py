"""What a person does to a mailing under way: pause, resume, cancel; and the undo of its operation, which is
cancelling.

Each takes effect for every letter that isn't leaving at this moment.
"""

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from email_campaigns.delivery import ledger
from email_campaigns.mailings import freeze, states, store
from email_campaigns.mailings.start import KIND
from email_campaigns.tables import Mailing
from foundation import operations
from foundation.clock import now
from foundation.errors import BadInput
from foundation.tables import Operation
from foundation.text import _, ngettext
from foundation.wake import wake_after_commit

NAMED = 100  # addresses that had their letter already and are named
_LEFT = text(
    "SELECT address, count(*) OVER () FROM deliveries WHERE step = :step"
    " AND state IN ('handed_over', 'accepted', 'unknown') ORDER BY id LIMIT :most"
)


@dataclass
class Cancelled:
    """How many letters will not be sent, how many had left, and to whom (the first of them)."""

    ended: int
    left: int
    addresses: list[str] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """What can't be taken back, a sentence each."""
        said = [_("%s has the letter already.") % one for one in self.addresses]
        more = self.left - len(self.addresses)
        if more > 0:
            said.append(
                ngettext("%s other letter had left.", "%s other letters had left.", more) % f"{more:,}"
            )
        return said


def pause(session: Session, mailing_id: UUID, actor: str) -> None:
    """Send no more of it until somebody resumes it."""
    states.move(session, states.held(session, mailing_id), "pause", _("Paused by %s.") % actor)


def resume(session: Session, mailing_id: UUID) -> None:
    """Go on where it was paused."""
    states.move(session, states.held(session, mailing_id), "resume")
    wake_after_commit(session, ledger.DUTY)


def cancel(session: Session, mailing_id: UUID, actor: str) -> Cancelled:
    """End it for good: whoever has no letter yet gets none. Its operation counts as undone."""
    mailing = states.held(session, mailing_id)
    states.move(session, mailing, "cancel", _("Cancelled by %s.") % actor, finished_at=now())
    done = _stop(session, mailing)
    operation = session.get(Operation, mailing.operation_id) if mailing.operation_id else None
    if operation is not None and operation.state == "done":
        _undone(session, operation, actor, done)
    return done


def _stop(session: Session, mailing: Mailing) -> Cancelled:
    """Waits for a hand-over that is being written, so that what it answers is true."""
    ended = ledger.cancel(session, store.step(mailing.id)) + freeze.left(session, mailing.id)
    rows = session.execute(_LEFT, {"step": store.step(mailing.id), "most": NAMED}).all()
    return Cancelled(ended, rows[0][1] if rows else 0, [row[0] for row in rows])


def _undone(session: Session, operation: Operation, actor: str, done: Cancelled) -> None:
    operation.result = {
        **operation.result,
        "cancelled": done.ended,
        "sent": done.left,
        "left_alone": done.sentences(),
    }
    operations.mark_undone(session, operation, actor)


@operations.undoes(KIND)
def undo(session: Session, operation: Operation, actor: str) -> list[str]:
    """Cancel what has not left; names whom it can't be taken back from."""
    mailing = states.held(session, UUID(operation.args["mailing"]))
    if mailing.operation_id != operation.id or not states.may(mailing, "cancel"):
        said = _("“%(name)s” is %(state)s: nothing of it can be taken back.")
        raise BadInput(said % {"name": mailing.name, "state": states.words()[mailing.state]}, "operation")
    return cancel(session, mailing.id, actor).sentences()
