"""Signing in to a big mailbox with a token instead of a password (XOAUTH2).

A refresh token is exchanged for an access token through `outside`, which is kept in this process until
shortly before its end. Microsoft hands out a new refresh token with it: `Smtp.renewed` brings that home.
"""

import smtplib
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from email_campaigns.delivery.transports import outside
from foundation.clock import monotonic
from foundation.errors import BadInput, Misconfigured
from foundation.text import _

EARLY = 120.0  # seconds before its end that a token isn't used any more
PROVIDERS = ("google", "microsoft")


@dataclass(frozen=True)
class Account:
    """Whose mailbox, and what proves that we may use it."""

    provider: str
    user: str
    client_id: str
    client_secret: str
    refresh_token: str
    tenant: str = ""


_kept: dict[Account, tuple[str, float]] = {}
_lock = threading.Lock()


def read(values: Mapping[str, str]) -> Account | None:
    """The account of what a person typed; None where a password signs in. BadInput names what is missing."""
    provider = values.get("sign_in", "")
    if not provider:
        return None
    if provider not in PROVIDERS:
        raise BadInput(_("Sign in with a password, Google or Microsoft."), "sign_in")
    names = ("user", "client_id", "client_secret", "refresh_token", "tenant")
    said = {name: values.get(name, "").strip() for name in names}
    for name in ("user", "client_id", "client_secret", "refresh_token"):
        if not said[name]:
            raise BadInput(_("Signing in with OAuth2 needs this too."), name)
    if not all(one.isalnum() or one in ".-" for one in said["tenant"]):
        raise BadInput(_("Give the tenant's id or domain."), "tenant")
    return Account(provider, **said)


def token(account: Account) -> tuple[str, bool, str]:
    """An access token, whether it was one that we had, and a new refresh token where there is one."""
    with _lock:
        kept, until = _kept.get(account, ("", 0.0))
        if kept and monotonic() < until - EARLY:
            return kept, True, ""
        found = outside.access(account)
        until = monotonic() + found.seconds
        _kept[account] = found.token, until
        fresh = found.refresh_token if found.refresh_token != account.refresh_token else ""
        if fresh:
            _kept[renewed(account, fresh)] = found.token, until
        return found.token, False, fresh


def renewed(account: Account, refresh_token: str) -> Account:
    """The account with a newer refresh token."""
    return Account(account.provider, account.user, account.client_id, account.client_secret, refresh_token,
                   account.tenant)  # fmt: skip


def forget(account: Account) -> None:
    """Don't use the token that is kept: the server refused it."""
    with _lock:
        _kept.pop(account, None)


def sign_in(smtp: smtplib.SMTP, account: Account) -> str:
    """Sign in; answers a new refresh token where there is one. Raises what smtplib raises for a kept token
    that is refused, and Misconfigured for a fresh one."""
    access, had, fresh = token(account)
    said = f"user={account.user}\x01auth=Bearer {access}\x01\x01"
    smtp.ehlo_or_helo_if_needed()
    try:
        smtp.auth("XOAUTH2", lambda challenge=None: said if challenge is None else "")
    except smtplib.SMTPAuthenticationError as error:
        forget(account)
        if had or 400 <= error.smtp_code < 500:
            raise
        raise Misconfigured(_refused(account, error), "refresh_token") from error
    return fresh


def _refused(account: Account, error: smtplib.SMTPAuthenticationError) -> str:
    words = {
        "google": _(
            "The server refuses the token of %s (%s). Does the refresh token belong to this account, and was "
            "it granted https://mail.google.com/?"
        ),
        "microsoft": _(
            "The server refuses the token of %s (%s). Does the refresh token belong to this account, was it "
            "granted SMTP.Send, and is “Authenticated SMTP” switched on for the mailbox?"
        ),
    }
    text = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else str(error)
    return words[account.provider] % (account.user, f"{error.smtp_code} {text}"[:200])
