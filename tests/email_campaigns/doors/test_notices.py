"""SES's events inside Amazon's notifications: genuine ones of our topic act, nothing else does."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from connectors.mail import sns
from email_campaigns.delivery import senders
from email_campaigns.delivery.transports import outside
from email_campaigns.doors import notices
from email_campaigns.tables import Transport
from foundation.clock import now
from foundation.database import transaction
from foundation.errors import KartotekaError, Permanent, Temporary
from kartoteka import posting

TOPIC = "arn:aws:sns:eu-central-1:123456789012:events"
CERTIFICATE = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-01.pem"
CONFIRM = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=abc"
KEY = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
TO = "person1@mail1.example"


def certificate(days: int = 30) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
    made = made.serial_number(5).not_valid_before(now() - timedelta(days=60))
    signed = made.not_valid_after(now() + timedelta(days=days)).sign(KEY, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


class Amazon:
    """What is asked of its hosts, and what they answer."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.certificate = certificate()
        self.away = False

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if self.away:
            raise Temporary("sns can't be reached")
        return self.certificate if url.endswith(".pem") else b"<ok/>"


@pytest.fixture
def amazon(clock: Any) -> Iterator[Amazon]:
    made = Amazon()
    outside.offer_fetch(made.fetch)
    notices._certificates.clear()
    yield made
    posting.join()
    notices._certificates.clear()


def notice(said: Any, version: str = "2", key: rsa.RSAPrivateKey = KEY, **changes: str) -> dict[str, str]:
    """A notification, signed after the changes."""
    found = {
        "Type": "Notification", "MessageId": "22b80b92", "TopicArn": TOPIC, "Message": json.dumps(said),
        "Timestamp": "2026-10-02T10:11:12.345Z", "SignatureVersion": version, "SigningCertURL": CERTIFICATE,
    } | changes  # fmt: skip
    names = notices._SIGNED[found["Type"]]
    text = "".join(f"{name}\n{found[name]}\n" for name in names if name in found)
    made = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA1() if version == "1" else hashes.SHA256())
    return found | {"Signature": base64.b64encode(made).decode()}


def bounce(delivery: str, **changes: Any) -> dict[str, Any]:
    return {
        "eventType": "Bounce",
        "bounce": {
            "bounceType": "Permanent", "bounceSubType": "General",
            "bouncedRecipients": [{"emailAddress": TO, "diagnosticCode": "smtp; 550 5.1.1 user unknown"}],
        } | changes,
        "mail": {"messageId": "0102", "destination": [TO], "tags": {"delivery": [delivery]}},
    }  # fmt: skip


@pytest.fixture
def hook(post: Any, stranger: Any, amazon: Amazon) -> Any:
    """Send a notification to the transport of the letter; answers the status."""
    post.sent()
    with transaction(post.house.engine) as session:
        row = session.get_one(Transport, post.house.transport)
        values = senders.settings_of(post.house.sealer, row) | {"events": "ses", "events_key": TOPIC}
        senders.change_transport(session, post.house.sealer, row, values)

    def sent(said: Any) -> int:
        path = f"/hooks/mail/{post.house.transport}/ses"
        return int(stranger.post(path, content=json.dumps(said).encode()).status_code)

    return sent


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_bounce_suppresses(version: str, post: Any, hook: Any, amazon: Amazon) -> None:
    said = bounce(post.delivery.id.hex)
    assert hook(notice(said, version)) == 200 == hook(notice(said, version, Subject="Amazon SES event"))
    assert post.scopes() == [("", "bounce")] and len(post.told("letter.bounced")) == 1
    assert amazon.asked == [CERTIFICATE]  # read once


def test_our_message_id_will_do_where_there_are_no_tags(post: Any, hook: Any) -> None:
    said = {
        "notificationType": "Complaint",
        "complaint": {"complainedRecipients": [{"emailAddress": TO}], "complaintFeedbackType": "abuse"},
        "mail": {"commonHeaders": {"messageId": f"<{post.delivery.id.hex}@shop.example>"}},
    }
    assert hook(notice(said)) == 200
    assert post.scopes() == [("", "complaint")]


@pytest.mark.parametrize("name", ["Send", "Delivery"])
def test_what_it_took_is_no_longer_unknown(name: str, post: Any, hook: Any) -> None:
    post.house.do("UPDATE deliveries SET state = 'unknown', reason = 'no_reply'")
    said = {"eventType": name, "mail": {"destination": [TO], "tags": {"delivery": [post.delivery.id.hex]}}}
    assert hook(notice(said)) == 200
    assert post.delivery.state == "accepted" and post.scopes() == []


def test_a_soft_bounce_and_a_suppressed_one_say_nothing_for_good(post: Any, hook: Any) -> None:
    for changes in ({"bounceType": "Transient"}, {"bounceSubType": "Suppressed"}):
        assert hook(notice(bounce(post.delivery.id.hex, **changes))) == 200
    assert post.scopes() == []


def test_a_subscription_is_confirmed_once_it_is_proved(hook: Any, amazon: Amazon) -> None:
    asked = {"Type": "SubscriptionConfirmation", "Token": "abc", "SubscribeURL": CONFIRM}
    assert hook(notice("x", **asked)) == 200
    assert amazon.asked == [CERTIFICATE, CONFIRM]
    amazon.asked.clear()
    forged = notice("x", **asked) | {"Token": "abd"}
    assert hook(forged) == 401 == hook(notice("x", **asked | {"SubscribeURL": "https://evil.example/"}))
    assert hook(notice("x", **asked, TopicArn=TOPIC + "x")) == 401
    assert amazon.asked == []


@pytest.mark.parametrize(
    "changes",
    [
        {"TopicArn": "arn:aws:sns:eu-central-1:999999999999:events"},
        {"SigningCertURL": "https://sns.eu-central-1.amazonaws.com.evil.example/x.pem"},
        {"SigningCertURL": "http://sns.eu-central-1.amazonaws.com/x.pem"},
        {"SigningCertURL": "https://a@sns.eu-central-1.amazonaws.com/x.pem"},
        {"SigningCertURL": "https://sns.eu-central-1.amazonaws.com:444/x.pem"},
        {"SigningCertURL": "https://s3.eu-central-1.amazonaws.com/bucket/x.pem"},
        {"SigningCertURL": "https://sns.eu-central-1.amazonaws.com/x.txt"},
        {"SignatureVersion": "3"},
    ],
)
def test_what_is_not_amazons_is_refused(
    changes: dict[str, str], post: Any, hook: Any, amazon: Amazon
) -> None:
    assert hook(notice(bounce(post.delivery.id.hex), **changes)) == 401
    assert post.scopes() == [] and amazon.asked == []


def test_what_was_changed_or_signed_by_another_is_refused(post: Any, hook: Any) -> None:
    said = bounce(post.delivery.id.hex)
    assert hook(notice(said) | {"Message": json.dumps(said) + " "}) == 401
    assert hook(notice(said) | {"Subject": "added"}) == 401
    assert hook(notice(said, key=OTHER)) == 401
    assert hook(notice(said) | {"Signature": "%%%"}) == 401 == hook(notice(said) | {"Signature": ""})
    assert post.scopes() == []


@pytest.mark.parametrize(
    "said", [None, 1, [], {}, {"Type": "Notification"}, {"Type": ["x"]}, {"Type": "Other"}]
)
def test_what_is_no_notification(said: Any, hook: Any) -> None:
    assert hook(said) in (400, 401)


def test_a_certificate_that_ended_or_cant_be_read_is_asked_for_again(
    post: Any, hook: Any, amazon: Amazon
) -> None:
    said = notice(bounce(post.delivery.id.hex))
    amazon.certificate = certificate(days=-1)
    assert hook(said) == 503
    amazon.certificate = b"no certificate"
    assert hook(said) == 503
    amazon.away = True
    assert hook(said) == 503 and post.scopes() == []
    amazon.away, amazon.certificate = False, certificate()
    assert hook(said) == 200 and post.scopes() == [("", "bounce")]


@pytest.mark.parametrize(
    "url",
    ["http://sns.eu-central-1.amazonaws.com/x", "https://evil.example/x", "https://127.0.0.1/x",
     "https://sns.eu-central-1.amazonaws.com@evil.example/x"],
)  # fmt: skip
def test_only_its_hosts_are_called(url: str) -> None:
    with pytest.raises(Permanent):
        sns.fetch(url)
    assert issubclass(Permanent, KartotekaError)
