"""Which reader reads the pairs of which directory."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from sync.directories import goods, invoices, pairs
from sync.directories.pairs import Pair, Setting
from sync.directories.tables import Directory, Link

READERS = {"counterparties": pairs.people, "nomenclature": goods.goods, "invoices": invoices.invoices}


def read(session: Session, here: Setting, only: Sequence[str] | None = None) -> Iterator[list[Pair]]:
    """Pages of pairs, in the order of the ids there; `only` those with these ids."""
    return READERS[here.directory.what](session, here, only)


def of_links(session: Session, links: Iterable[Link]) -> dict[UUID, tuple[Setting, Pair]]:
    """The pairs of some links as they stand now."""
    wanted: dict[UUID, dict[str, UUID]] = {}
    for link in links:
        wanted.setdefault(link.directory_id, {})[link.external_id] = link.id
    found = {}
    for directory_id, ids in wanted.items():
        here = pairs.setting(session, session.get_one(Directory, directory_id))
        for page in read(session, here, list(ids)):
            found.update({ids[pair.external_id]: (here, pair) for pair in page})
    return found
