"""Things of ours that the other side doesn't have yet and is to get: cards, and products of the home shop."""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from customers import golden
from foundation.records import Product
from sync.directories import fields
from sync.directories.deciding import Planned
from sync.directories.pairs import PAGE, Setting
from sync.directories.tables import Directory, Link, Push
from sync.tables import Connection

# neither in a pair, sure or doubtful, nor on its way; what was refused there is a problem with a retry
_FREE = """
  AND NOT EXISTS (SELECT FROM links l WHERE l.directory_id = :directory AND l.local_id = o.id
    AND l.state <> 'refused')
  AND NOT EXISTS (SELECT FROM pushes w WHERE w.local_id = o.id AND w.directory_id = :directory
    AND w.link_id IS NULL AND w.state IN ('waiting', 'sent', 'done', 'failed'))
ORDER BY o.id LIMIT :limit
"""
_CARDS = f"""
SELECT o.id, {", ".join(f"o.{name}" for name in golden.GOVERNED)} FROM customers o
WHERE o.live AND o.identified AND o.id > :after AND (:all OR o.kind = 'company') AND o.name <> ''
  AND NOT EXISTS (SELECT FROM profiles p WHERE p.customer_id = o.id AND p.source_id = :source
    AND p.kind <> 'guest')
{_FREE}"""
_GOODS = f"""
SELECT o.id, o.name, CAST(o.record AS text) AS record FROM products o
WHERE o.source_id = :home AND o.gone_at IS NULL AND o.id > :after AND o.name <> ''
{_FREE}"""
_MONEY = text(
    "SELECT DISTINCT currency FROM products WHERE source_id = :source AND gone_at IS NULL AND currency <> ''"
)
# what of the other side nobody here has looked at yet may be the very thing
_UNSEEN = text(
    "SELECT EXISTS (SELECT FROM landed_heads WHERE connection_id = :source AND stream = :stream AND pending)"
)
# what was faster than we: a counterparty on the card, or one that has something in common with it and that
# nobody has looked at yet (the next plan asks about it, sync.directories.guesses); goods of the same code
_BY_NOW = {
    "counterparties": """
SELECT NOT o.live OR EXISTS (SELECT FROM profiles p WHERE p.customer_id = o.id AND p.source_id = :source
  AND p.kind <> 'guest') OR EXISTS (
  SELECT FROM profiles m JOIN profile_keys k ON k.profile_id = m.id AND k.kind IN ('tax', 'email', 'phone')
  JOIN profile_keys n ON n.kind = k.kind AND n.value = k.value AND n.profile_id <> m.id
  JOIN profiles p ON p.id = n.profile_id AND p.source_id = :source AND p.kind <> 'guest' AND p.gone_at IS NULL
  WHERE m.customer_id = o.id AND m.gone_at IS NULL
    AND NOT EXISTS (SELECT FROM profiles c WHERE c.customer_id = p.customer_id AND c.id <> p.id
      AND c.gone_at IS NULL)
    AND NOT EXISTS (SELECT FROM links l WHERE l.directory_id = :directory AND l.external_id = p.external_id)
    AND NOT EXISTS (SELECT FROM verdicts v WHERE v.until IS NULL
      AND v.left_id = least(o.id, p.customer_id) AND v.right_id = greatest(o.id, p.customer_id)))
FROM customers o WHERE o.id = :id
""",
    "nomenclature": """
SELECT o.gone_at IS NOT NULL OR EXISTS (SELECT FROM products p WHERE p.sku = o.sku AND p.sku <> ''
  AND p.source_id = :source AND p.gone_at IS NULL AND NOT EXISTS (SELECT FROM links l
    WHERE l.directory_id = :directory AND l.external_id = p.external_id))
FROM products o WHERE o.id = :id
""",
}
# what we made, and somebody deleted there before it was ever read: nothing of it stands on our side
_LOST = """
SELECT l.local_id, l.external_id, (SELECT w.fields ->> 'name' FROM pushes w
  WHERE w.directory_id = l.directory_id AND w.link_id IS NULL AND w.external_id = l.external_id
  LIMIT 1) AS title
FROM links l JOIN landed_heads h ON h.connection_id = :source AND h.stream = :stream
  AND h.external_id = l.external_id AND h.gone AND NOT h.pending
WHERE l.directory_id = :directory AND l.state = 'made' AND l.gone_there_at IS NULL AND NOT EXISTS (
  SELECT FROM {0} p WHERE p.source_id = :source AND p.external_id = l.external_id) ORDER BY l.external_id
"""
_STANDS_IN = {"counterparties": "profiles", "nomenclature": "products", "invoices": "invoices"}
_PAIRED = text(
    "SELECT EXISTS (SELECT FROM links l WHERE l.directory_id = :directory AND l.local_id = :id"
    " AND l.state <> 'refused')"
)
_PARTNER = text(
    "SELECT EXISTS (SELECT FROM links l WHERE l.directory_id = :directory AND l.local_id = :id"
    " AND l.state <> 'refused' AND l.id <> :link) OR EXISTS (SELECT FROM pushes w"
    " WHERE w.directory_id = :directory AND w.local_id = :id AND w.link_id IS NULL"
    " AND (w.state = 'sent' OR w.state = 'waiting' AND w.attempts > 1))"
)
NONE, COMPANIES, ALL = "none", "companies", "all"
CREATES = {
    "counterparties": (NONE, COMPANIES, ALL), "nomenclature": (NONE, ALL),
    "invoices": (NONE, COMPANIES, ALL),
}  # fmt: skip


def wanted(
    session: Session, here: Setting, counts: Counter[str], matched: Collection[UUID]
) -> Iterator[Planned]:  # fmt: skip
    """What is to be made there, as the directory says; not what is `matched` with something there already.

    Nothing as long as the other side has not been read to its end.
    """
    directory = here.directory
    if directory.creates == NONE or not seen(session, here):
        return
    goods = directory.what == "nomenclature"
    values = {
        "all": directory.creates == ALL, "source": directory.connection_id, "home": directory.home_id,
        "directory": directory.id, "limit": PAGE, "after": UUID(int=0),
    }  # fmt: skip
    money = frozenset(session.scalars(_MONEY, values)) if goods else frozenset[str]()
    while True:
        rows = session.execute(text(_GOODS if goods else _CARDS), values).all()
        for row in rows:
            if row.id not in matched:
                counts["made"] += 1
                made = _product(row, money) if goods else _card(here, row)
                yield Planned(directory.id, row.id, "", row.name, {"make": made})
        if len(rows) < PAGE:
            return
        values["after"] = rows[-1].id


def lost(session: Session, here: Setting, counts: Counter[str]) -> Iterator[Planned]:
    """Marks for what we made there and is gone from there, though it never was read."""
    directory = here.directory
    query = text(_LOST.format(_STANDS_IN[directory.what]))
    values = {"source": directory.connection_id, "stream": directory.stream, "directory": directory.id}
    for row in session.execute(query, values).all():
        counts["gone"] += 1
        yield Planned(directory.id, row.local_id, row.external_id, row.title or "", {"gone": ["there"]})


def overtaken(session: Session, push: Push) -> str:
    """Why what is on its way to be made, and surely isn't made yet, is not wanted any more."""
    directory = session.get_one(Directory, push.directory_id)
    values = {"directory": directory.id, "source": directory.connection_id, "id": push.local_id}
    if session.scalar(_PAIRED, values):
        return "It has a partner there by now."
    by_now = session.scalar(text(_BY_NOW[directory.what]), values)
    return "It is gone, or something like it stands there by now." if by_now in (True, None) else ""


def partner(session: Session, link: Link) -> bool:
    """Whether the thing of ours in a refused pair has another one there by now, or may have been made."""
    values = {"directory": link.directory_id, "id": link.local_id, "link": link.id}
    return bool(session.scalar(_PARTNER, values))


def seen(session: Session, here: Setting) -> bool:
    """Whether all that stands there is known here, and something can be written there."""
    directory = here.directory
    if not here.writes_there or session.get_one(Connection, directory.connection_id).last_success_at is None:
        return False
    values = {"source": directory.connection_id, "stream": directory.stream}
    return not session.scalar(_UNSEEN, values)


def _card(here: Setting, row: Row[Any]) -> dict[str, str]:
    said = {name: str(value) for name in here.compared if (value := getattr(row, name))}
    return {"kind": row.kind, **said}


def _product(row: Row[Any], money: Collection[str]) -> dict[str, str]:
    """All that a product says; a price only where the other side doesn't count in other money."""
    record = msgspec.json.decode(row.record, type=Product)
    said = {name: one.value for name, one in fields.of_product(record, None).items()}
    if money and record.currency and record.currency not in money:
        said.pop("price", None)
    return {**said, "currency": record.currency} if "price" in said and record.currency else said
