"""How long nothing must happen until a cart, a checkout or a browse counts as given up."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from foundation.errors import BadInput
from foundation.text import _
from web_capture.tables import Site

USUAL = {"cart": 60, "checkout": 30, "browse": 120}  # minutes, unless the site's settings say otherwise
LONGEST = 30 * 24 * 60
# locked in the order in which events lock them; what was told to wait longer is looked at when it was due
_CARTS = text(
    "UPDATE carts c SET due_at = w.due_at FROM (SELECT key, acted_at + quiet AS due_at FROM carts,"
    " LATERAL (SELECT CASE WHEN checkout_at IS NULL THEN CAST(:cart AS interval)"
    " ELSE CAST(:checkout AS interval) END AS quiet) AS q"
    " WHERE site_id = :site AND due_at > acted_at + quiet ORDER BY key FOR UPDATE OF carts) AS w"
    " WHERE c.site_id = :site AND c.key = w.key"
)
_BROWSES = text(
    "UPDATE browsings b SET due_at = b.viewed_at + :browse FROM (SELECT device FROM browsings"
    " WHERE site_id = :site AND due_at > viewed_at + CAST(:browse AS interval)"
    " ORDER BY device FOR UPDATE) AS w WHERE b.site_id = :site AND b.device = w.device"
)


def minutes(site: Site) -> dict[str, int]:
    """The silences of a site."""
    said = (site.settings or {}).get("abandonment")
    chosen = said if isinstance(said, dict) else {}
    return {name: _whole(chosen.get(name)) or usual for name, usual in USUAL.items()}


def silences(site: Site) -> dict[str, timedelta]:
    """The silences of a site as durations."""
    return {name: timedelta(minutes=found) for name, found in minutes(site).items()}


def chosen(site: Site, said: Mapping[str, Any]) -> dict[str, int]:
    """The silences of a site with those a person names; an empty text stands for the usual one."""
    found = minutes(site)
    for name in USUAL:
        if said.get(name) is None:
            continue
        wanted = _whole(said[name]) if str(said[name]).strip() else USUAL[name]
        if not wanted:
            raise BadInput(
                _("A silence is a whole number of minutes, from 1 to %(most)s (30 days).")
                % {"most": f"{LONGEST:,}"},
                name,
            )
        found[name] = wanted
    return found


def _whole(said: Any) -> int:
    """Minutes as a program or a person says them; 0 for what is none."""
    text_form = "" if isinstance(said, bool) else str(said).strip()
    found = int(text_form) if re.fullmatch("[0-9]{1,9}", text_form) else 0
    return found if found <= LONGEST else 0


def hasten(session: Session, site: UUID, wanted: Mapping[str, int]) -> None:
    """Look at what is open now as early as shorter silences demand."""
    quiet = {name: timedelta(minutes=found) for name, found in wanted.items()}
    session.execute(_CARTS, {"site": site, "cart": quiet["cart"], "checkout": quiet["checkout"]})
    session.execute(_BROWSES, {"site": site, "browse": quiet["browse"]})
