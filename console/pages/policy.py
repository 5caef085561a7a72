"""Golden fields: which source wins when several say different things about a customer."""

from sqlalchemy import select
from starlette.responses import Response

from console.card import labels
from console.web import Call
from customers import policy
from customers.tables import Source
from foundation.text import _


def show(call: Call) -> Response:
    """Every field with the order in force."""
    sources = call.db.execute(
        select(Source.id, Source.name).where(Source.removed_at.is_(None)).order_by(Source.name)
    )
    options = [*_roles().items(), *((str(row.id), row.name) for row in sources)]
    names = labels() | {"given_name": _("Given and family name")}
    fields = [
        {"name": name, "label": names.get(name, name), "order": order}
        for name, order in policy.in_force(call.db).items()
    ]
    return call.page("settings_policy.html", fields=fields, options=options)


def save(call: Call) -> Response:
    """Decide who wins a field; the cards are computed again."""
    order = list(dict.fromkeys(one for one in call.texts("order") if one))
    operation = policy.set_policy(call.db, call.text("field", 40), order, call.actor)
    return call.go("/settings/policy", _("Decided. The cards follow within a moment."), operation.id)


def _roles() -> dict[str, str]:
    return {
        "accounting": _("any accounting system"),
        "shop": _("any shop"),
        "site": _("any site"),
        "mailbox": _("any mailbox"),
        "file": _("any file"),
    }
