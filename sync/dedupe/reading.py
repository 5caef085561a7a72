"""Which profiles matching looks at, and what it reads of them."""

from collections.abc import Collection, Iterator
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.matching import mailboxes
from customers.matching.prepared import Prepared
from foundation.records import Person

PRINT = 8  # bytes of a record's hash that tell whether it has changed
STEP = 5_000
# what we say ourselves of a card is no record of a source; who is gone says nothing any more
READABLE = "p.customer_id IS NOT NULL AND p.gone_at IS NULL AND p.kind <> 'own'"
_PEOPLE = f"""
SELECT p.id, p.customer_id, substring(p.record_hash FOR {PRINT}), CAST(p.record AS text)
FROM profiles p WHERE {READABLE} {{some}} ORDER BY p.customer_id, p.id
"""
_ALL, _OF = text(_PEOPLE.format(some="")), text(_PEOPLE.format(some="AND p.customer_id = ANY(:cards)"))
_SHARED = text("SELECT kind, value FROM shared_keys WHERE kind IN ('email', 'phone')")


class Profile(NamedTuple):
    """One profile as it was read: `print` is the beginning of its record's hash."""

    id: UUID
    card: UUID
    print: bytes
    person: Person


def read(session: Session, cards: Collection[UUID] | None = None) -> Iterator[Profile]:
    """The profiles of these cards, or all that are on one; those of a card together. One query, streamed."""
    if cards is None:
        rows = session.execute(_ALL, execution_options={"yield_per": STEP})
    else:
        rows = session.execute(_OF, {"cards": list(cards)})
    decoder = msgspec.json.Decoder(Person)
    with rows:  # whoever stops early leaves no cursor open
        for one, card, mark, record in rows:
            yield Profile(one, card, bytes(mark), decoder.decode(record.encode()))


def shared(session: Session) -> frozenset[str]:
    """Values that stopped being keys, as matching knows mailboxes and telephones."""
    found = set()
    for kind, value in session.execute(_SHARED):
        mail = mailboxes.read(value) if kind == "email" else None
        found.add(mail.key if mail else value.lstrip("+")[-10:])
    return frozenset(found)


def speaks(one: Prepared) -> bool:
    """Whether a record says anything of who it is: a browser alone doesn't."""
    return bool(one.name.words or one.company or one.mails or one.phones or one.tax)
