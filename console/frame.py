"""What stands around every page: the rooms with what waits in them, and what is running now. One query."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session
from starlette.requests import Request

from console.tables import User, UserSession
from foundation.text import _

MOST = 999  # a badge counts this far and then says "more"

_FRAME = text(
    """
    SELECT
      (SELECT count(*) FROM (SELECT FROM duplicates WHERE state = 'waiting' LIMIT :most + 1) d) AS duplicates,
      (SELECT count(*) FROM (SELECT FROM problems WHERE state = 'open' LIMIT :most + 1) p) AS problems,
      (SELECT count(*) FROM connections WHERE state = 'active' AND failures > 0) AS connections,
      (SELECT jsonb_agg(jsonb_build_object('id', r.id, 'kind', r.kind, 'name', s.name, 'read', r.read,
                                           'total', r.total) ORDER BY r.started_at DESC)
         FROM sync_runs r JOIN sources s ON s.id = r.connection_id
        WHERE r.state = 'running') AS running
    """
)


def rooms() -> list[tuple[str, str, str, str]]:
    """Key, address, name and icon of each room that exists."""
    return [
        ("overview", "/", _("Overview"), "overview"),
        ("customers", "/customers", _("Customers"), "customers"),
        ("duplicates", "/duplicates", _("Duplicates"), "duplicates"),
        ("connections", "/connections", _("Connections"), "connections"),
        ("problems", "/problems", _("Problems"), "problems"),
        ("operations", "/operations", _("Operations"), "operations"),
        ("settings", "/settings", _("Settings"), "settings"),
    ]


def done(read: int, total: int | None) -> int | None:
    """Percent done, or None when the source doesn't say how much there is."""
    return min(99, read * 100 // total) if total else None


def context(db: Session, request: Request, user: User | None, kept: UserSession | None) -> dict[str, Any]:
    """Names the layout needs; before sign-in there is no query."""
    shown: dict[str, Any] = {
        "theme": request.cookies.get("theme", ""),
        "path": request.url.path,
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "signed_in": user is not None,
    }
    if user is None or kept is None:
        return shown
    row: Row[Any] = db.execute(_FRAME, {"most": MOST}).one()
    running = [
        {**run, "id": UUID(run["id"]), "done": done(run["read"], run["total"])} for run in row.running or []
    ]
    due = {"duplicates": row.duplicates, "problems": row.problems, "connections": row.connections}
    return shown | {"rooms": rooms(), "due": due, "most": MOST, "running": running}
