"""Webhooks of providers: proved, read from recorded samples, acted upon like returned mail."""

import base64
import hmac
import json
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from email_campaigns.delivery import senders
from email_campaigns.doors import proofs, providers
from email_campaigns.tables import Transport
from foundation.database import transaction

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "apis" / "email_events"
KEY = "a key of events"
TO = "person1@mail1.example"
PRIVATE = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(
    PRIVATE.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
).decode()


def sample(provider: str, name: str):
    """A recorded event."""
    path = SAMPLES / f"{provider}_webhooks.json"
    if not path.exists():
        pytest.skip(f"{path} is missing")
    found = json.loads(path.read_text())
    return next(value for key, value in found.items() if key.partition(":")[0] == name)


def mailgun(body) -> dict:
    signed = {"timestamp": "1529006854", "token": "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0"}
    made = hmac.new(KEY.encode(), (signed["timestamp"] + signed["token"]).encode(), sha256).hexdigest()
    return {"signature": {**signed, "signature": made}, **body}


def sendgrid(body: bytes, timestamp: str = "1600000000") -> dict:
    signature = PRIVATE.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        proofs.SENDGRID_SIGNATURE: base64.b64encode(signature).decode(),
        proofs.SENDGRID_TIMESTAMP: timestamp,
    }


@pytest.fixture
def hook(post, stranger):
    """Send events of a provider to the letter's transport; answers the status."""
    post.sent()

    def sent(provider: str, said, **options) -> int:
        with transaction(post.house.engine) as session:
            row = session.get_one(Transport, post.house.transport)
            values = senders.settings_of(post.house.sealer, row)
            values |= {"events": provider, "events_key": PUBLIC if provider == "sendgrid" else KEY}
            senders.change_transport(session, post.house.sealer, row, values)
        body = json.dumps(said).encode()
        headers = sendgrid(body) if provider == "sendgrid" else {}
        end = (
            "" if provider in ("mailgun", "sendgrid") else f"/{urlencode({'': KEY})[1:].replace('+', '%20')}"
        )
        path = options.get("path", f"/hooks/mail/{post.house.transport}/{provider}{options.get('end', end)}")
        return stranger.post(path, content=body, headers=headers | options.get("headers", {})).status_code

    return sent


def enveloped(provider: str, said) -> bytes:
    """As it comes: Amazon puts it into a notification."""
    whole = {"Type": "Notification", "Message": json.dumps(said)} if provider == "ses" else said
    return json.dumps(whole).encode()


def ours(post) -> str:
    """The Message-ID of the letter."""
    return f"{post.delivery.id.hex}@shop.example"


def test_mailgun_bounce_suppresses(post, hook):
    said = sample("mailgun", "test_failed_permanent_event")
    said["event-data"] |= {"recipient": TO}
    said["event-data"]["message"]["headers"]["message-id"] = ours(post)
    assert hook("mailgun", mailgun(said)) == 200 == hook("mailgun", mailgun(said))
    assert post.scopes() == [("", "bounce")] and len(post.told("letter.bounced")) == 1


def test_sendgrid_bounce_and_complaint(post, hook):
    rows = [
        {
            "event": "bounce",
            "email": TO,
            "smtp-id": f"<{ours(post)}>",
            "type": "bounce",
            "status": "5.1.1",
            "reason": "550 5.1.1 unknown user",
        }
    ]
    assert hook("sendgrid", rows) == 200
    assert post.scopes() == [("", "bounce")]
    assert hook("sendgrid", [{"event": "spamreport", "email": TO, "smtp-id": f"<{ours(post)}>"}]) == 200
    assert len(post.told("letter.complained")) == 1


def test_postmark_is_found_by_address(post, hook):
    assert hook("postmark", sample("postmark", "test_bounce_event") | {"Email": TO.upper()}) == 200
    assert post.scopes() == [("", "bounce")]


def test_brevo_complaint_and_unsubscribe(post, hook):
    assert hook("brevo", sample("brevo", "test_unsubscribe") | {"email": TO, "message-id": ours(post)}) == 200
    assert post.scopes() == [("marketing", "unsubscribed")]
    assert hook("brevo", sample("brevo", "test_spam") | {"email": TO, "message-id": ours(post)}) == 200
    assert ("", "complaint") in post.scopes()


def test_delivered_reconciles_an_unknown_letter_and_lifts_nothing(post, hook):
    post.house.do("UPDATE deliveries SET state = 'unknown', reason = 'died'")
    assert hook("brevo", {"event": "spam", "email": TO, "message-id": ours(post)}) == 200
    assert hook("brevo", {"event": "delivered", "email": TO, "message-id": f"<{ours(post)}>"}) == 200
    assert post.delivery.state == "accepted" and post.scopes() == [("", "complaint")]


@pytest.mark.parametrize(
    "said",
    [
        {"event": "hard_bounce", "email": "stranger@y.example", "message-id": "x"},
        {"event": "opened"},
        {},
        [],
        {"event": ["x"], "email": 5},
        {"event": "hard_bounce", "email": None, "reason": {"a": [1]}},
    ],
)
def test_unknown_is_fine_and_does_nothing(post, hook, said):
    assert hook("brevo", said) == 200
    assert post.scopes() == []


@pytest.mark.parametrize("body", ["null", '"x"', "1", "[[1]]", "{", "", "[" * 5000])
def test_no_events(post, hook, stranger, body):
    assert hook("brevo", {}) == 200
    path = f"/hooks/mail/{post.house.transport}/brevo/{KEY.replace(' ', '%20')}"
    assert stranger.post(path, content=body).status_code == 400


def test_message_id_of_another_address_is_not_believed(post, hook):
    assert (
        hook("brevo", {"event": "hard_bounce", "email": "other@y.example", "message-id": ours(post)}) == 200
    )
    assert post.scopes() == []


def test_what_is_not_proved_is_refused(post, hook):
    bounce = {"event": "hard_bounce", "email": TO, "message-id": ours(post)}
    assert hook("brevo", bounce, end="/wrong") == 401 == hook("brevo", bounce, end="")
    forged = mailgun({"event-data": {"event": "complained", "recipient": TO}})
    forged["signature"]["timestamp"] = "1"
    assert hook("mailgun", forged) == 401 == hook("mailgun", {"event": "complained", "recipient": TO})
    changed = {proofs.SENDGRID_TIMESTAMP: "1600000001"}
    assert hook("sendgrid", [{"event": "spamreport", "email": TO}], headers=changed) == 401
    assert hook("sendgrid", [], headers={proofs.SENDGRID_SIGNATURE: "x"}) == 401
    assert post.scopes() == []


def test_basic_authentication_and_bearer_will_do(post, hook):
    basic = base64.b64encode(f"any:{KEY}".encode()).decode()
    for said in (f"Basic {basic}", f"Bearer {KEY}"):
        assert hook("postmark", {"RecordType": "Open"}, end="", headers={"authorization": said}) == 200
    for said in ("Basic %%%", "Basic " + base64.b64encode(b"a:b").decode(), "Bearer x", "Digest x"):
        assert hook("postmark", {"RecordType": "Open"}, end="", headers={"authorization": said}) == 401


def test_no_transport_or_no_events_set(post, hook, stranger):
    for path in (
        f"/hooks/mail/{post.house.transport}/brevo/x",
        "/hooks/mail/none/brevo/x",
        f"/hooks/mail/{post.delivery.id}/brevo/x",
        f"/hooks/mail/{post.house.transport}/ses/x",
    ):
        assert stranger.post(path, content=b"{}").status_code == 404


@pytest.mark.parametrize(
    ("provider", "carried"),
    [
        (
            "mailgun",
            {"event-data": {"event": "complained", "recipient": TO, "user-variables": {"delivery": 0}}},
        ),
        ("postmark", {"RecordType": "SpamComplaint", "Email": TO, "Metadata": {"delivery": 0}}),
        ("sendgrid", {"event": "spamreport", "email": TO, "delivery": 0}),
        ("brevo", {"event": "spam", "email": TO, "X-Mailin-custom": 0}),
    ],
)
def test_a_letter_is_found_by_our_id_beside_it(post, hook, provider, carried):
    """Another letter went to the address since: without the id it would be taken for the one."""
    first = post.sent().delivery.id
    said = json.loads(json.dumps(carried).replace(": 0", f': "{first.hex}"'))
    post.house.plan(step="test:later", purpose="transactional")
    post._send()
    assert hook(provider, mailgun(said) if provider == "mailgun" else said) == 200
    assert [one["delivery"] for one in post.told("letter.complained")] == [str(first)]


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        (
            "mailgun",
            {"event-data": {"event": "accepted", "recipient": TO, "user-variables": {"delivery": 0}}},
        ),
        ("sendgrid", [{"event": "processed", "email": TO, "delivery": 0}]),
        ("brevo", {"event": "request", "email": TO, "X-Mailin-custom": 0}),
        ("postmark", {"RecordType": "Delivery", "Recipient": TO, "Metadata": {"delivery": 0}}),
    ],
)
def test_what_a_provider_took_is_no_longer_unknown(post, hook, provider, said):
    post.sent()
    post.house.do("UPDATE deliveries SET state = 'unknown', reason = 'no_reply'")
    said = json.loads(json.dumps(said).replace(": 0", f': "{post.delivery.id.hex}"'))
    assert hook(provider, mailgun(said) if provider == "mailgun" else said) == 200
    assert post.delivery.state == "accepted"
    assert len(post.house.rows("SELECT 1 FROM timeline WHERE kind = 'letter.sent'")) == 1


@pytest.mark.parametrize(
    ("provider", "name", "kind", "hard"),
    [
        ("mailgun", "test_failed_permanent_event", "bounce", True),
        ("mailgun", "test_failed_temporary_event", "", False),
        ("mailgun", "test_invalid_mailbox", "bounce", True),
        ("mailgun", "test_complained_event", "complaint", False),
        ("mailgun", "test_dropped_timed_out", "bounce", False),
        ("mailgun", "test_opened_event", "", False),
        ("postmark", "test_bounce_event", "bounce", True),
        ("postmark", "test_open_event", "", False),
        ("sendgrid", "test_delivered_event", "delivered", False),
        ("sendgrid", "test_dropped_invalid_event", "bounce", True),
        ("sendgrid", "test_dropped_bounced", "bounce", True),
        ("sendgrid", "test_processed_event", "taken", False),
        ("ses", "test_bounce_event", "bounce", True),
        ("ses", "test_complaint_event", "complaint", False),
        ("ses", "test_send_event", "taken", False),
        ("ses", "test_open_event", "", False),
        ("ses", "test_reject_event", "", False),
        ("brevo", "test_hard_bounce", "bounce", True),
        ("brevo", "test_soft_bounce_event", "bounce", False),
        ("brevo", "test_blocked", "bounce", False),
        ("brevo", "test_deferred_event", "", False),
        ("brevo", "test_complaint", "complaint", False),
        ("brevo", "test_invalid_email", "bounce", True),
    ],
)
def test_recorded_samples(provider, name, kind, hard):
    found = providers.read(provider, enveloped(provider, sample(provider, name)))
    assert [(one.kind, one.hard) for one in found] == ([(kind, hard)] if kind else [])


@pytest.mark.parametrize("provider", sorted(providers.PROVIDERS))
def test_every_sample_can_be_read(provider):
    path = SAMPLES / f"{provider}_webhooks.json"
    if not path.exists():
        pytest.skip(f"{path} is missing")
    for said in json.loads(path.read_text()).values():
        providers.read(provider, enveloped(provider, said))
