"""Which profiles matching looks at, and what it reads of them."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, groupby
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.orm import Session

from customers.matching import mailboxes
from customers.matching.prepared import GOODS, Prepared, prepare
from foundation.records import Person

PRINT = 8  # bytes of a record's hash that tell whether it has changed
STEP = 5_000
ORDERED = 16  # goods of a profile that count, those ordered last
# what we say ourselves of a card is no record of a source; who is gone says nothing any more
READABLE = "p.customer_id IS NOT NULL AND p.gone_at IS NULL AND p.kind <> 'own'"
LATELY = 50  # orders that are looked at: somebody "Retail" of a ledger may have a million
# of profile `p`; by article number where a line has one, so that shops and ledgers speak of the same
ORDERS = f"""ARRAY(SELECT left('{GOODS}' || lower(btrim(CASE WHEN btrim(l.sku) <> '' THEN l.sku
  WHEN l.product_external_id <> '' THEN o.source_id || ' ' || l.product_external_id
  ELSE l.name END)), 80) AS goods
  FROM (SELECT id, source_id, placed_at FROM orders WHERE profile_id = p.id AND gone_at IS NULL
    ORDER BY placed_at DESC LIMIT {LATELY}) o JOIN order_lines l ON l.order_id = o.id
  GROUP BY goods ORDER BY max(o.placed_at) DESC NULLS LAST, goods LIMIT {ORDERED})"""
_PEOPLE = f"""
SELECT p.id, p.customer_id, substring(p.record_hash FOR {PRINT}), CAST(p.record AS text), {ORDERS}
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
    goods: Sequence[str]


class Said:
    """What some profiles of a card say alike: one record, for which the first of them stands.

    A card may be of very many guests, so no more is held of each than what it is called.
    """

    def __init__(self, bare: Prepared, first: Profile) -> None:
        self.bare, self.first = bare, first  # the record without what was ordered
        self.claimed = True  # only a browser says it, unproved
        self.names: list[tuple[UUID, str]] = []  # of each profile its id, here and at its source
        self._goods: deque[Sequence[str]] = deque(maxlen=2 * ORDERED)

    def add(self, one: Profile) -> None:
        """Another profile that says it."""
        self.claimed &= one.person.claimed
        self.names.append((one.id, one.person.external_id))
        if one.goods:
            self._goods.appendleft(one.goods)

    @property
    def goods(self) -> tuple[str, ...]:
        """What was ordered, by the profiles that came last first."""
        return ordered(chain.from_iterable(self._goods))

    @property
    def prepared(self) -> Prepared:
        """The record."""
        return with_goods(self.bare, self.goods)


def with_goods(bare: Prepared, goods: Sequence[str]) -> Prepared:
    """A record with what was ordered, if anything was."""
    return replace(bare, goods=tuple(goods)) if goods else bare


def ordered(goods: Iterable[str]) -> tuple[str, ...]:
    """Goods as a record has them: after the one that all share who ordered anything."""
    known = [one for one in dict.fromkeys(goods) if one != GOODS]
    return (GOODS, *known[: 2 * ORDERED]) if known else ()


def said(profiles: Iterable[Profile]) -> list[Said]:
    """The records of the profiles of one card, for those that say anything of who it is."""
    found: dict[Prepared, Said] = {}
    for one in profiles:
        if speaks(bare := prepare(one.person)):
            if bare not in found:
                found[bare] = Said(bare, one)
            found[bare].add(one)
    return list(found.values())


def cards(session: Session, some: Collection[UUID] | None = None) -> Iterator[Iterator[Profile]]:
    """The profiles of each of these cards, or of all. One query, streamed."""
    for _card, profiles in groupby(read(session, some), attrgetter("card")):
        yield profiles


def read(session: Session, cards: Collection[UUID] | None = None) -> Iterator[Profile]:
    """The profiles of these cards, or all that are on one; those of a card together. One query, streamed."""
    if cards is None:
        rows = session.execute(_ALL, execution_options={"yield_per": STEP})
    else:
        rows = session.execute(_OF, {"cards": list(cards)})
    decoder = msgspec.json.Decoder(Person)
    with rows:  # whoever stops early leaves no cursor open
        for one, card, mark, record, goods in rows:
            yield Profile(one, card, bytes(mark), decoder.decode(record.encode()), goods)


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
