"""The catalogue: every field of the card a segment may ask about, its type and where it lies."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "choice", "number", "money", "date", "birthday", "set"]

OPS: dict[Kind, tuple[str, ...]] = {
    "text": ("=", "!=", "in", "not in", "contains", "starts with", "set", "not set"),
    "choice": ("=", "!=", "in", "not in", "set", "not set"),
    "number": ("=", "!=", "<", "<=", ">", ">=", "set", "not set"),
    "money": ("=", "!=", "<", "<=", ">", ">="),
    "date": ("during", "set", "not set"),
    "birthday": ("during", "set", "not set"),
    "set": ("has", "set", "not set"),
}
PERIODS: dict[Kind, tuple[str, ...]] = {
    "date": ("last", "ago", "since", "before", "between"),
    "birthday": ("next",),
}


@dataclass(frozen=True)
class Spec:
    """A field: `sql` reads it from the card `c` and its figures `s`; nobody knows it where that is NULL."""

    name: str
    kind: Kind
    sql: str
    choices: tuple[str, ...] = ()
    fold: Literal["", "upper", "lower"] = ""  # how values are kept
    has: str = ""  # of a set: a condition on `{value}`

    @property
    def figures(self) -> bool:
        """Whether it lies in the figures."""
        return self.sql.startswith(("s.", "coalesce(s."))


def _text(name: str, *, blank: bool = False, fold: Literal["", "upper", "lower"] = "") -> Spec:
    return Spec(name, "text", f"nullif(c.{name}, '')" if blank else f"c.{name}", fold=fold)


def _consent(name: str) -> Spec:
    return Spec(name, "choice", f"c.{name}", ("given", "withdrawn"))


_SOURCES = (
    "EXISTS (SELECT FROM profiles p JOIN sources o ON o.id = p.source_id"
    " WHERE p.customer_id = c.id AND p.gone_at IS NULL{named})"
)
# whoever was put on a list stays on it when their card is merged into another one
_LISTS = (
    "EXISTS (SELECT FROM segment_entries e JOIN segments g ON g.id = e.segment_id"
    " WHERE e.customer_id = c.id AND {kept})"
    " OR EXISTS (SELECT FROM customers d JOIN segment_entries e ON e.customer_id = d.id"
    " JOIN segments g ON g.id = e.segment_id WHERE d.merged_into = c.id AND {kept})"
    " OR EXISTS (SELECT FROM customers d JOIN customers f ON f.merged_into = d.id"
    " JOIN segment_entries e ON e.customer_id = f.id JOIN segments g ON g.id = e.segment_id"
    " WHERE d.merged_into = c.id AND {kept})"
)
_KEPT = "e.removed_at IS NULL AND g.kind = 'list' AND g.archived_at IS NULL"

SPECS = (
    _text("name", blank=True),
    _text("given_name", blank=True),
    _text("family_name", blank=True),
    _text("email", fold="lower"),
    _text("phone"),
    _text("tax_number"),
    _text("country", fold="upper"),
    _text("city"),
    _text("language", fold="lower"),
    Spec("kind", "choice", "c.kind", ("person", "company")),
    Spec("birthday", "birthday", "c.birthday"),
    Spec("tags", "set", "c.tags <> '{}'", has="c.tags @> ARRAY[CAST({value} AS text)] AND c.tags <> '{{}}'"),
    Spec("sources", "set", _SOURCES.format(named=""), has=_SOURCES.format(named=" AND o.name = {value}")),
    Spec("lists", "set", f"({_LISTS.format(kept=_KEPT)})",
         has=f"({_LISTS.format(kept=_KEPT + ' AND g.name = {value}')})"),
    _consent("email_consent"),
    _consent("sms_consent"),
    Spec("created", "date", "c.created_at"),
    Spec("last_seen", "date", "s.last_seen_at"),
    Spec("first_order", "date", "s.first_order_at"),
    Spec("last_order", "date", "s.last_order_at"),
    Spec("spent", "money", "coalesce(s.spent, 0)"),
    Spec("recency", "number", "s.recency"),
    Spec("frequency", "number", "s.frequency"),
    Spec("monetary", "number", "s.monetary"),
)  # fmt: skip
FIELDS = {spec.name: spec for spec in SPECS}
