"""Letters of strangers: whatever they hold, a letter comes out that can be shown, stored and answered."""

import random
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.letters import payload
from connectors.letters.reading import attachment, records
from foundation.errors import BadInput
from foundation.records import Message, Person
from tests.mailbox import ARRIVED, letter


def read(raw: bytes, *, at: datetime | None = ARRIVED, vouches: str = "", **options: Any) -> Message:
    """The letter of these bytes."""
    landed = payload.pack(raw, at=at, size=len(raw), **{"sent": False, "cut": False, **options})
    [message] = [
        one for one in records(landed.external_id, landed.payload, vouches) if isinstance(one, Message)
    ]
    return message


def headed(**headers: str) -> bytes:
    return letter(**headers)


def parts(*inner: str, kind: str = "mixed") -> bytes:
    """A multipart letter of these parts."""
    body = "".join(f"--b\r\n{one}\r\n" for one in inner) + "--b--\r\n"
    return (
        "From: anna@example.org\r\nSubject: Parts\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/{kind}; boundary="b"\r\n\r\n{body}'
    ).encode()


# who it is from


@pytest.mark.parametrize(
    ("said", "address", "name"),
    [
        ("Anna <anna@example.org>", "anna@example.org", "Anna"),
        ("ANNA@Example.ORG", "anna@example.org", ""),
        ('"Petrova, Anna" <anna@example.org>', "anna@example.org", "Petrova, Anna"),
        ("=?utf-8?b?0JDQvdC90LA=?= <anna@example.org>", "anna@example.org", "Анна"),
        ("=?utf-8?q?=D0=90=D0=BD?= <anna@example.org>", "anna@example.org", "Ан"),
        ("=?x-evil?b?0JDQvdC90LA=?= <anna@example.org>", "anna@example.org", "Анна"),
        ("=?utf-8?b?broken!!?= <anna@example.org>", "anna@example.org", None),
        ("a@example.org, b@example.org", "a@example.org", ""),
        ("(comment (nested)) anna@example.org (tail)", "anna@example.org", None),
        ("Анна <anna@example.org>", "anna@example.org", "Анна"),
        ("김민수 <kim@example.kr>", "kim@example.kr", "김민수"),
        ("", "", ""),
        ("undisclosed", "", ""),
        ("<>", "", ""),
        ("anna@exa@mple.org", "", None),
        ("Anna\u202e <anna@example.org>", "anna@example.org", "Anna"),
    ],
)
def test_senders(said: str, address: str, name: str | None) -> None:
    found = read(letter(said))
    assert found.sender == address
    assert name is None or found.sender_name == name


def test_a_header_in_an_eight_bit_charset() -> None:
    raw = letter(subject="S").replace(b"Subject: S", "Subject: Вопрос о заказе".encode("cp1251"))
    assert read(raw).subject == "Вопрос о заказе"


def test_headers_cannot_break_out_of_their_line() -> None:
    found = read(letter(subject="=?utf-8?b?SGkNCkJjYzogZXZpbEB4LmV4YW1wbGUNCg==?="))
    assert found.subject == "Hi Bcc: evil@x.example" and "\n" not in found.subject
    assert read(letter(subject="a\x00b\x07c")).subject == "a b c"


def test_ten_thousand_recipients() -> None:
    many = ", ".join(f"p{n}@x.example" for n in range(10_000))
    began = time.monotonic()
    found = read(letter().replace(b"To: shop@example.org", f"To: {many}".encode()))
    assert time.monotonic() - began < 3
    assert len(found.recipients) == 20 and found.more_recipients > 1_000


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("Sun, 01 Mar 2026 11:00:00 +0000", datetime(2026, 3, 1, 11, tzinfo=UTC)),
        ("Thu, 01 Jan 1970 00:00:00 +0000", ARRIVED),
        ("Mon, 01 Jan 0000 00:00:00 +0000", ARRIVED),
        ("Fri, 01 Mar 2028 11:00:00 +0000", ARRIVED),
        ("yesterday", ARRIVED),
        ("Sun, 99 Foo 2026 99:99:99 +9999", ARRIVED),
        ("", ARRIVED),
    ],
)
def test_dates(said: str, right: datetime) -> None:
    raw = letter().replace(b"Sun, 01 Mar 2026 11:59:00 +0000", said.encode())
    assert read(raw).at == right


def test_without_a_date_of_the_server_its_own_counts_if_it_can_be_one() -> None:
    assert read(letter(), at=None).at == datetime(2026, 3, 1, 11, 59, tzinfo=UTC)
    assert read(letter().replace(b"2026", b"1970"), at=None).at is None


@pytest.mark.parametrize(
    ("said", "found"),
    [("<a@b.example>", "a@b.example"), ("a@b.example", ""), ("", ""), ("<" + "x" * 10_000 + ">", "")],
)
def test_message_ids(said: str, found: str) -> None:
    assert read(letter(Message_ID=said)).message_id == found


def test_what_it_answers_comes_first() -> None:
    found = read(letter(In_Reply_To="<3@x>", References="<1@x> <2@x>\r\n <3@x>"))
    assert found.answers == ("3@x", "1@x", "2@x") and found.root == "1@x"


def test_which_of_our_letters_it_answers() -> None:
    ours = "0190a1b2c3d47abc8def0123456789ab"
    assert read(letter(In_Reply_To=f"<{ours}@shop.example>")).deliveries == (ours,)
    token = "A" * 43
    assert read(letter(Delivered_To=f"bounce+{token}@shop.example")).deliveries == ("0" * 32,)
    assert read(letter(Delivered_To="bounce+!!!@shop.example")).deliveries == ()


# what it says


def test_plain_text_in_its_charset() -> None:
    head = "Content-Type: text/plain; charset={}\r\n\r\n"
    for charset in ("utf-8", "cp1251", "koi8-r", "iso-8859-5", "utf-16"):
        raw = b"From: a@x.example\r\n" + head.format(charset).encode() + "Привет".encode(charset)
        assert read(raw).text == "Привет", charset
    for charset in ("x-evil", "utf-7", "unicode", '"', "../../etc", "a" * 500, "idna", "rot13", "zlib"):
        raw = b"From: a@x.example\r\n" + head.format(charset).encode() + "Привет abc".encode()
        assert "abc" in read(raw).text, charset


def test_html_is_only_words() -> None:
    evil = (
        "<style>b{}</style><p>Hello <b>there</b></p><script>alert(1)</script><img src=http://x/t.gif>"
        "<a href='javascript:alert(1)'>link</a><base href=//evil><form action=/x><input></form>&lt;i&gt;"
    )
    found = read(parts(f"Content-Type: text/html\r\n\r\n{evil}"))
    assert found.text == "Hello there\nlink<i>"
    assert "alert" not in found.text and "http" not in found.text


def test_text_is_preferred_to_html() -> None:
    raw = parts(
        "Content-Type: text/plain\r\n\r\nplain",
        "Content-Type: text/html\r\n\r\n<p>html</p>",
        kind="alternative",
    )
    assert read(raw).text == "plain" and read(raw).attachments == ()


@pytest.mark.parametrize(
    "introduced",
    [
        "On Mon, 2 Mar 2026 at 10:00, Shop <shop@example.org> wrote:",
        "2 марта 2026 г. в 10:00 Магазин <shop@example.org> написал:",
        "понедельник, 2 марта 2026 г. пользователь Shop <shop@example.org> написал(а):",
        "Shop <shop@example.org>, 2 Mar 2026 Pzt, 10:00 tarihinde şunu yazdı:",
        "2026년 3월 2일 (월) 오전 10:00, Shop <shop@example.org>님이 작성:",
        "Am 02.03.26 um 10:00 schrieb Shop:",
        "-----Original Message-----",
        "-------- Исходное сообщение --------",
        "________________________________",
        "From: Shop <shop@example.org>\nSent: Monday\nTo: Anna",
        "От: Shop <shop@example.org>\nКому: Anna\nДата: понедельник",
    ],
)
def test_what_is_repeated_is_folded(introduced: str) -> None:
    raw = "From: anna@example.org\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    found = read(f"{raw}Thank you!\n\n{introduced}\n> Hello\n> Anna\n".encode())
    assert found.text == "Thank you!" and found.quoted.startswith(introduced.split("\n")[0])


def test_answers_between_quoted_lines_stay_where_they_are() -> None:
    found = read(letter(body="> Is it blue?\r\nYes.\r\n> Is it big?\r\nNo."))
    assert found.text == "> Is it blue?\nYes.\n> Is it big?\nNo." and not found.quoted
    assert read(letter(body="> only\r\n> quoted")).text == "> only\n> quoted"


# what is attached


def attach(name: str, content: str = "x", kind: str = "application/pdf") -> bytes:
    return parts(
        "Content-Type: text/plain\r\n\r\nHere.",
        f"Content-Type: {kind}\r\nContent-Disposition: attachment; {name}\r\n\r\n{content}",
    )


@pytest.mark.parametrize(
    ("said", "name", "risky"),
    [
        ('filename="bill.pdf"', "bill.pdf", False),
        ('filename="../../etc/passwd"', "passwd", False),
        ('filename="C:\\\\Windows\\\\x.exe"', "x.exe", True),
        ('filename="a.html"', "a.html", True),
        ('filename="bill.pdf.js"', "bill.pdf.js", True),
        ("filename*=utf-8''%D1%81%D1%87%D1%91%D1%82.pdf", "счёт.pdf", False),
        ("filename*0=long; filename*1=name.pdf", "longname.pdf", False),
        ('filename="=?utf-8?b?0YHRh9GR0YIucGRm?="', "счёт.pdf", False),
        ('filename="invoice\u202efdp.exe"', "invoicefdp.exe", True),
        ('filename=""', "part-1", False),
        ('filename="CON"', "part-1-CON", False),
        ('filename=".."', "part-1", False),
        ('filename="a\\nb: c.txt"', None, False),
        (f'filename="{"x" * 5000}.pdf"', None, False),
        ("filename*=x-evil''%FF%FE", None, False),
    ],
)
def test_names_of_files(said: str, name: str | None, risky: bool) -> None:
    [found] = read(attach(said)).attachments
    assert name is None or found.name == name
    assert found.risky is risky and len(found.name) <= 120
    assert not set(found.name) & set('/\\:*?"<>|\r\n\0')


def test_files_come_out_as_they_were_put_in() -> None:
    raw = attach('filename="a.bin"\r\nContent-Transfer-Encoding: base64', "AAEC/w==")
    landed = payload.pack(raw, at=ARRIVED, size=len(raw), sent=False, cut=False)
    [found] = read(raw).attachments
    assert attachment(landed.payload, found.number) == ("a.bin", b"\0\1\2\xff")
    for number in (0, 7, -1):
        with pytest.raises(BadInput):
            attachment(landed.payload, number)


def test_a_letter_within_a_letter_is_a_file() -> None:
    inner = "From: x@y.example\r\nSubject: inner\r\n\r\ninner text"
    found = read(
        parts("Content-Type: text/plain\r\n\r\nouter", f"Content-Type: message/rfc822\r\n\r\n{inner}")
    )
    assert found.text == "outer" and [one.type for one in found.attachments] == ["message/rfc822"]


# what would hurt


def nested(depth: int) -> bytes:
    raw = b"From: a@x.example\r\nSubject: Deep\r\n"
    for level in range(depth):
        raw += f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n".encode()
    return raw + b"Content-Type: text/plain\r\n\r\nbottom"


HOSTILE = {
    "nothing": b"",
    "no body": b"From: a@x.example",
    "only a body": b"\r\n\r\nhello",
    "zeros": b"\0" * 10_000,
    "random": random.Random(7).randbytes(50_000),
    "nested": nested(2_000),
    "ten thousand parts": parts(*["Content-Type: text/plain\r\n\r\nx"] * 10_000),
    "no boundary": b"From: a@x.example\r\nContent-Type: multipart/mixed\r\n\r\nhello",
    "empty boundary": b'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n\r\nhello',
    "boundary of another": b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--ab\r\n\r\nx\r\n--a\r\n\r\ny",
    "a million headers": b"".join(b"X-%d: y\r\n" % n for n in range(200_000)) + b"\r\nhello",
    "one header": b"From: " + b"a" * 3_000_000 + b"\r\n\r\nhello",
    "brackets": b"From: " + b"(" * 100_000 + b"\r\n\r\nhello",
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 50_000 + b"\r\n\r\nhello",
    "references": b"References: " + b"<a@b> " * 100_000 + b"\r\n\r\nhello",
    "html": b"Content-Type: text/html\r\n\r\n" + b"<div>" * 400_000,
    "html attributes": b"Content-Type: text/html\r\n\r\n<a " + b"x=" * 500_000,
    "html comments": b"Content-Type: text/html\r\n\r\n" + b"<!--" * 200_000,
    "long lines": b"From: a@x.example\r\n\r\n" + b"x " * 2_000_000,
    "introductions": b"From: a@x.example\r\n\r\n" + (b"On " + b"tarihinde " * 30 + b"\r\n") * 3_000,
    "bad base64": b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!",
    "bad uu": b"Content-Type: text/plain\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin\xff",
    "bad type": b'Content-Type: \xff/\xff; a="\r\n\r\nhello',
    "bad parameter": b"Content-Type: text/plain; charset*=''\r\n\r\nhello",
    "surrogates": b"Subject: \xed\xa0\x80\r\n\r\n\xed\xa0\x80",
    "bombs": b"Content-Type: text/plain; charset=zlib_codec\r\n\r\nx\x9c\xed\xc1",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_breaks_or_takes_long(name: str) -> None:
    began = time.process_time()
    found = read(HOSTILE[name])
    assert time.process_time() - began < 4, "too slow"
    for value in (found.text, found.quoted, found.subject, found.sender, found.sender_name, found.message_id):
        assert "\0" not in value and value == value.strip()
        value.encode()
    assert len(found.text) <= 100_000 and len(found.attachments) <= 100


def test_any_bytes_make_a_letter() -> None:
    chance = random.Random(11)
    seeds = [letter(), attach('filename="a"'), parts("Content-Type: text/html\r\n\r\n<p>x")]
    for _turn in range(400):
        raw = bytearray(chance.choice(seeds))
        for _change in range(chance.randrange(1, 30)):
            at = chance.randrange(len(raw))
            raw[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
        read(bytes(raw)).subject.encode()


def test_what_is_tangled_says_so() -> None:
    assert read(HOSTILE["nested"]).cut and read(letter(), cut=True).cut and not read(letter()).cut


# programs


@pytest.mark.parametrize(
    ("headers", "verdict"),
    [
        ({}, ""),
        ({"Auto_Submitted": "no"}, ""),
        ({"Auto_Submitted": "auto-replied"}, "reply"),
        ({"Auto_Submitted": "auto-replied (vacation)"}, "reply"),
        ({"Auto_Submitted": "auto-generated"}, "bulk"),
        ({"X_Autoreply": "yes"}, "reply"),
        ({"Precedence": "auto_reply"}, "reply"),
        ({"Precedence": "bulk"}, "bulk"),
        ({"List_Id": "<a.b>"}, "bulk"),
        ({"X_Auto_Response_Suppress": "All"}, ""),
        ({"Return_Path": "<>"}, "report"),
        ({"Return_Path": "<>", "Auto_Submitted": "auto-replied"}, "reply"),
    ],
)
def test_who_wrote_it(headers: dict[str, str], verdict: str) -> None:
    assert read(letter(**headers)).automatic == verdict


@pytest.mark.parametrize(
    "subject", ["Automatic reply: News", "Автоответ: Новости", "Out of Office", "자동 회신: x"]
)
def test_absence_notes_without_headers(subject: str) -> None:
    assert read(letter(subject=subject)).automatic == "reply"


def test_reports_are_kept_for_whoever_reads_them() -> None:
    found = read(letter("MAILER-DAEMON@mx.example", "Undelivered"))
    assert found.automatic == "report" and found.report.startswith("From: MAILER-DAEMON")
    assert read(letter()).report == ""


@pytest.mark.parametrize(
    ("sender", "subject", "verdict"),
    [
        ("postmaster@firm.example", "Your order", ""),
        ("postmaster@mx.example", "Undeliverable: News", "report"),
        ("postmaster@mx.example", "Недоставленное сообщение", "report"),
        ("abuse@firm.example", "A complaint about my cup", ""),
        ("feedback@firm.example", "Failed", ""),
        ("Mail Delivery Subsystem <mailer-daemon@googlemail.com>", "Delivery Status Notification", "report"),
    ],
)
def test_people_at_desks_of_servers(sender: str, subject: str, verdict: str) -> None:
    assert read(letter(sender, subject)).automatic == verdict


# whom our own server vouches for


@pytest.mark.parametrize(
    ("said", "vouched"),
    [
        ("mx.shop.example; dmarc=pass header.from=example.org", True),
        ("mx.shop.example; dkim=pass header.d=example.org; spf=fail", True),
        ("mx.shop.example; dkim=pass header.i=@mail.example.org", False),
        ("mx.shop.example; dkim=pass header.d=evil.example", False),
        ("mx.shop.example; dkim=pass header.d=org", False),
        ("mx.shop.example; spf=pass smtp.mailfrom=example.org", False),
        ("mx.shop.example; dmarc=fail header.from=example.org", False),
        ("mx.evil.example; dmarc=pass header.from=example.org", False),
        ("mx.shop.example", False),
        ("", False),
    ],
)
def test_who_is_vouched_for(said: str, vouched: bool) -> None:
    raw = f"Authentication-Results: {said}\r\n".encode() + letter()
    assert read(raw, vouches="mx.shop.example").vouched is vouched
    assert not read(raw).vouched


def test_a_forged_result_below_our_own_says_nothing() -> None:
    own = b"Authentication-Results: mx.shop.example; dmarc=fail header.from=example.org\r\n"
    forged = b"Authentication-Results: mx.shop.example; dmarc=pass header.from=example.org\r\n"
    assert not read(own + forged + letter(), vouches="mx.shop.example").vouched


# who it is about


def test_only_the_address_is_said_of_the_writer() -> None:
    landed = payload.pack(letter(), at=ARRIVED, size=1, sent=False, cut=False)
    person = next(one for one in records("x", landed.payload) if isinstance(one, Person))
    assert person == Person(external_id="anna@example.org", writer="anna@example.org")


def test_of_our_own_letter_it_is_the_reader() -> None:
    landed = payload.pack(letter("shop@example.org"), at=ARRIVED, size=1, sent=True, cut=False)
    person, message = records("x", landed.payload)
    assert isinstance(person, Person) and person.external_id == "shop@example.org"
    assert isinstance(message, Message) and message.sent and not message.automatic


def test_a_payload_that_is_none_is_told() -> None:
    for landed in ("", "{}", "[]", '{"raw":"é"}', '{"raw":"!","coded":true}'):
        with pytest.raises(BadInput):
            records("x", landed)
