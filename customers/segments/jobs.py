"""Following and checking the members of segments; thin."""

from sqlalchemy import Engine

from customers.segments import checking, follow, membership
from customers.touched import FOLLOWER
from foundation.database import transaction
from foundation.jobs import beat, duty


@duty(FOLLOWER, every=5)
def follow_segments(engine: Engine) -> bool:
    """Bring members up to date for some customers; one worker at a time."""
    with transaction(engine) as session:
        return membership.alone(session) and follow.turn(session)


@beat("segments.check", every=24 * 3600)
def check_segments(engine: Engine) -> None:
    """Compare what is kept with a look at everybody, segment by segment."""
    checking.check_all(engine)
