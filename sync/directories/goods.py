"""Pairs of nomenclature: products of the home shop and there, matched by code, barcode, sku or name."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from foundation.records import Product
from sync.directories import fields, matching
from sync.directories.fields import Said
from sync.directories.merge import Owner
from sync.directories.pairs import LINK, PAGE, Pair, Setting, making, stands, version
from sync.directories.tables import Directory, Link

_GOODS = f"""
SELECT p.id, p.external_id, p.name, p.changed_at, p.gone_at, p.currency, CAST(p.record AS text) AS record,
  coalesce(h.pending, false) AS pending, h.version_at, h.version_hash,
  o.id AS our_id, o.external_id AS home, CAST(o.record AS text) AS our_record, o.changed_at AS our_changed,
  o.gone_at AS our_gone, o.currency AS our_currency, coalesce(i.pending, false) AS our_pending,
  i.version_at AS our_version_at, i.version_hash AS our_version_hash, {LINK},
  {making("o.id")}
FROM products p
LEFT JOIN landed_heads h ON h.connection_id = p.source_id AND h.stream = :stream
  AND h.external_id = p.external_id
LEFT JOIN links l ON l.directory_id = :directory AND l.external_id = p.external_id
LEFT JOIN products o ON o.id = coalesce(CAST(CAST(:matched AS jsonb) ->> p.external_id AS uuid), l.local_id)
LEFT JOIN landed_heads i ON i.connection_id = o.source_id AND i.stream = :home_stream
  AND i.external_id = o.external_id
WHERE p.source_id = :source AND p.external_id > :after
  AND (CAST(:only AS text[]) IS NULL OR p.external_id = ANY(CAST(:only AS text[])))
ORDER BY p.external_id LIMIT :limit
"""
# those that have no partner yet, with the keys they may be matched by
_FREE = """
SELECT p.id, p.external_id, p.name, p.sku, p.record ->> 'barcode' AS barcode FROM products p
WHERE p.source_id = :source AND p.gone_at IS NULL
  AND NOT EXISTS (SELECT FROM links l WHERE l.directory_id = :directory AND l.{column} = p.{mine} {but})
ORDER BY p.id
"""
Matches = dict[UUID | str, tuple[UUID | str, matching.Match]]


def goods(session: Session, here: Setting, only: Sequence[str] | None = None) -> Iterator[list[Pair]]:
    """Pages of nomenclature, in the order of the ids there; `only` those with these ids."""
    directory, after = here.directory, ""
    matches = _matches(session, directory) if only is None else {}
    matched = msgspec.json.encode({str(one): str(ours) for one, (ours, _match) in matches.items()}).decode()
    while True:
        values = {
            "source": directory.connection_id, "stream": directory.stream, "directory": directory.id,
            "home_stream": directory.home_stream, "matched": matched, "after": after, "limit": PAGE,
            "only": list(only) if only is not None else None,
        }  # fmt: skip
        rows = session.execute(text(_GOODS), values).all()
        if not rows:
            return
        yield [_pair(here, row, matches) for row in rows]
        after = rows[-1].external_id


def _matches(session: Session, directory: Directory) -> Matches:
    """What is the same by its keys. A sure match goes before what was guessed, or refused, of another."""

    def free(source: UUID | None, column: str, mine: str, but: str = "") -> list[Any]:
        query = text(_FREE.format(column=column, mine=mine, but=but))
        return list(session.execute(query, {"source": source, "directory": directory.id}))

    ours = [
        matching.Thing(row.id, _keys(row))
        for row in free(directory.home_id, "local_id", "id", "AND l.state <> 'refused'")
    ]
    paired = "AND l.state IN ('linked', 'made')"
    theirs = free(directory.connection_id, "external_id", "external_id", paired)
    found = matching.pair_up(ours, [matching.Thing(row.external_id, _keys(row)) for row in theirs])
    open_ones = select(Link).where(Link.directory_id == directory.id, Link.state.in_(("waiting", "refused")))
    guessed: dict[UUID | str, UUID] = {link.external_id: link.local_id for link in session.scalars(open_ones)}
    return {
        one: (mine, match)
        for one, (mine, match) in found.items()
        if one not in guessed or (match.sure and mine != guessed[one])
    }


def _keys(row: Row[Any]) -> dict[str, str]:
    said = {"name": row.name, "sku": row.sku, "barcode": row.barcode or ""}
    flat = {key: Said(value.strip()) for key, value in said.items() if value.strip()}
    return matching.keys_of(flat, row.external_id)


def _pair(here: Setting, row: Row[Any], matches: Matches) -> Pair:
    theirs = fields.of_product(msgspec.json.decode(row.record, type=Product), row.changed_at, row.id)
    ours: dict[str, Said] = {}
    if row.our_record is not None:
        record = msgspec.json.decode(row.our_record, type=Product)
        ours = fields.of_product(record, row.our_changed, row.our_id)
        if row.currency and row.our_currency and row.currency != row.our_currency:
            ours.pop("price", None)  # amounts of different money aren't compared
            theirs.pop("price", None)
    owners: dict[str, Owner] = {name: here.directory.owners.get(name, "ask") for name in here.compared}  # type: ignore[misc]
    match = matches.get(row.external_id)
    pair = Pair(row.external_id, row.our_id, row.name, theirs, ours, row.id, owners)
    pair.matched = match[1] if match is not None else None
    pair.anew = match is not None and row.link_id is not None
    stands(pair, row)
    pair.busy = pair.busy or row.our_pending
    pair.gone_there, pair.gone_here = row.gone_at, row.our_gone
    pair.version = version(row.version_at, row.version_hash)
    pair.home, pair.home_version = row.home or "", version(row.our_version_at, row.our_version_hash)
    return pair
