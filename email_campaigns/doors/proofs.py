"""How a provider proves that events are its own, on the bytes as they came and in constant time. Pure."""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

_PEM = re.compile(r"-----[A-Z ]+-----|\s")
SENDGRID_SIGNATURE = "x-twilio-email-event-webhook-signature"
SENDGRID_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"


def holds(provider: str, key: str, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether these bytes are proved by what was set for the provider."""
    if provider == "mailgun":
        return _mailgun(key, body)
    if provider == "sendgrid":
        return _sendgrid(key, headers, body)
    return _same(secret, key) if secret else _basic(key, headers.get("authorization", ""))


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def _basic(key: str, said: str) -> bool:
    """Basic authentication with the secret as its password, or as a bearer token."""
    scheme, _blank, value = said.partition(" ")
    if scheme.lower() == "bearer":
        return _same(value.strip(), key)
    if scheme.lower() != "basic":
        return False
    try:
        plain = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return False
    return _same(plain.partition(":")[2], key)


def _mailgun(key: str, body: bytes) -> bool:
    """Hex HMAC-SHA256 of timestamp and token; retries carry the first timestamp, so its age says nothing."""
    try:
        said: Any = msgspec.json.decode(body)
        signed = said["signature"] if isinstance(said, dict) else None
    except (msgspec.MsgspecError, KeyError, RecursionError):
        signed = {
            name: values[0]
            for name, values in parse_qs(body.decode("utf-8", "replace"), max_num_fields=None).items()
        }
    if not isinstance(signed, dict):
        return False
    timestamp, token, given = (str(signed.get(name, "")) for name in ("timestamp", "token", "signature"))
    if not timestamp or not token:
        return False
    made = hmac.new(key.encode(), f"{timestamp}{token}".encode("utf-8", "replace"), sha256).hexdigest()
    return _same(made, given)


def _sendgrid(key: str, headers: Mapping[str, str], body: bytes) -> bool:
    """ECDSA over the timestamp and the raw body."""
    try:
        public = load_der_public_key(base64.b64decode(_PEM.sub("", key)))
        signature = base64.b64decode(headers.get(SENDGRID_SIGNATURE, ""), validate=True)
        if not isinstance(public, ec.EllipticCurvePublicKey) or not signature:
            return False
        timestamp = headers.get(SENDGRID_TIMESTAMP, "").encode("latin-1", "replace")
        public.verify(signature, timestamp + body, ec.ECDSA(SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, binascii.Error):
        return False
    return True
