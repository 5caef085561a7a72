"""Returned mail: what it says, whose it is, and what it does. Strangers write it."""

from datetime import timedelta

import pytest

from email_campaigns.doors import reports, returned, returning
from email_campaigns.doors.known import find
from foundation.database import transaction

DSN = """From: MAILER-DAEMON@mx.example
To: bounces@shop.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

This is the mail system.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

{fields}
--b
Content-Type: message/rfc822

From: news@shop.example
Subject: News

Hello
--b--
"""
FIELDS = "Final-Recipient: rfc822; {to}\nAction: {action}\nStatus: {status}\nDiagnostic-Code: {said}"
GONE = "smtp; 550 5.1.1 <x@y.example>: user unknown"
ARF = """From: fbl@isp.example
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

Spam.
--b
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Isp/1
{fields}
--b
Content-Type: message/rfc822

From: news@shop.example
To: [redacted]
{headers}
Subject: News

Hello
--b--
"""


def dsn(action="failed", status="5.1.1", said=GONE, to="person1@mail1.example") -> bytes:
    return DSN.format(fields=FIELDS.format(to=to, action=action, status=status, said=said)).encode()


def arf(kind="abuse", fields="", headers="X-A: b") -> bytes:
    return ARF.format(kind=kind, fields=fields or "Version: 1", headers=headers).encode()


@pytest.fixture
def take(post):
    """Bring a message to the return path of the letter, or to another address."""
    post.sent()

    def taken(raw: bytes, recipient: str | None = None) -> returned.Outcome:
        to = recipient or f"bounces+{post.token('return')}@shop.example"
        with transaction(post.house.engine) as session:
            return returned.take(session, raw, to)

    return taken


def test_hard_bounce_suppresses_the_address(post, take):
    for _ in range(2):
        assert take(dsn()) == ("bounced", post.delivery.id, "no_mailbox")
    assert post.scopes() == [("", "bounce")]
    (told,) = post.told("letter.bounced")
    assert told["hard"] and told["reason"] == "no_mailbox" and "user unknown" in told["reply"]
    assert (post.delivery.state, post.delivery.reason) == ("accepted", "no_mailbox")


@pytest.mark.parametrize("action", ["delayed", "relayed", "delivered", "expanded", "Delayed (will be tried)"])
def test_these_are_no_bounces(post, take, action):
    assert take(dsn(action, "4.4.1", "smtp; 451 later")).kind in ("delayed", "delivered")
    assert post.scopes() == [] and post.told("letter.bounced") == []


@pytest.mark.parametrize(
    "forged", ["bounces@shop.example", "bounces+x@shop.example", "", "bounces+{}@shop.example"]
)
def test_without_our_token_it_is_ignored(post, take, forged):
    wrong = post.token("unsubscribe")
    assert take(dsn(), forged.format(wrong) or "x") == ("ignored", None, "no token of ours")
    assert post.scopes() == [] and post.told("letter.bounced") == []


@pytest.mark.parametrize(
    ("status", "said", "reason", "hard"),
    [
        ("5.1.1", "", "no_mailbox", True),
        ("5.0.0", GONE, "no_mailbox", True),
        ("5.2.2", "smtp; 552 5.2.2 mailbox full", "mailbox_full", False),
        ("5.7.1", "smtp; 550 5.7.1 blocked as spam", "policy", False),
        ("4.4.7", "smtp; 451 4.4.7 expired", "gave_up", False),
        ("5.5.0", "smtp; 550 Requested action not taken: mailbox unavailable", "no_mailbox", True),
        ("5.0.0", "smtp; 554 delivery error", "refused", False),
        ("5.1.1", "smtp; 550 5.7.1 user unknown", "no_mailbox", True),
        ("", "", "refused", False),
        ("5.1.10", "", "no_mailbox", True),
    ],
)
def test_codes_and_words(status, said, reason, hard):
    found = reports.read(dsn(status=status, said=said))
    assert (found.kind, found.reason, found.hard) == ("bounce", reason, hard)


def test_several_recipients_one_failed(post, take):
    fields = "\n\n".join(
        FIELDS.format(to=f"{name}@y.example", action=action, status=status, said="smtp; 550 no such user")
        for name, action, status in (
            ("a", "relayed", "2.0.0"),
            ("b", "failed", "5.1.1"),
            ("c", "delayed", "4.0.0"),
        )
    )
    assert take(DSN.format(fields=fields).encode()).kind == "bounced"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (
            "Hi. This is the qmail-send program at mx.example.\nI wasn't able to deliver your letter.\n\n"
            "<person1@mail1.example>:\n550 5.1.1 no such user here\n",
            "no_mailbox",
        ),
        (
            "The following message to <person1@mail1.example> was undeliverable.\nReason:\n"
            "5.1.0 - Unknown address error 550-'5.1.1 mailbox not found'",
            "no_mailbox",
        ),
        ("Сообщение не доставлено: почтовый ящик не существует.", "no_mailbox"),
        ("Письмо не доставлено: ящик переполнен.", "mailbox_full"),
    ],
)
def test_bounces_in_words(take, words, reason):
    head = "From: Mail Delivery <MAILER-DAEMON@mx.example>\nContent-Type: text/plain; charset=utf-8"
    raw = f"{head}\n\n{words}".encode()
    assert take(raw).reason == reason


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" * 1000,
        b"From: a@b\n\n550 5.1.1 user unknown",
        b"From: anna@b.example\nAuto-Submitted: auto-replied\nSubject: Out of office\n\nRoom 550 is empty.",
        b"From: a@b\nX-Auto-Response-Suppress: All\nReturn-Path: <>\n\n550 no such user",
        (
            "Content-Type: multipart/mixed; boundary=b0\n\n"
            + "".join(f"--b{n}\nContent-Type: multipart/mixed; boundary=b{n + 1}\n\n" for n in range(2000))
        ).encode(),
        b"From: mailer-daemon@x\nContent-Type: multipart/mixed\n\nno boundary",
        b"From: mailer-daemon@x\nContent-Type: text/plain; charset=x-evil\n\nwhatever",
        b"From: " + b"x" * 10_000 + b"\nMessage-ID: nothing\n\n",
        b"From: mailer-daemon@x\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 10_000,
    ],
)
def test_bad_mail_is_no_report(post, take, raw):
    assert take(raw).kind == "ignored"
    assert post.scopes() == [] and post.told("letter.bounced") == []


def test_unknown_charset_is_read_anyhow():
    raw = b"From: mailer-daemon@x\nContent-Type: text/plain; charset=x-evil\n\n550 5.1.1 user unknown"
    assert reports.read(raw).reason == "no_mailbox"


def test_three_full_mailboxes_rest_the_address(post, take, clock):
    full = dsn(status="5.2.2", said="smtp; 552 5.2.2 mailbox full")
    assert take(full).kind == "soft"
    assert take(full).kind == "soft" and post.scopes() == []
    for number in range(2):
        clock.advance(timedelta(days=1))
        post.sent(step=f"receipt:a:1:1:{number}")
        newest = post.house.rows("SELECT id FROM deliveries ORDER BY id DESC")[0].id
        with transaction(post.house.engine) as session:
            known = find(session, newest)
            returning.bounced(session, known, "mailbox_full", False, "552")
    (row,) = post.house.rows("SELECT reason, until FROM suppressions")
    assert row.reason == "soft_bounces" and timedelta(days=29) < row.until - clock.now() <= timedelta(days=30)


@pytest.mark.parametrize("where", ["recipient", "original-mail-from", "unsubscribe", "return-path"])
def test_complaint_suppresses_at_once(post, take, where):
    path = f"bounces+{post.token('return')}@shop.example"
    raw = {
        "recipient": arf(),
        "original-mail-from": arf(fields=f"Original-Mail-From: <{path}>"),
        "unsubscribe": arf(headers=f"List-Unsubscribe: <https://crm.shop.example{post.links()['u'][0]}>"),
        "return-path": arf(headers=f"Return-Path: <{path}>"),
    }[where]
    for _ in range(2):
        assert take(raw, None if where == "recipient" else "abuse@shop.example").kind == "complained"
    assert post.scopes() == [("", "complaint")]
    assert len(post.told("letter.complained")) == 1
    assert post.consents() == [("email", "marketing", False)]


def test_headers_name_the_recipient(post, take):
    to = f"bounces+{post.token('return')}@shop.example"
    raw = dsn().replace(b"Subject:", f"X-Original-To: <{to}>\nSubject:".encode(), 1)
    assert take(raw, "bounces@shop.example").kind == "bounced"


@pytest.mark.parametrize(
    "raw",
    [
        arf(),
        arf(kind="not-spam"),
        arf(fields="Original-Mail-From: <a+b@c>"),
        arf(headers="List-Unsubscribe: <https://crm.shop.example/m/u/" + "A" * 43 + ">"),
    ],
)
def test_complaint_without_a_seal_is_ignored(post, take, raw):
    assert take(raw, "abuse@shop.example").kind == "ignored"
    assert post.scopes() == []


def test_bounce_proves_that_an_unknown_letter_left(post, take):
    post.house.do("UPDATE deliveries SET state = 'unknown', reason = 'died'")
    take(dsn())
    assert (post.delivery.state, post.delivery.detail["proof"]) == ("accepted", "bounce")


OPENSMTPD = b"""From: Mailer Daemon <MAILER-DAEMON@mx.example.org>
MIME-Version: 1.0
Content-Type: multipart/mixed;boundary="42/mx.example.org"

--42/mx.example.org
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

    An error has occurred while attempting to deliver a message for
    the following list of recipients:

person1@mail1.example: 550 Invalid recipient: <person1@mail1.example>

--42/mx.example.org
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; person1@mail1.example
Action: failed
Status: 5.0.0

--42/mx.example.org--
"""


def test_a_report_whose_words_say_more_than_its_fields():
    found = reports.read(OPENSMTPD)
    assert (found.kind, found.reason, found.hard) == ("bounce", "no_mailbox", True)
    assert found.reply.startswith("550 Invalid recipient")
    other = reports.read(OPENSMTPD.replace(b"person1@mail1.example: 550", b"other@mail1.example: 550"))
    assert other.kind == "bounce" and not other.reply.startswith("550")
