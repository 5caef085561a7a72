"""Settings of sending: the stop switch, limits, transports, senders and their domains."""

from typing import Any
from zoneinfo import available_timezones

from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.pages import letters
from console.web import Call
from customers import ours
from customers.tables import Ours
from email_campaigns import secret
from email_campaigns.delivery import domains, senders
from email_campaigns.delivery.transports import kinds
from email_campaigns.tables import MailDomain, MailSwitch, Sender, Transport
from foundation.context import Context
from foundation.errors import BadInput
from foundation.text import _

HERE = "/settings/mail"


def context(call: Call) -> Context:
    """What sending works with, of this application."""
    return Context(call.settings, call.request.app.state.sealer)


def show(call: Call, status: int = 200, wrong: dict[str, str] | None = None) -> Response:
    """Everything about sending on one page."""
    row = secret.switch(call.db, context(call))
    listed = senders.transports(call.db)
    return call.page(
        "settings_mail.html", status, row=row, at_home=secret.at_home(call.db, row, context(call)),
        transports=listed, kinds=kinds.kinds(), used=senders.last_used(call.db),
        senders=senders.everyone(call.db),
        names={one.id: one.name for one in listed}, domains=domains.everything(call.db),
        domain_of=senders.domain_of, zones=sorted(available_timezones()), typed=call.fields(),
        wrong=wrong or {}, secure=context(call).public_url.startswith("https://"),
        public_url=context(call).public_url, ours=_company(call),
    )  # fmt: skip


def _company(call: Call) -> Ours:
    """Who we are; as the newest letter says where nobody has saved it yet."""
    found = ours.read(call.db)
    if not found.name:
        name, address = letters.company_of(call)
        return Ours(id=1, name=name, tax_number=found.tax_number, address=address)
    return found


def save_company(call: Call) -> Response:
    """Say who we are."""
    ours.save(
        call.db, call.text("company", 500), call.text("tax_number", 40), call.text("postal_address", 500)
    )
    return call.go(f"{HERE}#company", _("Saved. New letters and statements say so."))


def save_limits(call: Call) -> Response:
    """Set the cap, the quiet hours and the usual zone."""
    row = secret.switch(call.db, context(call))
    try:
        _set(row, call.fields())
    except BadInput as error:
        call.db.rollback()
        return show(call, 422, {error.at: error.message})
    return call.go(HERE, _("Saved. It holds for every letter that hasn't left yet."))


def _set(row: MailSwitch, said: dict[str, str]) -> None:
    limits = {"cap": (0, 1000), "cap_days": (1, 365), "quiet_from": (0, 23), "quiet_until": (0, 23)}
    for name, (least, most) in limits.items():
        text = said.get(name, "")
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise BadInput(_("A number from %(least)s to %(most)s.") % {"least": least, "most": most}, name)
        setattr(row, name, int(text))
    if said.get("zone") not in available_timezones():
        raise BadInput(_("There is no such time zone."), "zone")
    row.zone = said["zone"]


def stop(call: Call) -> Response:
    """Nothing leaves from now on."""
    secret.switch(call.db, context(call))
    secret.stop(call.db, call.text("reason", 300), call.actor)
    return call.go(HERE, _("Sending is stopped. What was handed over already has left."))


def go(call: Call) -> Response:
    """Send again."""
    secret.go(call.db, call.actor)
    return call.go(HERE, _("Sending goes on."))


def confirm(call: Call) -> Response:
    """This is the installation that sends."""
    secret.confirm(call.db, call.actor, context(call))
    return call.go(HERE, _("Confirmed: this installation sends."))


def add_sender(call: Call) -> Response:
    """A new sender; its domain gets its keys."""
    try:
        via = senders.transport(call.db, call.text("transport", 60))
        row = senders.add(
            call.db, context(call).sealer, call.text("name"), call.text("address"), via, call.text("reply_to")
        )
    except BadInput as error:
        call.db.rollback()
        return show(call, 422, {f"sender_{error.at}": error.message})
    return call.go(
        f"{HERE}/domains/{senders.domain_of(row)}", _("Added. Publish these records before you send much.")
    )


def remove_sender(call: Call) -> Response:
    """Offer a sender no more."""
    row = call.db.get(Sender, call.id())
    if row is None:
        raise HTTPException(404)
    senders.remove(call.db, row)
    return call.go(HERE, _("“%s” is offered no more.") % row.address)


def domain(call: Call, findings: dict[str, Any] | None = None) -> Response:
    """What to publish for a domain, and what was found when somebody looked last."""
    row = _domain(call)
    hosts = senders.hosts(call.db, context(call).sealer)
    return call.page(
        "mail_domain.html", row=row, records=domains.records(context(call).sealer, row, hosts),
        findings=row.findings,
    )  # fmt: skip


def look(call: Call) -> Response:
    """Ask DNS what is published."""
    row = _domain(call)
    hosts = senders.hosts(call.db, context(call).sealer)
    domains.look(row, domains.records(context(call).sealer, row, hosts))
    return call.go(f"{HERE}/domains/{row.domain}")


def renew(call: Call) -> Response:
    """Fresh keys for a domain."""
    row = _domain(call)
    domains.renew(call.db, context(call).sealer, row)
    return call.go(f"{HERE}/domains/{row.domain}", _("There are new keys: publish them now."))


def _domain(call: Call) -> MailDomain:
    row = call.db.get(MailDomain, call.request.path_params["domain"][:253])
    if row is None:
        raise HTTPException(404)
    return row


def transport_of(call: Call) -> Transport:
    """The transport of the address; 404 when there is none."""
    row = call.db.get(Transport, call.id())
    if row is None:
        raise HTTPException(404)
    return row
