"""Trying a provider out sends nothing and says what it found, without the key."""

from typing import Any

import pytest

from foundation.errors import KartotekaError
from tests.connectors.mail.letters import VALUES, client
from tests.liar import answer, liar, raw

CHECKS = [
    ("ses", "/v2/email/account", answer({"SendingEnabled": True}), "may send"),
    ("ses", "/v2/email/account", answer({"ProductionAccessEnabled": False}), "sandbox"),
    ("ses", "/v2/email/account", answer({"Message": "no"}, 403, x_amzn_errortype="AccessDeniedException:x"),
     "knows the key"),
    ("mailgun", "/v3/mg.shop.example/messages", answer({"message": "from is missing"}, 400), "takes"),
    ("postmark", "/message-streams/broadcast", answer({"ID": "broadcast"}), "stream broadcast"),
    ("sendgrid", "/v3/scopes", answer({"scopes": ["mail.send"]}), "may send"),
    ("brevo", "/v3/account", answer({"email": "me@shop.example"}), "me@shop.example"),
]  # fmt: skip
WRONG = [
    (
        "ses",
        "/v2/email/account",
        answer({"message": "bad"}, 403, x_amzn_errortype="InvalidSignatureException"),
    ),
    ("ses", "/v2/email/account", answer({"SendingEnabled": False})),
    ("mailgun", "/v3/mg.shop.example/messages", answer({"message": "Domain not found"}, 404)),
    ("mailgun", "/v3/mg.shop.example/messages", raw(b"Forbidden", 401)),
    ("postmark", "/message-streams/broadcast", answer({"ErrorCode": 10, "Message": "No token"}, 401)),
    ("postmark", "/message-streams/broadcast", answer({"ErrorCode": 1226, "Message": "none"}, 404)),
    ("sendgrid", "/v3/scopes", answer({"scopes": ["stats.read"]})),
    ("brevo", "/v3/account", answer({"code": "unauthorized", "message": "Key not found"}, 401)),
]


@pytest.mark.parametrize(("kind", "path", "act", "words"), CHECKS)
def test_trying_out_says_what_it_found(kind: str, path: str, act: Any, words: str) -> None:
    with liar() as server:
        server.on(path, act)
        assert words in client(kind, server.url).check()


@pytest.mark.parametrize(("kind", "path", "act"), WRONG)
def test_trying_out_says_what_is_wrong(kind: str, path: str, act: Any) -> None:
    with liar() as server:
        server.on(path, act)
        with pytest.raises(KartotekaError) as error:
            client(kind, server.url).check()
        secret = VALUES[kind].get("key") or VALUES[kind]["secret_key"]
        assert secret not in str(error.value)
