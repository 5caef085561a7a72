"""Joins letters and journeys with the outside: they may not call other hosts, and who may knows neither.

Every process that sends, or tries a transport out, calls `join` once (docs/decisions/0016). Clients are
imported at the first letter: the web process must start without them.
"""

import importlib
from collections.abc import Mapping
from functools import partial
from typing import Any

from email_campaigns.delivery.transports import outside
from email_campaigns.journeys import outside as calls
from foundation.context import current

PROVIDERS = ("ses", "mailgun", "postmark", "sendgrid", "brevo")


def join() -> None:
    """Offer what the connectors have."""
    for kind in PROVIDERS:
        outside.offer(kind, partial(_client, kind))
    outside.offer_tokens(_access)
    outside.offer_fetch(_fetch)
    calls.offer(_Caller)
    calls.offer_coupons(_coupons)


def _client(kind: str, values: Mapping[str, str]) -> outside.Client:
    made: outside.Client = _module(kind).make(values, allow_private=_private())
    return made


def _access(account: outside.Account) -> outside.Access:
    made: outside.Access = _module("oauth").access(
        account.provider, account.client_id, account.client_secret, account.refresh_token, account.tenant,
        allow_private=_private(),
    )  # fmt: skip
    return made


def _fetch(url: str) -> bytes:
    found: bytes = _module("sns").fetch(url)
    return found


class _Caller:
    """Calls of journeys."""

    def check(self, address: str) -> None:
        """Whether an address may be called."""
        importlib.import_module("connectors.outgoing").check(address, allow_private=_private())

    def callee(self, origin: str) -> calls.Callee:
        """A host to call."""
        module = importlib.import_module("connectors.outgoing")
        made: calls.Callee = module.Callee(origin, allow_private=_private())
        return made


def _coupons() -> calls.Coupons:
    found: calls.Coupons = importlib.import_module("web_capture.forms.handing")
    return found


def _module(name: str) -> Any:
    return importlib.import_module(f"connectors.mail.{name}")


def _private() -> bool:
    return current().settings.allow_private_addresses
