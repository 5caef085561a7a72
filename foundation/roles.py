"""Who is there: the beat's role, which one process holds at a time, and a sign of life of each worker."""

from datetime import timedelta

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from foundation.clock import now
from foundation.database import transaction
from foundation.health import LIMIT

BEAT = "beat"
BURIED = 60.0  # seconds after which a silent worker's sign is taken down

_TAKE = text("""
    INSERT INTO leases (name, holder, token, until, ticked_at) VALUES (:name, :holder, 1, :until, :now)
    ON CONFLICT (name) DO UPDATE
    SET holder = :holder, until = :until, ticked_at = :now,
        token = leases.token + CASE WHEN leases.holder = :holder THEN 0 ELSE 1 END
    WHERE leases.holder = :holder OR leases.until < :now RETURNING token""")


def take(engine: Engine, name: str, holder: str) -> bool:
    """Take or keep a role for `LIMIT` seconds; whether it is ours. Writes when a third of them is gone."""
    at = now()
    with engine.connect() as connection:
        row = connection.execute(
            text("SELECT holder, until FROM leases WHERE name = :name"), {"name": name}
        ).one_or_none()
    fresh = timedelta(seconds=LIMIT * 2 / 3)
    if row is not None and row.until > (at + fresh if row.holder == holder else at):
        return bool(row.holder == holder)
    values = {"name": name, "holder": holder, "until": at + timedelta(seconds=LIMIT), "now": at}
    with transaction(engine) as session:
        return session.execute(_TAKE, values).first() is not None


def leave(engine: Engine, name: str, holder: str) -> None:
    """Give a role back, so that the next one need not wait."""
    with transaction(engine) as session:
        session.execute(
            text("DELETE FROM leases WHERE name = :name AND holder = :holder"),
            {"name": name, "holder": holder},
        )


def bury(engine: Engine) -> None:
    """Take down the signs of workers that are long gone; the beat's own stays, as it must be missed."""
    with transaction(engine) as session:
        query = "DELETE FROM leases WHERE name LIKE 'worker:%' AND ticked_at < :before"
        session.execute(text(query), {"before": now() - timedelta(seconds=BURIED)})


def silent(session: Session, limit: float = LIMIT) -> list[str]:
    """The beat, when it has not been heard of for `limit` seconds, and the workers, when none of them has.

    One silent worker among others is no alarm: a worker with a dead thread ends itself and is started again.
    """
    query = """
        SELECT name FROM leases AS one
        WHERE ticked_at < :before AND (name = 'beat' OR name LIKE 'worker:%' AND NOT EXISTS (
            SELECT FROM leases AS other WHERE other.name LIKE 'worker:%' AND other.ticked_at >= :before))
        ORDER BY name"""
    return list(session.scalars(text(query), {"before": now() - timedelta(seconds=limit)}))
