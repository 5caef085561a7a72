"""Things of ours that the other side doesn't have yet and is to get."""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import golden
from sync.directories.deciding import Planned
from sync.directories.pairs import PAGE, Setting

_CARDS = f"""
SELECT c.id, {", ".join(f"c.{name}" for name in golden.GOVERNED)} FROM customers c
WHERE c.live AND c.identified AND c.id > :after AND (:all OR c.kind = 'company') AND c.name <> ''
  AND NOT EXISTS (SELECT FROM profiles p WHERE p.customer_id = c.id AND p.source_id = :source
    AND p.kind <> 'guest')
  AND NOT EXISTS (SELECT FROM pushes o WHERE o.local_id = c.id AND o.directory_id = :directory
    AND o.link_id IS NULL AND o.state IN ('waiting', 'sent', 'done', 'failed'))
ORDER BY c.id LIMIT :limit
"""
COMPANIES, ALL = "companies", "all"


def wanted(session: Session, here: Setting, counts: Counter[str]) -> Iterator[Planned]:
    """What is to be made there, as the directory says: companies, everybody, or nobody."""
    directory = here.directory
    if directory.creates not in (COMPANIES, ALL) or not here.card:
        return
    after = UUID(int=0)
    while True:
        values = {
            "after": after, "all": directory.creates == ALL, "source": directory.connection_id,
            "directory": directory.id, "limit": PAGE,
        }  # fmt: skip
        rows = session.execute(text(_CARDS), values).all()
        for row in rows:
            counts["made"] += 1
            made = {"kind": row.kind, **_said(here, row)}
            yield Planned(directory.id, row.id, "", row.name, {"make": made})
        if len(rows) < PAGE:
            return
        after = rows[-1].id


def _said(here: Setting, row: Any) -> dict[str, str]:
    return {name: str(value) for name in here.compared if (value := getattr(row, name))}
