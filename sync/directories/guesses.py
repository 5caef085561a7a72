"""Cards that may be those of counterparties nobody here knows: doubtful, so they wait for a person.

What identity is sure of stands on one card already; what is left shares a key that may not join (a company
and a person, a shared phone) or no more than the name.
"""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from sync.directories.matching import Match
from sync.directories.tables import Directory

_GUESSES = text("""
WITH mine AS (
  SELECT p.id, p.external_id, c.id AS card, c.latin_name
  FROM profiles p JOIN customers c ON c.id = p.customer_id
  WHERE p.source_id = :source AND p.kind <> 'guest' AND p.gone_at IS NULL AND p.landed_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM profiles o WHERE o.customer_id = c.id AND o.id <> p.id AND o.gone_at IS NULL)
    AND NOT EXISTS (SELECT FROM links l WHERE l.directory_id = :directory AND l.external_id = p.external_id)
), likely AS (
  SELECT m.external_id, m.card, f.customer_id AS other, k.kind AS by, k.value FROM mine m
  JOIN profile_keys k ON k.profile_id = m.id AND k.kind IN ('tax', 'email', 'phone')
  JOIN profile_keys n ON n.kind = k.kind AND n.value = k.value AND n.profile_id <> m.id
  JOIN profiles f ON f.id = n.profile_id AND f.gone_at IS NULL AND f.customer_id IS NOT NULL
  UNION
  SELECT m.external_id, m.card, c.id, 'name', c.name FROM mine m
  JOIN customers c ON c.live AND c.latin_name = m.latin_name AND c.id <> m.card WHERE m.latin_name <> ''
)
SELECT external_id, other, by, value, count(*) OVER (PARTITION BY external_id, by) - 1 AS rivals FROM likely l
WHERE other <> card
  AND EXISTS (SELECT FROM customers c WHERE c.id = l.other AND c.live)
  AND NOT EXISTS (SELECT FROM profiles p WHERE p.customer_id = l.other AND p.source_id = :source
    AND p.kind <> 'guest' AND p.gone_at IS NULL)
  AND NOT EXISTS (SELECT FROM links x WHERE x.directory_id = :directory AND x.local_id = l.other
    AND x.state <> 'refused')
  AND NOT EXISTS (SELECT FROM verdicts v WHERE v.until IS NULL
    AND v.left_id = least(l.card, l.other) AND v.right_id = greatest(l.card, l.other))
ORDER BY external_id, array_position(ARRAY['tax', 'email', 'phone', 'name'], by), other
""")
_KEYS = {"tax": "tax_number"}


def of_cards(session: Session, directory: Directory) -> dict[str, tuple[UUID, Match]]:
    """For ids there the card that it may be, by the strongest key; each card is proposed once."""
    values = {"source": directory.connection_id, "directory": directory.id}
    found: dict[str, tuple[UUID, Match]] = {}
    taken: set[UUID] = set()
    for row in session.execute(_GUESSES, values):
        if row.external_id in found or row.other in taken:
            continue
        found[row.external_id] = row.other, Match(_KEYS.get(row.by, row.by), row.value, False, row.rivals)
        taken.add(row.other)
    return found
