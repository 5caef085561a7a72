"""A letter as we make them, the providers that may take it, and a server that plays one."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connectors.mail import brevo, mailgun, postmark, sendgrid, ses
from connectors.mail.calls import Client
from email_campaigns.delivery import mime
from tests.liar import Liar, liar

ID = "0192c0ffee007abc8def0123456789ab"
UNSUBSCRIBE = "https://crm.shop.example/m/u/" + "t" * 90
VALUES: dict[str, dict[str, str]] = {
    "ses": {"region": "eu-central-1", "access_key": "AKIDEXAMPLE", "secret_key": "wJalrXUtnFEMI/K7MDENG"},
    "mailgun": {"domain": "mg.shop.example", "key": "key-0123456789"},
    "postmark": {"key": "f00df00d-cafe", "stream": "broadcast"},
    "sendgrid": {"key": "SG.abcdefghij"},
    "brevo": {"key": "xkeysib-0123456789"},
}
PATHS = {
    "ses": "/v2/email/outbound-emails", "mailgun": "/v3/mg.shop.example/messages.mime",
    "postmark": "/email", "sendgrid": "/v3/mail/send", "brevo": "/v3/smtp/email",
}  # fmt: skip
MODULES: dict[str, Any] = {
    "ses": ses, "mailgun": mailgun, "postmark": postmark, "sendgrid": sendgrid, "brevo": brevo,
}  # fmt: skip
TAKEN: dict[str, tuple[int, Any, dict[str, str]]] = {
    "ses": (200, {"MessageId": "010f0195-000000"}, {}),
    "mailgun": (200, {"id": "<0192@shop.example>", "message": "Queued. Thank you."}, {}),
    "postmark": (200, {"ErrorCode": 0, "Message": "OK", "MessageID": "b7bc2f4a-e38e", "To": "x@y.z"}, {}),
    "sendgrid": (202, None, {"x_message_id": "14c5d75ce93"}),
    "brevo": (201, {"messageId": "<2026112207@smtp-relay.mailin.fr>"}, {}),
}
KINDS = tuple(VALUES)


def client(kind: str, address: str, **options: Any) -> Client:
    """A client of a provider that a local server plays."""
    made: Client = MODULES[kind].make(VALUES[kind] | options, allow_private=True, address=address)
    return made


@contextmanager
def provider() -> Iterator[Liar]:
    """A server that answers as providers do when they take a letter."""
    with liar() as server:
        for kind, path in PATHS.items():
            server.on(path, taking(kind))
        yield server


def taking(kind: str) -> Any:
    """The answer of a provider that took a letter."""
    status, said, headers = TAKEN[kind]
    body = b"" if said is None else json.dumps(said).encode()
    return lambda handler: handler.reply(status, body, **headers)


def letter(subject: str = "Новости для Ани", name: str = 'Shop "North" & Söhne') -> bytes:
    """Marketing, in the form that everything we send has."""
    mark = mime.boundary_of(b"0123456789abcdef")
    headers = [
        ("From", mime.mailbox(name, "news@shop.example")),
        ("To", "anna@example.org"),
        ("Subject", mime.unstructured(subject, 7)),
        ("Message-ID", f"<{ID}@shop.example>"),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/alternative;\r\n boundary="{mark}"'),
        ("Reply-To", "help@shop.example"),
        ("Feedback-ID", "m1:marketing:shop.example"),
        ("List-Id", "<news.shop.example>"),
        ("List-Unsubscribe", f"<{UNSUBSCRIBE}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ]
    body = mime.alternative("Dear Ани,\n.\nbye\n", '<p style="x">Dear Ани &amp; co</p>', mark)
    return b"DKIM-Signature: v=1; a=rsa-sha256; b=abc\r\n" + mime.block(headers) + b"\r\n" + body
