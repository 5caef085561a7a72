"""Golden fields: which source wins when several say different things, tried out on real cards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from starlette.responses import Response

from console import card as cards
from console.format import Reader
from console.web import Call, clean
from customers import policy, previews
from customers.golden import GOVERNED
from customers.policy import Standing
from customers.previews import Change, Preview
from foundation.errors import BadInput
from foundation.text import _

PLACES = 3  # that the page offers; an order of more keeps them
PREFIX = "order."

# the sources, and how far the cards are with the order decided last
_AROUND = text("""
SELECT s.id, s.name, NULL AS state, NULL AS args FROM sources s WHERE s.removed_at IS NULL
UNION ALL SELECT NULL, NULL, state, args FROM jobs WHERE key = :job AND state IN ('waiting', 'running')
ORDER BY 2
""")


@dataclass(frozen=True)
class Field:
    """A field with the order in force or tried out."""

    name: str
    label: str
    order: Sequence[str]
    places: int
    tried: bool
    standing: Standing


@dataclass(frozen=True)
class Shown:
    """A card whose field would change."""

    change: Change
    label: str
    before: str
    after: str


def show(call: Call) -> Response:
    """Every field with the order in force; with other orders in the address, what they would change."""
    around = call.db.execute(_AROUND, {"job": policy.JOB}).all()
    sources = {str(row.id): str(row.name) for row in around if row.id}
    standing = policy.standing(call.db)
    tried = {
        field: order
        for field, order in _tried(call).items()
        if field in GOVERNED and order != standing[field].order
    }
    seen = previews.preview(call.db, tried) if tried else None
    return call.page(
        "settings_policy.html",
        fields=[_field(name, one, tried) for name, one in standing.items()],
        options=[*_roles().items(), *sources.items()],
        tried=tried,
        seen=seen,
        counts=[(_label(field), count) for field, count in seen.counts.items()] if seen else [],
        samples=_samples(seen, call.reader) if seen else [],
        sources=sources,
        going_on=next((_progress(row.state, row.args) for row in around if row.state), None),
    )


def _tried(call: Call) -> dict[str, list[str]]:
    """The orders that the address asks to try out."""
    asked = call.request.query_params
    found = {key.removeprefix(PREFIX): asked.getlist(key) for key in asked if key.startswith(PREFIX)}
    return {field: _order(values) for field, values in found.items()}


def _order(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(one for value in values if (one := clean(value)[:40])))


def _field(name: str, standing: Standing, tried: Mapping[str, list[str]]) -> Field:
    order = tried.get(name, standing.order)
    return Field(name, _label(name), order, max(PLACES, len(order)), name in tried, standing)


def _samples(seen: Preview, reader: Reader) -> list[Shown]:
    return [
        Shown(
            one,
            _label(one.field),
            _value(one.field, one.before, reader),
            _value(one.field, one.after, reader),
        )
        for one in seen.samples
    ]


def _value(field: str, value: Any, reader: Reader) -> str:
    if field == "given_name":
        return " ".join(part for part in value or () if part)
    return cards.shown(field, value, reader)


def _label(field: str) -> str:
    return (cards.labels() | {"given_name": _("Given and family name")}).get(field, field)


def _progress(state: str, args: Mapping[str, Any]) -> tuple[int, int] | None:
    """Cards that are done and all of them; nothing of either while the job waits for its turn."""
    return int(args.get("done", 0)), int(args.get("total", 0))


def save(call: Call) -> Response:
    """Decide who wins; the cards are computed again."""
    orders = {
        key.removeprefix(PREFIX): _order(call.texts(key)) for key in call.form if key.startswith(PREFIX)
    }
    if call.text("field", 40):
        orders[call.text("field", 40)] = _order(call.texts("order"))
    if not orders:
        raise BadInput(_("Say which field it is about."), "field")
    operation = policy.set_policies(call.db, orders, call.actor)
    return call.go("/settings/policy", _("Decided. The cards follow within a moment."), operation.id)


def _roles() -> dict[str, str]:
    return {
        "accounting": _("any ledger"),
        "shop": _("any shop"),
        "site": _("any site"),
        "mailbox": _("any mailbox"),
        "file": _("any file"),
    }
