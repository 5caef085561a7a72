"""Mailboxes that are signed in to with a token: which one, when a fresh one, and what a person is told."""

import base64
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from aiosmtpd.smtp import AuthResult

from email_campaigns.delivery import engine as sending
from email_campaigns.delivery import senders
from email_campaigns.delivery.transports import kinds, oauth, outside, smtp
from email_campaigns.tables import Transport
from foundation.database import transaction
from foundation.errors import BadInput, Misconfigured, Temporary
from kartoteka import posting
from tests.email_campaigns.delivery.mailserver import Behaviour, mail_server
from tests.email_campaigns.delivery.world import House

VALUES = {
    "host": "127.0.0.1", "security": "none", "user": "news@shop.example", "sign_in": "google",
    "client_id": "client", "client_secret": "secret", "refresh_token": "first",
}  # fmt: skip


class Access(NamedTuple):
    token: str
    seconds: float
    refresh_token: str


class Provider:
    """Hands out tokens, each other than the last one."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.renews = False
        self.error: Exception | None = None

    def __call__(self, account: outside.Account) -> Access:
        self.asked.append(account.refresh_token)
        if self.error:
            raise self.error
        number = len(self.asked)
        return Access(f"token-{number}", 3600.0, f"next-{number}" if self.renews else account.refresh_token)


@pytest.fixture
def tokens(clock: Any) -> Iterator[Provider]:
    made = Provider()
    outside.offer_tokens(made)
    oauth._kept.clear()
    yield made
    posting.join()
    oauth._kept.clear()


@pytest.fixture
def server() -> Iterator[tuple[Behaviour, int]]:
    """A mail server that asks for a sign-in, in the clear."""
    with mail_server(users={"nobody": "x"}) as running:
        yield running


@pytest.fixture
def door(box: Behaviour, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whom the server lets in: the tokens in this list; `seen` on the box are those that were shown."""
    good = ["token-1", "token-2", "token-3"]
    box.seen = []  # type: ignore[attr-defined]

    async def auth_xoauth2(self: Any, server: Any, args: list[str]) -> AuthResult:
        said = base64.b64decode(args[1]).decode()
        user, bearer = said.rstrip("\x01").split("\x01")
        self.seen.append((user, bearer))
        if bearer.removeprefix("auth=Bearer ") in good:
            return AuthResult(success=True, auth_data=user)
        await server.challenge_auth(base64.b64encode(b'{"status":"400","schemes":"Bearer"}'), False)
        return AuthResult(success=False, handled=False)

    monkeypatch.setattr(Behaviour, "auth_XOAUTH2", auth_xoauth2, raising=False)
    return good


def way(port: int, **changes: str) -> smtp.Smtp:
    return smtp.Smtp(smtp.read(VALUES | {"port": str(port)} | changes))


def opened(port: int) -> None:
    """Sign in once, and leave."""
    one = way(port)
    one.open()
    assert one.is_open
    one.close()


def test_the_token_is_shown_and_kept(
    server: Any, tokens: Provider, door: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    box, port = server
    for _turn in range(3):
        opened(port)
    assert box.seen == [("user=news@shop.example", "auth=Bearer token-1")] * 3
    assert tokens.asked == ["first"]
    began = oauth.monotonic()
    monkeypatch.setattr(oauth, "monotonic", lambda: began + 3600 - oauth.EARLY)
    opened(port)
    assert box.seen[-1][1] == "auth=Bearer token-2"


def test_a_token_that_was_withdrawn_is_asked_for_anew_once(
    server: Any, tokens: Provider, door: list[str]
) -> None:
    box, port = server
    opened(port)
    door.remove("token-1")
    opened(port)
    assert [seen[1][-7:] for seen in box.seen] == ["token-1", "token-1", "token-2"]


def test_a_fresh_token_that_is_refused_says_what_to_do(
    server: Any, tokens: Provider, door: list[str]
) -> None:
    door.clear()
    with pytest.raises(Misconfigured, match=r"mail\.google\.com") as error:
        way(server[1]).open()
    assert error.value.setting == "refresh_token" and "token-1" not in str(error.value)
    with pytest.raises(Misconfigured, match="Authenticated SMTP"):
        way(server[1], sign_in="microsoft").open()


def test_what_the_provider_says_is_passed_on(server: Any, tokens: Provider, door: list[str]) -> None:
    tokens.error = Misconfigured("Google doesn't take the refresh token any more.", "refresh_token")
    with pytest.raises(Misconfigured, match="any more"):
        way(server[1]).open()
    tokens.error = Temporary("Google can't be reached.")
    with pytest.raises(Temporary):
        way(server[1]).open()


def switch(house: House, port: int, **changes: str) -> None:
    with transaction(house.engine) as session:
        row = session.get_one(Transport, house.transport)
        values = VALUES | {"port": str(port), "password": ""} | changes
        senders.change_transport(session, house.sealer, row, values)


def kept(house: House) -> str:
    with transaction(house.engine) as session:
        return senders.settings_of(house.sealer, session.get_one(Transport, house.transport))["refresh_token"]


def test_letters_leave_and_a_new_refresh_token_is_kept(
    house: House, server: Any, tokens: Provider, door: list[str], send: Any
) -> None:
    tokens.renews = True
    switch(house, server[1], sign_in="microsoft")
    house.crowd(3)
    house.plan()
    send()
    sending.rest(house.engine)
    assert house.states() == {"accepted": 3}
    assert kept(house) == "next-1"
    house.plan(step="test:later", purpose="transactional")
    send()
    sending.rest(house.engine)
    assert house.states() == {"accepted": 6} and tokens.asked == ["first"]  # the new one isn't spent at once


def test_what_a_person_pasted_meanwhile_isnt_overwritten(house: House, server: Any, tokens: Provider) -> None:
    switch(house, server[1])
    with transaction(house.engine) as session:
        row = session.get_one(Transport, house.transport)
        used = senders.settings_of(house.sealer, row)
    switch(house, server[1], refresh_token="pasted")
    with transaction(house.engine) as session:
        senders.renewed(session, house.sealer, house.transport, used, {"refresh_token": "next-1"})
    assert kept(house) == "pasted"


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"refresh_token": ""}, "refresh_token"),
        ({"client_id": ""}, "client_id"),
        ({"client_secret": " "}, "client_secret"),
        ({"user": ""}, "user"),
        ({"sign_in": "yahoo"}, "sign_in"),
        ({"tenant": "a/b"}, "tenant"),
    ],
)
def test_what_is_missing_is_named(changes: dict[str, str], at: str) -> None:
    with pytest.raises(BadInput) as error:
        kinds.make("smtp", VALUES | changes)
    assert error.value.at == at
