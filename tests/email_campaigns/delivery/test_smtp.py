"""The connection: encrypted as asked, signed in, and what is wrong with it said in words."""

import ipaddress
import socket
import ssl
import threading
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from email_campaigns.delivery import engine as sending
from email_campaigns.delivery.transports import replies, smtp
from email_campaigns.delivery.transports.base import Envelope
from email_campaigns.delivery.transports.replies import Reply
from foundation import clock as clocks
from foundation.errors import BadInput, Misconfigured, Temporary
from tests.email_campaigns.delivery.mailserver import free_port, mail_server
from tests.email_campaigns.delivery.world import build

LETTER = Envelope("1", "a@shop.example", "b@mail.example", b"Subject: x\r\n\r\n.dots\r\n.\r\nend\r\n")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A server's certificate for 127.0.0.1 that nobody signed but itself: the context and its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx.example.org")])
    at = clocks.now()
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(at - timedelta(days=1)).not_valid_after(at + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
        False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context, folder / "cert.pem"


@pytest.fixture
def trusting(certificate, monkeypatch):
    """Trust that certificate."""
    usual = ssl.create_default_context

    def trust(*args, **kwargs):
        context = usual(*args, **kwargs)
        context.load_verify_locations(certificate[1])
        return context

    monkeypatch.setattr(smtp.ssl, "create_default_context", trust)


def way(port, **told):
    return smtp.Smtp(smtp.read({"host": "127.0.0.1", "port": str(port), **told}))


def sent(one):
    try:
        one.open()
        return [outcome.state for outcome in one.send([LETTER])]
    finally:
        one.close()


@pytest.mark.parametrize("security", ["tls", "starttls", "opportunistic"])
def test_letters_leave_encrypted(certificate, trusting, security):
    with mail_server(tls=certificate[0], implicit=security == "tls") as (box, port):
        assert sent(way(port, security=security)) == ["accepted"]
        assert box.taken[0].encrypted
        assert box.taken[0].data == LETTER.data


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_stranger_with_a_certificate_of_his_own_gets_nothing(certificate, security):
    with mail_server(tls=certificate[0], implicit=security == "tls") as (box, port):
        with pytest.raises(
            Misconfigured, match=r"127\.0\.0\.1 can't be trusted: its certificate is self-signed"
        ):
            sent(way(port, security=security))
        assert not box.taken


def test_opportunistic_trusts_anybody_and_encrypts(certificate):
    with mail_server(tls=certificate[0]) as (box, port):
        assert sent(way(port, security="opportunistic")) == ["accepted"]
        assert box.taken[0].encrypted


def test_required_encryption_that_is_not_offered():
    with mail_server() as (box, port):
        with pytest.raises(Misconfigured, match="offers no encryption"):
            sent(way(port, security="starttls"))
        assert sent(way(port, security="opportunistic")) == ["accepted"]
        assert not box.taken[0].encrypted


def test_a_password_is_never_sent_in_the_clear_unasked():
    with mail_server(users={"kart": "secret"}) as (_box, port):
        with pytest.raises(Misconfigured, match="isn't sent in the clear"):
            sent(way(port, security="opportunistic", user="kart", password="secret"))
        assert sent(way(port, security="none", user="kart", password="secret")) == ["accepted"]


def test_a_wrong_password_is_told():
    wrong = pytest.raises(Misconfigured, match="refuses the account or its password")
    with mail_server(users={"kart": "secret"}) as (_box, port), wrong:
        sent(way(port, security="none", user="kart", password="wrong"))


def test_a_wrong_password_pauses_the_transport(engine, sealed_context, sealer, send, clock):
    with mail_server(users={"kart": "secret"}) as (box, port):
        house = build(engine, sealer, port, user="kart", password="wrong")
        house.crowd(3)
        house.plan()
        send()
        row = house.rows("SELECT state, reason FROM transports")[0]
        assert row.state == "paused"
        assert "password" in row.reason
        assert "wrong" not in row.reason.replace("wrong password", "")
        assert house.states() == {"planned": 3}
        assert not box.taken
        sending.rest(engine)


@pytest.mark.parametrize(
    ("host", "message"), [("no-such-host.invalid", "is not found"), ("127.0.0.1", "connection refused")]
)
def test_a_server_that_is_not_there(host, message):
    with pytest.raises(Temporary, match=message):
        sent(smtp.Smtp(smtp.read({"host": host, "port": str(free_port()), "security": "none"})))


def test_a_server_that_says_nothing():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        one = smtp.Smtp(smtp.Settings("127.0.0.1", silent.getsockname()[1], "none", timeout=0.3))
        with pytest.raises(Temporary, match="doesn't answer in time"):
            one.open()


def test_a_server_that_talks_nonsense():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk():
            line, _peer = listener.accept()
            with line:
                line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        speaker = threading.Thread(target=talk)
        speaker.start()
        with pytest.raises((Temporary, Misconfigured)):
            sent(way(listener.getsockname()[1], security="none"))
        speaker.join()


def test_who_waits_for_a_hanging_server_can_be_woken():
    with mail_server(dot=lambda address: "hang") as (_box, port):
        one = way(port, security="none")
        one.open()
        threading.Timer(0.3, one.cut).start()
        assert [outcome.state for outcome in one.send([LETTER, LETTER])] == ["unknown", "unsent"]


@pytest.mark.parametrize(
    ("told", "at"),
    [({"host": ""}, "host"), ({"host": "a b"}, "host"), ({"host": "mx", "port": "0"}, "port"),
     ({"host": "mx", "port": "x"}, "port"), ({"host": "mx", "security": "maybe"}, "security"),
     ({"host": "mx", "user": "a"}, "password"), ({"host": "mx", "hello": "a\r\nQUIT"}, "hello")],
)  # fmt: skip
def test_wrong_settings_are_named(told, at):
    with pytest.raises(BadInput) as caught:
        smtp.read(told)
    assert caught.value.at == at


@pytest.mark.parametrize(
    ("stage", "code", "text", "state", "reason"),
    [
        ("dot", 250, "2.0.0 queued", "accepted", ""),
        ("rcpt", 550, "5.1.1 <x>: user unknown", "failed", "no_mailbox"),
        ("rcpt", 550, "No such user here", "failed", "no_mailbox"),
        ("rcpt", 550, "5.7.1 Relaying denied", "failed", "policy"),
        ("rcpt", 550, "Blocked by spamhaus", "failed", "policy"),
        ("rcpt", 552, "5.2.2 over quota", "failed", "mailbox_full"),
        ("rcpt", 452, "4.2.2 mailbox full", "deferred", "mailbox_full"),
        ("rcpt", 450, "4.2.0 Greylisted, try again", "deferred", "greylisted"),
        ("rcpt", 421, "4.7.0 too many connections", "deferred", "busy"),
        ("dot", 552, "message size exceeds limit", "failed", "too_big"),
        ("dot", 554, "5.7.1 rejected as spam", "failed", "policy"),
        ("dot", 550, "5.6.0 bad content", "failed", "content"),
        ("mail", 550, "sender rejected", "failed", "policy"),
        ("dot", 554, "transaction failed", "failed", "refused"),
        ("rcpt", 550, "5.1.10 null MX", "failed", "no_mailbox"),
        ("rcpt", 553, "5.1.3 bad address syntax", "failed", "no_mailbox"),
    ],
)
def test_what_a_reply_means(stage, code, text, state, reason):
    assert replies.outcome(stage, Reply(code, text))[:2] == (state, reason)
