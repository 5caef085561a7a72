"""The kinds of transports there are, each with what a person fills in for it."""

from collections.abc import Mapping
from functools import partial

from email_campaigns.delivery.transports import file, provided, smtp
from email_campaigns.delivery.transports.base import Kind, Setting, Way
from foundation.errors import BadInput
from foundation.text import _

# what SES sets in every letter by itself; a signature over these would be broken on the way
_SES_REWRITES = frozenset({"message-id", "date", "return-path", "bounces-to"})


def kinds() -> dict[str, Kind]:
    """By name, in the reader's language."""
    found = (
        Kind("smtp", _("SMTP server"), _smtp(), lambda values: smtp.Smtp(smtp.read(values))),
        _provider("ses", "Amazon SES", _ses(), signed="one", rewritten=_SES_REWRITES),
        _provider("mailgun", "Mailgun", _mailgun()),
        _provider("postmark", "Postmark", _postmark(), signed="none"),
        _provider("sendgrid", "SendGrid", _sendgrid(), signed="none"),
        _provider("brevo", "Brevo", (_key(_("An API key, version 3.")),), signed="none"),
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


def events_of(kind: str, values: Mapping[str, str]) -> str:
    """Whose events tell of this transport's letters; empty for none."""
    return values.get("events", "") if kind == "smtp" else kind if kind != "file" else ""


def _smtp() -> tuple[Setting, ...]:
    security = (
        ("starttls", _("STARTTLS, required (port 587)")),
        ("tls", _("TLS from the start (port 465)")),
        ("opportunistic", _("STARTTLS where offered, certificate unchecked")),
        ("none", _("none")),
    )
    events = (
        ("", _("none")),
        ("ses", "Amazon SES"),
        ("mailgun", "Mailgun"),
        ("postmark", "Postmark"),
        ("sendgrid", "SendGrid"),
        ("brevo", "Brevo"),
    )
    sign_in = (
        ("", _("a password")),
        ("google", _("Google (OAuth2)")),
        ("microsoft", _("Microsoft 365 (OAuth2)")),
    )
    return (
        Setting("host", _("Server"), _("Such as smtp.example.org."), required=True),
        Setting("port", _("Port"), _("Unset: the usual one.")),
        Setting("security", _("Encryption"), default="starttls", options=security),
        Setting("user", _("Account")),
        Setting("sign_in", _("Signs in with"), options=sign_in),
        Setting("password", _("Password"), secret=True),
        Setting("client_id", _("OAuth2 client"), _("Of the application you registered there.")),
        Setting("client_secret", _("OAuth2 client secret"), secret=True),
        Setting("refresh_token", _("OAuth2 refresh token"), _("Of the account that sends."), secret=True),
        Setting("tenant", _("Microsoft tenant"), _("Its id or domain; unset: common.")),
        Setting("hello", _("Our name"), _("How we greet it; unset: this machine's name.")),
        Setting("bounces", _("Bounces to"), _("A mailbox that takes name+anything@; unset: the sender.")),
        Setting("events", _("Events of"), _("Its webhooks tell of bounces."), options=events),
        Setting("events_key", _("Key of events"),
                _("Mailgun: signing key; SendGrid: public key; SES: the topic's ARN; else a secret."),
                secret=True),
        _connections("2"),
    )  # fmt: skip


def _provider(
    name: str, label: str, settings: tuple[Setting, ...], signed: str = "both",
    rewritten: frozenset[str] = frozenset(),
) -> Kind:  # fmt: skip
    words = {
        "ses": _("The ARN of the SNS topic that its events come from."),
        "mailgun": _("The HTTP webhook signing key."),
        "sendgrid": _("The public key of the signed event webhook."),
    }
    key = words.get(name, _("A secret of yours, at the end of the webhook's address."))
    events = Setting("events_key", _("Key of events"), key, secret=True)
    return Kind(name, label, (*settings, events, _connections("4")), partial(_made, name), signed, rewritten)


def _made(name: str, values: Mapping[str, str]) -> Way:
    return provided.Provided(name, provided.read(name, values))


def _connections(usual: str) -> Setting:
    return Setting("connections", _("Connections at once"), _("Per worker process."), default=usual)


def _key(help_: str) -> Setting:
    return Setting("key", _("Key"), help_, secret=True, required=True)


def _region() -> Setting:
    return Setting("region", _("Region"), options=(("", _("United States")), ("eu", _("European Union"))))


def _ses() -> tuple[Setting, ...]:
    return (
        Setting("region", _("Region"), _("Such as eu-central-1."), required=True),
        Setting("access_key", _("Access key id"), required=True),
        Setting("secret_key", _("Secret access key"), secret=True, required=True),
        Setting("configuration_set", _("Configuration set"), _("The one that publishes its events.")),
    )


def _mailgun() -> tuple[Setting, ...]:
    domain = Setting("domain", _("Domain"), _("Such as mg.example.org."), required=True)
    return (domain, _key(_("A sending key of the domain, or the account's.")), _region())


def _postmark() -> tuple[Setting, ...]:
    stream = Setting("stream", _("Message stream"), _("Marketing has to go by a broadcast stream."),
                     required=True, default="broadcast")  # fmt: skip
    return (_key(_("The server's API token.")), stream)


def _sendgrid() -> tuple[Setting, ...]:
    return (_key(_("An API key that may send (mail.send).")), _region())
