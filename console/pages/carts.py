"""Carts: what visitors hold now, what was given up, and what came back."""

from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from sqlalchemy import Row, text
from sqlalchemy.orm import Session
from starlette.responses import Response

from console.templating import link
from console.web import Call, clean
from customers.timeline import read_cursor, write_cursor
from foundation.clock import now
from foundation.text import _

PAGE = 50
STATES = ("open", "abandoned", "ordered", "emptied")
DAYS = 30  # of what was given up
_CARTS = """
    SELECT c.site_id, c.key, c.device, c.state, c.lines, c.items, c.value, c.currency, c.url, c.changed_at,
      c.checkout_at, p.id AS profile, p.customer_id, p.kind AS profile_kind, k.name, k.email, s.name AS site
    FROM carts c LEFT JOIN profiles p ON p.id = c.profile_id LEFT JOIN customers k ON k.id = p.customer_id
      LEFT JOIN sources s ON s.id = c.site_id
    WHERE {where} ORDER BY c.changed_at DESC, c.key DESC LIMIT :limit"""
_GIVEN_UP = text(
    "SELECT count(*) FILTER (WHERE kind = 'cart') AS carts, count(*) FILTER (WHERE kind = 'checkout')"
    " AS checkouts, count(*) FILTER (WHERE kind = 'browse') AS browses, count(recovered_at) AS recovered,"
    " (SELECT jsonb_object_agg(currency, total) FROM (SELECT currency, sum(value)::text AS total"
    "  FROM abandonments WHERE at >= :since AND recovered_at IS NULL AND value IS NOT NULL"
    "  GROUP BY currency ORDER BY sum(value) DESC LIMIT 3) m) AS lost"
    " FROM abandonments WHERE at >= :since"
)


def listing(call: Call) -> Response:
    """A page of carts, those that changed last first."""
    state, after = call.query("state", 20), call.query("after", 400)
    state = state if state in STATES else ""
    rows = _rows(call.db, state, after)
    shown = rows[:PAGE]
    older = write_cursor(shown[-1].changed_at, cast(Any, shown[-1].key)) if len(rows) > PAGE else ""
    return call.page(
        "carts.html",
        rows=[(row, _address(row.url)) for row in shown],
        state=state,
        states=states(),
        tabs=[
            ("", _("All")),
            ("open", _("Open")),
            ("abandoned", _("Given up")),
            ("ordered", _("Ordered")),
            ("emptied", _("Empty")),
        ],
        summary=call.db.execute(_GIVEN_UP, {"since": now() - timedelta(days=DAYS)}).one(),
        days=DAYS,
        older=link("/carts", state=state, after=older) if older else "",
        newer=link("/carts", state=state) if after else "",
    )


def states() -> dict[str, str]:
    """Names of the states of a cart."""
    return {"open": _("open"), "abandoned": _("given up"), "ordered": _("ordered"), "emptied": _("empty")}


def _rows(db: Session, state: str, after: str) -> list[Row[Any]]:
    """One more than a page, from behind the cursor."""
    where, values = ["true"], dict[str, Any](limit=PAGE + 1)
    if state:
        where.append("c.state = :state")
        values["state"] = state
    if after:
        values["at"], values["key"] = read_cursor(after, cast(Any, str))
        values["key"] = clean(values["key"])
        where.append("(c.changed_at, c.key) < (:at, :key)")
    return list(db.execute(text(_CARTS.format(where=" AND ".join(where))), values))


def _address(url: str) -> str:
    """The cart's address if it can be a link; captured text is anybody's."""
    try:
        return url if urlsplit(url).scheme in ("http", "https") else ""
    except ValueError:
        return ""
