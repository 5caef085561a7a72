"""Our own bytes against a strict parser: whatever is said, a letter says that and nothing else."""

import email
import html.parser
from datetime import UTC, datetime
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from email_campaigns.delivery import mime

# everything a database can hold: no surrogates, no NUL
WORDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=200)
LONG = st.builds(lambda word, count: word * count, WORDS, st.integers(1, 40))


def parsed(data: bytes) -> EmailMessage:
    """Read strictly; a defect raises."""
    message = email.message_from_bytes(data, policy=policy.strict)
    assert isinstance(message, EmailMessage)
    for part in message.walk():
        assert part.defects == []
        for _name, value in part.items():
            assert value.defects == ()
    return message


def fits(data: bytes) -> None:
    """7-bit, lines that fit, CRLF and nothing else."""
    assert max(data) < 128
    assert b"\0" not in data
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert data.count(b"\n") == data.count(b"\r") == data.count(b"\r\n")


def one_line(value: str) -> str:
    """A header's text as it can be said at all."""
    return mime.one_line(value)


@given(LONG)
@example("=?utf-8?q?looks_encoded?=")
@example("a" * 500)
@example("Subject\r\nBcc: everybody@example.org")
@example(" leading and trailing ")
@example("two  blanks")
@example("😀" * 60)
def test_a_subject_is_read_as_it_was_said(subject):
    head = mime.block([("Subject", mime.unstructured(subject, 7))])
    fits(head)
    assert max(map(len, head.split(b"\r\n"))) <= 78
    message = parsed(head + b"\r\n")
    assert message.keys() == ["Subject"]
    assert message["Subject"] == one_line(subject)


@given(LONG, st.sampled_from(["news@shop.example", "a" * 60 + "@" + "b" * 60 + ".example"]))
@example('He said "hi" \\ (x), <y>;', "news@shop.example")
@example("Anna, Boris", "news@shop.example")
def test_a_sender_is_read_as_it_was_named(name, address):
    head = mime.block([("From", mime.mailbox(name[:80], address))])
    fits(head)
    message = parsed(head + b"\r\n")
    (read,) = message["From"].addresses
    said = head.decode().removeprefix("From: ").rpartition(address)[0].rstrip("<").replace("\r\n", "")
    if (
        "=?" in said
    ):  # the parser's own reading of a name puts blanks between encoded words, which count for nothing
        shown = str(make_header(decode_header(said.strip())))
    else:
        shown = read.display_name
    assert (read.addr_spec, " ".join(shown.split())) == (address, " ".join(one_line(name[:80]).split()))


BODIES = st.one_of(
    WORDS,
    LONG,
    st.builds("\n".join, st.lists(WORDS)),
    st.sampled_from([".", ".\n.", "From x\n", "a" * 2000, " \n\t\n", "=", "x=3D"]),
)


@given(BODIES, BODIES)
@example("текст " * 400, "<p>" + "ж" * 3000)
@example("a b \n", '<a style="x">' * 300)
def test_both_parts_are_read_as_they_were_written(plain, html_):
    mark = mime.boundary_of(b"x" * 20)
    body = mime.alternative(plain, html_, mark)
    fits(body)
    head = mime.block(
        [("MIME-Version", "1.0"), ("Content-Type", f'multipart/alternative; boundary="{mark}"')]
    )
    message = parsed(head + b"\r\n" + body)
    first, second = message.iter_parts()
    assert [first.get_content_type(), second.get_content_type()] == ["text/plain", "text/html"]
    assert lines(content(first)) == lines(plain)
    assert dom(content(second)) == dom("\n".join(lines(html_)))


def content(part) -> str:
    return part.get_payload(decode=True).decode("utf-8")


def lines(text: str) -> list[str]:
    """What is compared: line ends of any kind are one, and the last one is ours."""
    found = text.replace("\r\n", "\n").replace("\r", "\n")
    return found.removesuffix("\n").split("\n")


class _Events(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, attrs))

    def handle_endtag(self, tag):
        self.seen.append(f"/{tag}")

    def handle_data(self, data):
        if self.seen and isinstance(self.seen[-1], list):
            self.seen[-1][0] += data
        else:
            self.seen.append([data])


def dom(text: str) -> list:
    """What HTML says, however it is written: blanks of any kind are blanks."""
    reader = _Events()
    reader.feed(text)
    reader.close()
    found = [[" ".join(one[0].split())] if isinstance(one, list) else one for one in reader.seen]
    return found[:-1] if found and found[-1] == [""] else found


@pytest.mark.parametrize(
    ("html_", "encoding"),
    [
        ("<p>plain</p>", "7bit"),
        ("<p>" + "a" * 5000 + " · b</p>", "quoted-printable"),  # one line that can't be cut
        ("<p>" + "a " * 200 + "·</p>", "7bit"),  # one dot becomes its number
        ("<style>p:before{content:'·'}</style><p>plain</p>", "quoted-printable"),  # a style knows no numbers
        ("<p>" + "привет " * 300 + "</p>", "base64"),
    ],
)
def test_the_encoding_follows_what_is_said(html_, encoding):
    assert mime.encoded(html_, html=True)[0] == encoding


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1)).map(
        lambda at: at.replace(microsecond=0, tzinfo=UTC)
    )
)
def test_dates_are_read_as_they_were(at):
    assert parsedate_to_datetime(mime.instant(at)) == at
