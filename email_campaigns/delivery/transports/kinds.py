"""The kinds of transports there are, each with what a person fills in for it."""

from collections.abc import Mapping

from email_campaigns.delivery.transports import file, smtp
from email_campaigns.delivery.transports.base import Kind, Setting, Way
from foundation.errors import BadInput
from foundation.text import _


def kinds() -> dict[str, Kind]:
    """By name, in the reader's language."""
    security = (
        ("starttls", _("STARTTLS, required (port 587)")),
        ("tls", _("TLS from the start (port 465)")),
        ("opportunistic", _("STARTTLS where offered, certificate unchecked")),
        ("none", _("none")),
    )
    events = (
        ("", _("none")),
        ("mailgun", "Mailgun"),
        ("postmark", "Postmark"),
        ("sendgrid", "SendGrid"),
        ("brevo", "Brevo"),
    )
    found = (
        Kind("smtp", _("SMTP server"), (
            Setting("host", _("Server"), _("Such as smtp.example.org."), required=True),
            Setting("port", _("Port"), _("Unset: the usual one.")),
            Setting("security", _("Encryption"), default="starttls", options=security),
            Setting("user", _("Account")),
            Setting("password", _("Password"), secret=True),
            Setting("hello", _("Our name"), _("How we greet it; unset: this machine's name.")),
            Setting("bounces", _("Bounces to"), _("A mailbox that takes name+anything@; unset: the sender.")),
            Setting("events", _("Events of"), _("Its webhooks tell of bounces."), options=events),
            Setting("events_key", _("Key of events"),
                    _("Mailgun: signing key; SendGrid: public key; else a secret of yours."), secret=True),
            Setting("connections", _("Connections at once"), _("Per worker process."), default="2"),
        ), lambda values: smtp.Smtp(smtp.read(values))),
        Kind("file", _("Folder"), (
            Setting("folder", _("Folder"), _("Each letter becomes a file there."), required=True),
        ), lambda values: file.Files(file.read(values))),
    )  # fmt: skip
    return {kind.name: kind for kind in found}


def make(kind: str, values: Mapping[str, str]) -> Way:
    """A closed way out; BadInput names what is wrong with the settings."""
    known = kinds().get(kind)
    if known is None:
        raise BadInput(_("There is no such kind of transport: %s.") % kind[:40], "kind")
    way: Way = known.make(values)
    return way
