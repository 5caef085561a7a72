"""What stands around every page: the rooms with what waits in them, and what is running now."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from starlette.requests import Request

from console.tables import User
from customers.duplicates import WAITING
from foundation.text import _

MOST = 999  # a badge counts this far and then says "more"

_COUNTS = f"""(SELECT jsonb_build_object(
      'duplicates', (SELECT count(*) FROM (SELECT {WAITING} LIMIT 1000) d),
      'inbox', (SELECT count(*) FROM (SELECT FROM mail_threads WHERE waiting LIMIT 1000) w),
      'directories', (SELECT count(*) FROM (SELECT FROM conflicts WHERE state = 'waiting'
        UNION ALL SELECT FROM links WHERE state = 'waiting' LIMIT 1000) c),
      'problems', (SELECT count(*) FROM (SELECT FROM problems WHERE state = 'open' LIMIT 1000) p),
      'mailings', (SELECT count(*) FROM (SELECT FROM mailings WHERE state = 'asking' LIMIT 1000) m),
      'stopped', (SELECT coalesce(nullif(stopped_reason, ''), '-') FROM mail_switch WHERE stopped),
      'journeys', (SELECT count(*) FROM (SELECT FROM journey_tasks WHERE done_at IS NULL LIMIT 1000) t),
      'connections', (SELECT count(*) FROM connections WHERE state = 'active' AND failures > 0)))"""
_RUNNING = """(SELECT jsonb_agg(jsonb_build_object('id', r.id, 'kind', r.kind, 'name', s.name, 'read', r.read,
    'total', r.total) ORDER BY r.started_at DESC)
    FROM sync_runs r JOIN sources s ON s.id = r.connection_id WHERE r.state = 'running')"""
COLUMNS: tuple[ColumnElement[Any], ...] = (
    literal_column(_COUNTS, JSONB).label("due"),
    literal_column(_RUNNING, JSONB).label("running"),
)


def rooms() -> list[tuple[str, str, str, str]]:
    """Key, address, name and icon of each room that exists."""
    return [
        ("overview", "/", _("Overview"), "overview"),
        ("customers", "/customers", _("Customers"), "customers"),
        ("inbox", "/inbox", _("Inbox"), "inbox"),
        ("duplicates", "/duplicates", _("Duplicates"), "duplicates"),
        ("sites", "/sites", _("Sites"), "sites"),
        ("forms", "/forms", _("Forms"), "forms"),
        ("carts", "/carts", _("Carts"), "carts"),
        ("attribution", "/attribution", _("Attribution"), "attribution"),
        ("segments", "/segments", _("Segments"), "segments"),
        ("mailings", "/mailings", _("Mailings"), "mail"),
        ("journeys", "/journeys", _("Journeys"), "journeys"),
        ("directories", "/directories", _("Directories"), "directories"),
        ("connections", "/connections", _("Connections"), "connections"),
        ("problems", "/problems", _("Problems"), "problems"),
        ("operations", "/operations", _("Operations"), "operations"),
        ("settings", "/settings", _("Settings"), "settings"),
    ]


def done(read: int, total: int | None) -> int | None:
    """Percent done, or None when the source doesn't say how much there is."""
    return min(99, read * 100 // total) if total else None


def context(request: Request, db: Session, user: User | None, framed: Row[Any] | None) -> dict[str, Any]:
    """Names the layout needs. `framed` holds `COLUMNS` as sign-in read them; without it they are read now."""
    shown: dict[str, Any] = {
        "theme": request.cookies.get("theme", ""),
        "path": request.url.path,
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "signed_in": user is not None,
    }
    if user is None:
        return shown
    row = framed if framed is not None else db.execute(select(*COLUMNS)).one()
    running = [
        {**run, "id": UUID(run["id"]), "done": done(run["read"], run["total"])} for run in row.running or []
    ]
    return shown | {"rooms": rooms(), "due": row.due, "most": MOST, "running": running}
