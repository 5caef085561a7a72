"""Access tokens of big mailboxes: a refresh token is exchanged for one."""

from typing import NamedTuple
from urllib.parse import quote

from connectors.http import Http
from connectors.mail.calls import said_of, words_of
from foundation.errors import Misconfigured, Temporary

ADDRESSES = {"google": "https://oauth2.googleapis.com", "microsoft": "https://login.microsoftonline.com"}
_TITLES = {"google": "Google", "microsoft": "Microsoft"}
_SCOPES = {"google": "https://mail.google.com/", "microsoft": "https://outlook.office.com/SMTP.Send"}


class Access(NamedTuple):
    """A token, for how many seconds, and the refresh token from now on."""

    token: str
    seconds: float
    refresh_token: str


def access(
    provider: str, client_id: str, client_secret: str, refresh_token: str, tenant: str = "",
    *, allow_private: bool = False, address: str = "", scope: str = "",
) -> Access:  # fmt: skip
    """A fresh token, for sending unless another `scope` is named; Misconfigured says what is to be done."""
    scope = scope or _SCOPES[provider]
    path = "token" if provider == "google" else f"{quote(tenant or 'common', safe='')}/oauth2/v2.0/token"
    asked = {
        "client_id": client_id, "client_secret": client_secret, "refresh_token": refresh_token,
        "grant_type": "refresh_token",
    }  # fmt: skip
    if provider == "microsoft":
        asked["scope"] = f"{scope} offline_access"
    with Http(address or ADDRESSES[provider], allow_private=allow_private, max_bytes=200_000) as http:
        reply = http.request("POST", path, data=asked, repeatable=True, allow=(400, 401, 403))
    said = said_of(reply)
    if reply.status >= 400:
        raise _refused(provider, scope, said.get("error"), words_of(said.get("error_description")))
    token, seconds = said.get("access_token"), said.get("expires_in")
    if not isinstance(token, str) or not token or not isinstance(seconds, int | float | str):
        raise Temporary(f"{_TITLES[provider]} answers without a token.")
    renewed = said.get("refresh_token")
    return Access(
        token, _seconds(seconds), renewed if isinstance(renewed, str) and renewed else refresh_token
    )


def _seconds(said: float | str) -> float:
    try:
        return min(max(float(said), 0.0), 86_400.0)
    except ValueError:
        return 0.0


def _refused(provider: str, scope: str, code: object, words: str) -> Misconfigured:
    title, said = _TITLES[provider], f" ({words[:200]})" if words else ""
    if code == "invalid_client":
        return Misconfigured(
            f"{title} doesn't take the OAuth2 client or its secret{said}. Look them up or make a new one.",
            "client_secret",
        )
    if code in ("invalid_scope", "unauthorized_client", "consent_required"):
        return Misconfigured(
            f"{title}: the application may not do that{said}. Grant {scope}, sign in again.",
            "client_id",
        )
    return Misconfigured(
        f"{title} doesn't take the refresh token any more{said}. Sign in to the mailbox again, grant "
        f"{scope}, and paste the new one.",
        "refresh_token",
    )
