"""Access tokens: what is asked of Google and Microsoft, and what their refusals say to whoever can act."""

from typing import Any
from urllib.parse import parse_qs

import pytest

from connectors.mail import oauth
from foundation.errors import Misconfigured, Temporary
from tests.liar import answer, liar, raw

SECRETS = ("the-client", "the-client-secret", "the-refresh-token")
PATHS = {"google": "/token", "microsoft": "/contoso.example/oauth2/v2.0/token"}


def ask(provider: str, address: str) -> oauth.Access:
    return oauth.access(provider, *SECRETS, "contoso.example", allow_private=True, address=address)


@pytest.mark.parametrize("provider", ["google", "microsoft"])
def test_a_refresh_token_is_exchanged(provider: str) -> None:
    with liar() as server:
        server.on(PATHS[provider], answer({"access_token": "ya29.abc", "expires_in": 3599}))
        assert ask(provider, server.url) == oauth.Access("ya29.abc", 3599.0, "the-refresh-token")
        method, _path, headers, body = server.requests[0]
    said = parse_qs(body.decode())
    assert method == "POST" and headers["content-type"] == "application/x-www-form-urlencoded"
    assert said["grant_type"] == ["refresh_token"] and said["refresh_token"] == ["the-refresh-token"]
    assert ("SMTP.Send" in said.get("scope", [""])[0]) == (provider == "microsoft")


def test_a_new_refresh_token_comes_back() -> None:
    with liar() as server:
        server.on(PATHS["microsoft"], answer(
            {"access_token": "a", "expires_in": "3599", "refresh_token": "the-next"}))  # fmt: skip
        assert ask("microsoft", server.url).refresh_token == "the-next"


@pytest.mark.parametrize(
    ("status", "code", "setting", "words"),
    [
        (400, "invalid_grant", "refresh_token", "paste the new one"),
        (401, "invalid_client", "client_secret", "make a new one"),
        (400, "unauthorized_client", "client_id", "sign in again"),
        (400, "invalid_scope", "client_id", "sign in again"),
    ],
)
@pytest.mark.parametrize("provider", ["google", "microsoft"])
def test_a_refusal_says_what_to_do(provider: str, status: int, code: str, setting: str, words: str) -> None:
    with liar() as server:
        server.on(
            PATHS[provider], answer({"error": code, "error_description": "AADSTS70008: expired"}, status)
        )
        with pytest.raises(Misconfigured, match=words) as error:
            ask(provider, server.url)
    assert error.value.setting == setting and "AADSTS70008" in str(error.value)
    assert not any(secret in str(error.value) for secret in SECRETS)


@pytest.mark.parametrize("said", [{}, {"access_token": ""}, {"access_token": ["x"], "expires_in": 1}])
def test_an_answer_without_a_token_is_tried_later(said: Any) -> None:
    with liar() as server:
        server.on(PATHS["google"], answer(said))
        with pytest.raises(Temporary):
            ask("google", server.url)


def test_a_page_and_nonsense_are_tried_later(monkeypatch: pytest.MonkeyPatch) -> None:
    with liar() as server:
        server.on(PATHS["google"], raw(b"<html>sign in to the hotel's network</html>"))
        with pytest.raises(Temporary):
            ask("google", server.url)
        server.on(PATHS["google"], answer({"access_token": "a", "expires_in": "soon"}))
        assert ask("google", server.url).seconds == 0
