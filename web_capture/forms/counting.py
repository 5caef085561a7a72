"""On which devices a form was shown and from which it came filled in, kept as its events are read.

A form may be shown in every page of a shop; what it brought is told by its devices, of which there are few.
"""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from web_capture.happened import Happened

_SHOWN, _SUBMITTED = "Form Viewed", "Form Submitted"
_VARIANT = re.compile("[A-Z]")  # see stats.read
# Most devices are known already: these cost a look and no write. In one order, so that two workers never
# wait for each other.
_COUNT = text(
    "INSERT INTO form_devices AS d (form_id, version, variant, device, viewed, submitted)"
    " SELECT * FROM (SELECT f.id, v.number, w.variant, w.device, bool_or(w.viewed) AS viewed,"
    "  bool_or(w.submitted) AS submitted"
    "  FROM unnest(CAST(:forms AS text[]), CAST(:versions AS text[]), CAST(:variants AS text[]),"
    "   CAST(:devices AS text[]), CAST(:viewed AS boolean[]), CAST(:submitted AS boolean[]))"
    "   AS w (form, version, variant, device, viewed, submitted)"
    "  JOIN forms f ON f.site_id = :site AND f.key = w.form"
    "  JOIN form_versions v ON v.form_id = f.id AND CAST(v.number AS text) = w.version"
    "  GROUP BY 1, 2, 3, 4) AS told"
    " WHERE NOT EXISTS (SELECT FROM form_devices k WHERE k.form_id = told.id AND k.version = told.number"
    "  AND k.variant = told.variant AND k.device = told.device"
    "  AND k.viewed >= told.viewed AND k.submitted >= told.submitted)"
    " ORDER BY 1, 2, 3, 4"
    " ON CONFLICT (form_id, version, variant, device) DO UPDATE"
    " SET viewed = d.viewed OR excluded.viewed, submitted = d.submitted OR excluded.submitted"
)


def record(session: Session, site: UUID, rows: Sequence[Happened]) -> None:
    """Count events to the devices of the site's forms; bots' count nowhere, those without a device to one."""
    told = {one for row in rows if row.kind in ("web.event", "web.lead") and (one := _told(row))}
    if told:
        names = ("forms", "versions", "variants", "devices", "viewed", "submitted")
        columns = map(list, zip(*told, strict=True))
        session.execute(_COUNT, {"site": site, **dict(zip(names, columns, strict=True))})


def _told(row: Happened) -> tuple[str, str, str, str, bool, bool] | None:
    """Form, version, variant and device of an event, and whether it was shown or filled in."""
    said, event = row.data.get("properties"), row.data.get("event")
    shown, filled_in = event == _SHOWN, event == _SUBMITTED and "vouched" in row.data
    if row.bot or not said or not (shown or filled_in):
        return None
    form, version, variant = (_text(said.get(name)) for name in ("form_id", "version", "variant"))
    if not form or not _VARIANT.fullmatch(variant):
        return None
    return form, version, variant, row.message.device, shown, filled_in


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if type(value) is int else ""
