"""Transports: a new one, its settings, a test that says what it tried and what came back."""

from typing import Any

from starlette.responses import Response

from console.pages.mail_settings import HERE, context, transport_of
from console.web import Call
from email_campaigns.delivery import rates, senders
from email_campaigns.delivery.transports import kinds
from email_campaigns.tables import Transport
from foundation.clock import now
from foundation.errors import BadInput
from foundation.text import _


def ask(call: Call) -> Response:
    """What a new transport needs."""
    kind = call.query("kind", 20)
    return _form(call, None, kind if kind in kinds.kinds() else "smtp")


def _form(
    call: Call, row: Transport | None, kind: str, status: int = 200, wrong: dict[str, str] | None = None
) -> Response:
    known = kinds.kinds()
    before = senders.settings_of(context(call).sealer, row) if row is not None else {}
    typed = call.fields()
    values = {
        one.name: "" if one.secret else typed.get(one.name, before.get(one.name, one.default))
        for one in known[kind].settings
    }
    return call.page(
        "mail_transport.html", status, row=row, kind=known[kind], kinds=known, values=values,
        wrong=wrong or {}, typed=typed,
        kept={one.name for one in known[kind].settings if one.secret and before.get(one.name)},
        hook=_hook(call, row, before), today=rates.warm_up(row, now()) if row is not None else None,
        caps=_lines(row) if row is not None else "",
    )  # fmt: skip


def _hook(call: Call, row: Transport | None, values: dict[str, str]) -> str:
    """Where the provider's webhook is to tell of letters; nothing without one."""
    provider = kinds.events_of(row.kind, values) if row is not None else ""
    if not provider or row is None:
        return ""
    secret = "/" + _("YOUR-SECRET") if provider in ("postmark", "brevo") else ""
    return f"{context(call).public_url}/hooks/mail/{row.id}/{provider}{secret}"


def _lines(row: Transport) -> str:
    """Limits per domain as they are typed: one line each."""
    return "\n".join(
        f"{name} {one['per_hour']}" for name, one in sorted(row.domains.items()) if "per_hour" in one
    )


def create(call: Call) -> Response:
    """Make it and go to its page."""
    kind = call.text("kind", 20)
    try:
        row = senders.add_transport(
            call.db, context(call).sealer, call.text("name"), kind, call.fields(), **_options(call)
        )
    except BadInput as error:
        call.db.rollback()
        return _form(call, None, kind if kind in kinds.kinds() else "smtp", 422, {error.at: error.message})
    return call.go(f"{HERE}/transports/{row.id}", _("Added. Try it out before letters depend on it."))


def show(call: Call) -> Response:
    """Its settings; the password isn't shown."""
    row = transport_of(call)
    return _form(call, row, row.kind)


def save(call: Call) -> Response:
    """Keep what was typed; an empty password stays as it is."""
    row = transport_of(call)
    try:
        senders.change_transport(call.db, context(call).sealer, row, call.fields(), **_options(call))
    except BadInput as error:
        call.db.rollback()
        row = transport_of(call)
        return _form(call, row, row.kind, 422, {error.at: error.message})
    return call.go(f"{HERE}/transports/{row.id}", _("Saved."))


def _options(call: Call) -> dict[str, Any]:
    caps: dict[str, int] = {}
    for line in call.text("domains", 20_000).splitlines():
        name, _blank, most = line.strip().rpartition(" ")
        if not line.strip():
            continue
        if not most.isascii() or not most.isdigit() or int(most) < 1 or not name.strip():
            raise BadInput(
                _("“%s”: write a domain, a blank and the letters per hour.") % line[:60], "domains"
            )
        caps[name] = int(most)
    return {"per_hour": call.text("per_hour", 20), "warm_up": call.text("warm_up") == "yes", "domains": caps}


def try_it(call: Call) -> Response:
    """Connect and sign in, send nothing."""
    row = transport_of(call)
    works, said = senders.trial(context(call).sealer, row)
    mark = _("It works.") if works else _("It doesn't work.")
    return call.go(f"{HERE}/transports/{row.id}", f"{mark} {said}")


def pause(call: Call) -> Response:
    """Send nothing by it for a while."""
    senders.pause(call.db, transport_of(call), _("Paused by %s.") % call.actor)
    return call.go(f"{HERE}/transports/{call.id()}", _("Paused. Its letters wait."))


def resume(call: Call) -> Response:
    """Send by it again."""
    senders.resume(call.db, transport_of(call))
    return call.go(f"{HERE}/transports/{call.id()}", _("Its letters leave again."))
