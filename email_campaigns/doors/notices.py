"""Notifications of Amazon (SNS), which SES's events come in: genuine ones of our topic, and its confirmation.

A notification is signed by a certificate that it names; that is believed because it lies on a host of
Amazon's notification service, read over TLS. Whoever has an account there gets such signatures, so a topic
must be named as well: its ARN is the key of events.
"""

import base64
import binascii
import hmac
import importlib
import re
from typing import Any
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from email_campaigns.delivery.transports import outside
from foundation.clock import now
from foundation.errors import KartotekaError

_HOST = re.compile(r"sns\.[a-z]{2}(-[a-z]+)+-\d{1,2}\.amazonaws\.com(\.cn)?")
_CONFIRM = ("SubscriptionConfirmation", "UnsubscribeConfirmation")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    **dict.fromkeys(
        _CONFIRM, ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    ),
}
MOST_CERTIFICATES = 8
_certificates: dict[str, Any] = {}


def take(topic: str, body: bytes) -> tuple[int, str]:
    """0 for a genuine notification of the topic, whose events are to be read; else what to answer."""
    try:
        said: Any = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        return 400, "no notification"
    if not isinstance(said, dict) or str(said.get("Type")) not in _SIGNED:
        return 400, "no notification"
    arn = str(said.get("TopicArn", ""))
    if not hmac.compare_digest(arn.encode("utf-8", "replace"), topic.encode("utf-8", "replace")):
        return 401, "not proved"
    try:
        if not genuine(said):
            return 401, "not proved"
        if said["Type"] == "Notification":
            return 0, ""
        if said["Type"] == "SubscriptionConfirmation":
            if not _amazons(url := str(said.get("SubscribeURL", ""))):
                return 401, "not proved"
            outside.fetched(url)
    except KartotekaError as error:
        return 503, str(error)[:200]  # it is sent again
    return 200, "thanks"


def genuine(said: dict[str, Any]) -> bool:
    """Whether Amazon signed what this says. Raises what reading the certificate raises."""
    url, version = str(said.get("SigningCertURL", "")), said.get("SignatureVersion")
    if not _amazons(url) or not urlsplit(url).path.endswith(".pem") or version not in ("1", "2"):
        return False
    try:
        signature = base64.b64decode(str(said.get("Signature", "")), validate=True)
    except (binascii.Error, ValueError):
        return False
    names = [name for name in _SIGNED[said["Type"]] if said.get(name) is not None]
    text = "".join(f"{name}\n{said[name]}\n" for name in names)
    public = _certificate(url).public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        return False
    hashed = SHA1() if version == "1" else SHA256()  # noqa: S303 (the older of their two ways)
    try:
        public.verify(signature, text.encode("utf-8", "replace"), padding.PKCS1v15(), hashed)
    except InvalidSignature:
        return False
    return True


def _amazons(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and bool(_HOST.fullmatch(parts.netloc))


def _certificate(url: str) -> Any:
    """The certificate at an address of Amazon's, read once until it ends."""
    kept = _certificates.get(url)
    if kept is None or not kept.not_valid_before_utc <= now() <= kept.not_valid_after_utc:
        try:
            # at the first notification: the web process needs it for nothing else
            x509 = importlib.import_module("cryptography.x509")
            kept = x509.load_pem_x509_certificate(outside.fetched(url))
        except ValueError as error:
            raise KartotekaError("Amazon's certificate can't be read.") from error
        if not kept.not_valid_before_utc <= now() <= kept.not_valid_after_utc:
            raise KartotekaError("Amazon's certificate has ended.")
        while len(_certificates) >= MOST_CERTIFICATES:
            _certificates.pop(next(iter(_certificates)))
        _certificates[url] = kept
    return kept
