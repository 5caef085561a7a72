"""Two cards side by side: what differs marked, what speaks for one customer and how much."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from console.card import labels, shown
from console.format import Reader
from console.marking import Part, alike, marked
from customers import duplicates
from customers.tables import Customer
from foundation.text import _

MOST_WEIGHTS = 30
SAID = 120  # letters of what a comparison says

_FACTS = text("""
SELECT c.id, c.kind, c.name, c.email, c.phone, c.city, c.address, c.country, c.tax_number, c.birthday,
  c.language, c.email_consent, c.created_at, s.orders, s.spent, s.currency, s.first_order_at, s.last_seen_at,
  (SELECT array_agg(DISTINCT x.name ORDER BY x.name) FROM profiles p JOIN sources x ON x.id = p.source_id
    WHERE p.customer_id = c.id AND p.gone_at IS NULL) AS sources,
  (SELECT array_agg(found.value) FROM (SELECT DISTINCT k.value FROM profiles p JOIN profile_keys k
    ON k.profile_id = p.id WHERE p.customer_id = c.id AND p.gone_at IS NULL AND k.kind IN ('email', 'phone')
    AND k.value NOT IN (coalesce(lower(c.email), ''), coalesce(c.phone, '')) ORDER BY 1 LIMIT 5) found)
    AS more
FROM customers c LEFT JOIN customer_stats s ON s.customer_id = c.id WHERE c.id = ANY(:ids)
""")


@dataclass(frozen=True)
class PairRow:
    """A field of two cards."""

    label: str
    left: str
    right: str
    compared: bool = True  # else a fact of each, that needn't agree

    @cached_property
    def mark(self) -> str:
        """The class that colours the row: same, alike in Latin letters, or diff."""
        if not self.left or not self.right or not self.compared:
            return ""
        if self.left.casefold() == self.right.casefold():
            return "same"
        return "alike" if alike(self.left, self.right) else "diff"

    @cached_property
    def parts(self) -> tuple[list[Part], list[Part]]:
        """Both values in pieces, those that the other lacks marked."""
        if self.mark != "diff":
            return [Part(self.left or "–", False)], [Part(self.right or "–", False)]
        return marked(self.left, self.right)


class Weight(NamedTuple):
    """What one comparison says for or against one customer, drawn as a bar from the middle."""

    feature: str
    said: str
    weight: str
    start: float  # of the bar, in percent
    size: float


@dataclass(frozen=True)
class Pair:
    """Two cards side by side, and why somebody thinks they are one."""

    id: UUID | None
    left: Any
    right: Any
    why: str
    rows: list[PairRow]
    weights: list[Weight] = field(default_factory=list)
    score: str = ""
    anew: bool = False  # weighed as the two are now

    @cached_property
    def names(self) -> PairRow:
        """Both names, as the heads of the columns."""
        nobody, both = _("Without a name"), bool(self.left.name and self.right.name)
        return PairRow(_("Name"), self.left.name or nobody, self.right.name or nobody, compared=both)


def pair(
    left: Customer | duplicates.Side, right: Customer | duplicates.Side, reader: Reader, *,
    proposal: UUID | None = None, why: str = "",
) -> Pair:  # fmt: skip
    """Two cards beside each other, field by field; what neither knows is left out."""
    return Pair(proposal, left, right, why, _rows(left, right, reader))


def full(
    db: Session, found: duplicates.Pair, reader: Reader, opinion: Mapping[str, Any] | None = None
) -> Pair:
    """A waiting pair with the facts of both sides and what its score is made of. One query.

    An `opinion` of matching is shown instead of what was found then, unless it says the same; why a pair of
    another rule waits is for that rule to say.
    """
    sides = {row.id: row for row in db.execute(_FACTS, {"ids": [found.left.id, found.right.id]})}
    left, right = sides[found.left.id], sides[found.right.id]
    rows = _rows(left, right, reader) + [
        PairRow(label, tell(left), tell(right), compared=False) for label, tell in _facts(reader).items()
    ]
    anew = opinion is not None and opinion.get("bits") != found.evidence.get("bits")
    said = {**found.evidence, **(opinion or {})} if anew else found.evidence
    why = (said if found.rule == "model" else found.evidence).get("why")
    return Pair(
        found.id, left, right, str(why or _("They share a key (%s).") % rule_words(found.rule)),
        [row for row in rows if row.left or row.right],
        weights(said.get("waterfall")), score(said.get("score"), reader), anew,
    )  # fmt: skip


def rule_words(rule: str) -> str:
    """By what pairs are found, in words."""
    return {
        "email": _("e-mail"), "phone": _("phone"), "tax": _("tax number"), "account": _("account"),
        "proof": _("device"), "model": _("likeness"),
    }.get(rule, rule)  # fmt: skip


def score(said: object, reader: Reader) -> str:
    """How sure the model is, in percent; nothing when it doesn't say."""
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said <= 1:
        return ""
    return _("%s %% sure") % reader.number(Decimal(math.floor(said * 1000)) / 10)


def weights(waterfall: object) -> list[Weight]:
    """The bars of a waterfall; what isn't one draws nothing."""
    if not isinstance(waterfall, list):
        return []
    found = [
        (str(one.get("feature", ""))[:SAID], str(one.get("said", ""))[:SAID], float(one["weight"]))
        for one in waterfall[:MOST_WEIGHTS]
        if isinstance(one, Mapping) and _is_number(one.get("weight"))
    ]
    widest = max((abs(weight) for *_, weight in found), default=0) or 1
    return [
        Weight(
            feature, said, f"{weight:+.1f}".replace("-", "\N{MINUS SIGN}"),
            50 + min(0.0, 50 * weight / widest), abs(50 * weight / widest),
        )
        for feature, said, weight in found
    ]  # fmt: skip


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _rows(left: Any, right: Any, reader: Reader) -> list[PairRow]:
    rows = [
        PairRow(
            label,
            shown(name, getattr(left, name, None), reader),
            shown(name, getattr(right, name, None), reader),
        )
        for name, label in labels().items()
        if name not in ("name", "kind")
    ]
    return [row for row in rows if row.left or row.right]


def _facts(reader: Reader) -> Mapping[str, Any]:
    """What hangs on a card, by its label."""

    def bought(side: Any) -> str:
        if not side.orders:
            return _("nothing")
        return f"{reader.number(side.orders)} · {reader.money(side.spent, side.currency)}"

    def day(at: datetime | None) -> str:
        return reader.day(at) if at else ""

    return {
        _("Also reached by"): lambda side: ", ".join(side.more or ()),
        _("Bought"): bought,
        _("First order"): lambda side: day(side.first_order_at),
        _("Last seen"): lambda side: day(side.last_seen_at),
        _("Card since"): lambda side: day(side.created_at),
        _("E-mail consent"): lambda side: {"given": _("given"), "withdrawn": _("withdrawn")}.get(
            side.email_consent or "", ""
        ),
        _("Sources"): lambda side: ", ".join(side.sources or ()),
    }
