"""The mailbox connector against a server of ours that does what servers do, and what they should not."""

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors import registry
from connectors.base import Bad, Page, Raw
from connectors.mail import oauth
from connectors.mail.oauth import Access
from connectors.mailboxes.imap import Imap, wire
from connectors.mailboxes.imap.wire import Network
from foundation import clock as clocks
from foundation.errors import BadInput, KartotekaError, Misconfigured, Temporary
from tests import mailbox
from tests.mailbox import Mailbox, letter

Opener = Callable[..., Imap]


@pytest.fixture
def box() -> Iterator[Mailbox]:
    opened = mailbox.Mailbox()
    yield opened
    opened.close()


def connect(box: Mailbox, **typed: Any) -> Imap:
    """The connector on this server."""
    said = {
        "host": "127.0.0.1", "port": box.port, "security": "none", "user": "shop@example.org",
        "password": "secret", "days": 0,
    }  # fmt: skip
    settings = registry.parse_settings(Imap, {**said, **typed})
    return Imap(settings, Imap.make_http(settings, allow_private=True))


def pages(connector: Imap, cursor: str | None = None) -> tuple[list[Raw], list[Bad], str | None]:
    """Everything a pull yields, and the last cursor."""
    raws, bad = list[Raw](), list[Bad]()
    page: Page
    for page in connector.pull("letters", cursor):
        raws += page.records
        bad += page.bad
        cursor = page.cursor
    return raws, bad, cursor


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connector that waits a fraction of a second."""
    monkeypatch.setattr(wire, "QUIET", 0.5)
    monkeypatch.setattr(wire, "CONNECT", 1.0)
    monkeypatch.setattr("connectors.mailboxes.imap.ANSWER", 1.0)
    monkeypatch.setattr("connectors.mailboxes.imap.LETTERS", 1.0)


# what it reads


def test_letters_come_in_order_and_once(box: Mailbox) -> None:
    for number in range(7):
        box.inbox.put(letter(body=f"Nr {number}"))
    raws, bad, cursor = pages(connect(box))
    assert len(raws) == 7 and not bad
    said = [Imap.normalise("letters", raw, connect(box).settings)[-1] for raw in raws]
    assert [one.text for one in said] == [f"Nr {n}" for n in range(7)]  # type: ignore[union-attr]
    assert pages(connect(box), cursor)[0] == []
    box.inbox.put(letter(body="New"))
    assert len(pages(connect(box), cursor)[0]) == 1


def test_nothing_is_ever_marked(box: Mailbox) -> None:
    box.inbox.put(letter())
    connect(box).check()
    pages(connect(box))
    said = " ".join(box.said).upper()
    assert "EXAMINE" in said and "BODY.PEEK[]" in said
    assert not re.search(r" (SELECT|STORE|EXPUNGE|COPY|MOVE|APPEND|DELETE|CLOSE) |BODY\[", said)


def test_many_letters_are_read_in_pages(box: Mailbox) -> None:
    for number in range(130):
        box.inbox.put(letter(body=f"Nr {number}"))
    found = list(connect(box).pull("letters", None))
    assert sum(len(page.records) for page in found) == 130
    assert max(len(page.records) for page in found) == 50 and found[0].total == 130
    assert pages(connect(box), found[0].cursor)[0] == [r for page in found[1:] for r in page.records]


def test_numbers_that_mean_other_letters_now(box: Mailbox) -> None:
    box.inbox.put(letter(body="One"))
    first, _bad, cursor = pages(connect(box))
    box.inbox.validity, box.inbox.letters = 2, {}
    box.inbox.put(letter(body="One"), uid=1)
    box.inbox.put(letter(body="Two"), uid=2)
    again, _bad, cursor = pages(connect(box), cursor)
    assert len(again) == 2 and again[0] == first[0]  # so landing takes it for a repeat
    assert msgspec.json.decode(cursor or "") == {"INBOX": [2, 2]}


def test_only_what_came_lately_is_read_first(box: Mailbox, clock: Any) -> None:
    box.inbox.put(letter(body="Old"), at=clocks.now() - timedelta(days=200))
    box.inbox.put(letter(body="New"), at=clocks.now() - timedelta(days=2))
    raws, _bad, cursor = pages(connect(box, days=30))
    assert len(raws) == 1
    box.inbox.put(letter(body="Newest"), at=clocks.now())
    assert len(pages(connect(box, days=30), cursor)[0]) == 1


def test_a_mailbox_of_old_letters_only_is_not_searched_anew(box: Mailbox, clock: Any) -> None:
    box.inbox.put(letter(), at=clocks.now() - timedelta(days=200))
    raws, _bad, cursor = pages(connect(box, days=30))
    assert raws == [] and msgspec.json.decode(cursor or "") == {"INBOX": [1, 1]}


def test_several_folders_and_our_own_letters(box: Mailbox) -> None:
    box.folders["Заказы и прочее"] = box.folders["Sent"] = mailbox.Folder()
    box.folders = {
        "INBOX": mailbox.Folder(),
        "&BBcEMAQ6BDAENwRL-": mailbox.Folder(),
        "Sent": mailbox.Folder(),
    }
    for number, folder in enumerate(box.folders.values()):
        folder.put(letter(body=f"In {number}"))
    raws, _bad, cursor = pages(connect(box, folders="INBOX, Заказы", sent="Sent"))
    assert len(raws) == 3 and set(msgspec.json.decode(cursor or "")) == {"INBOX", "Заказы", "Sent"}
    sent = [Imap.normalise("letters", raw, connect(box).settings)[-1].sent for raw in raws]  # type: ignore[union-attr]
    assert sent == [False, False, True]


@pytest.mark.parametrize("name", ["My letters", 'Say "hi"', "a\\b", "INBOX.Orders/2026"])
def test_folders_of_any_name(box: Mailbox, name: str) -> None:
    box.folders[name.replace("\\", "\\\\").replace('"', '\\"')] = folder = mailbox.Folder()
    folder.put(letter())
    assert len(pages(connect(box, folders=name))[0]) == 1


def test_of_a_large_letter_the_beginning_is_read(box: Mailbox) -> None:
    box.inbox.put(letter(body="Hello\r\n" + "x" * 1_500_000))
    box.inbox.put(letter(body="Small"))
    raws, _bad, _cursor = pages(connect(box, largest=1))
    large, small = (Imap.normalise("letters", raw, connect(box).settings)[-1] for raw in raws[::-1])
    assert len(raws) == 2 and max(len(raw.payload) for raw in raws) < 300_000
    assert large.cut and large.text.startswith("Hello") and large.size > 1_500_000  # type: ignore[union-attr]
    assert not small.cut  # type: ignore[union-attr]


def test_a_letter_the_server_cannot_give_stands_aside(box: Mailbox) -> None:
    for number in range(3):
        box.inbox.put(letter(body=f"Nr {number}"))
    box.faults["broken letter"] = 2
    raws, bad, cursor = pages(connect(box))
    assert len(raws) == 2 and [one.at for one in bad] == ["INBOX 2"]
    assert msgspec.json.decode(cursor or "") == {"INBOX": [1, 3]}


def test_bytes_that_are_no_text_land_as_they_are(box: Mailbox) -> None:
    raw = b"From: a@x.example\r\n\r\n\xff\xfe\x00\x01 binary"
    box.inbox.put(raw)
    [found], _bad, _cursor = pages(connect(box))
    assert found.payload.isascii() and '"coded":true' in found.payload
    Imap.normalise("letters", found, connect(box).settings)


@pytest.mark.parametrize("date", ["01-Jan-1970 00:00:00 +0000", "31-Dec-2999 00:00:00 +0000"])
def test_days_that_can_not_be(box: Mailbox, date: str) -> None:
    box.inbox.put(letter())
    box.faults["internaldate"] = date
    [found], _bad, _cursor = pages(connect(box))
    assert found.version_at is None


# how it signs in


OAUTH = {"sign_in": "microsoft", "password": "", "client_id": "c", "refresh_token": "r", "tenant": "t"}


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Who asked for a token, and with what."""
    asked: list[tuple[Any, ...]] = []

    def access(*said: str, scope: str, **options: Any) -> Access:
        asked.append((*said, scope))
        return Access("token-1" if said[3] == "r" else "wrong", 3600.0, "r2" if said[3] == "r" else said[3])

    monkeypatch.setattr(oauth, "access", access)
    return asked


def test_a_token_is_fetched_for_reading_and_the_next_one_kept(
    box: Mailbox, tokens: list[tuple[Any, ...]]
) -> None:
    connector = connect(box, **OAUTH)
    pages(connector)
    scope = "https://outlook.office.com/IMAP.AccessAsUser.All"
    assert tokens == [("microsoft", "c", "", "r", "t", scope)]
    assert connector.renewed == {"refresh_token": "r2"}


def test_tokens_passwords_and_plain_login(box: Mailbox, tokens: list[tuple[Any, ...]]) -> None:
    box.inbox.put(letter())
    assert "1 in INBOX" in connect(box).check()
    assert "1 in INBOX" in connect(box, **OAUTH).check()
    box.faults["no plain"] = True
    assert "1 in INBOX" in connect(box).check()
    assert any("LOGIN" in said for said in box.said)


def test_passwords_beyond_ascii(box: Mailbox) -> None:
    box.password = "пароль"
    assert "INBOX" in connect(box, password="пароль").check()


@pytest.mark.parametrize(
    ("typed", "setting"),
    [
        ({"password": "wrong"}, "password"),
        ({**OAUTH, "refresh_token": "old"}, "refresh_token"),
        ({"folders": "Nowhere"}, "folders"),
    ],
)
def test_what_a_person_must_mend_is_named(
    box: Mailbox, tokens: list[tuple[Any, ...]], typed: dict[str, str], setting: str
) -> None:
    with pytest.raises(Misconfigured) as caught:
        connect(box, **typed).check()
    assert caught.value.setting == setting and "secret" not in str(caught.value)


@pytest.mark.parametrize("said", ["[UNAVAILABLE] try again", "too many connections"])
def test_a_server_that_is_busy_is_tried_later(box: Mailbox, said: str) -> None:
    box.faults["AUTHENTICATE"] = f"TAG NO {said}\r\n".encode()
    with pytest.raises(Temporary):
        connect(box).check()


@pytest.mark.parametrize(
    "typed",
    [
        {"port": 70_000},
        {"largest": 0},
        {"largest": 99},
        {"days": -1},
        {"folders": " , "},
        {"password": ""},
        {"sign_in": "google"},
        {"sign_in": "google", "client_id": "c"},
        {"sign_in": "other"},
    ],
)
def test_settings_that_can_not_be(box: Mailbox, typed: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        connect(box, **typed)


# encryption, and where it may go


@pytest.fixture
def believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A certificate of localhost that is believed."""
    import ssl  # noqa: PLC0415

    context, file = mailbox.certificate(tmp_path)
    monkeypatch.setattr(wire, "trusted", lambda: ssl.create_default_context(cafile=str(file)))
    return context


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_encrypted(believed: Any, security: str) -> None:
    box = Mailbox(tls=believed) if security == "tls" else Mailbox(start=believed)
    box.inbox.put(letter())
    connector = connect(box, host="localhost", security=security)
    assert len(pages(connector)[0]) == 1
    if security == "starttls":
        before = box.said[: next(n for n, said in enumerate(box.said) if "STARTTLS" in said)]
        assert not any("AUTHENTICATE" in said or "LOGIN" in said for said in before)
    box.close()


def test_a_certificate_nobody_believes(tmp_path: Path) -> None:
    context, _file = mailbox.certificate(tmp_path)
    box = Mailbox(tls=context)
    with pytest.raises(Misconfigured, match="certificate"):
        connect(box, host="localhost", security="tls").check()
    assert box.said == []
    box.close()


def test_a_handshake_that_drips_is_cut(impatient: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def drip() -> None:
            line, _address = server.accept()
            with line, contextlib.suppress(OSError):
                line.sendall(b"\x16\x03\x03\x40\x00\x02")  # a handshake of 16 kB begins
                while True:
                    line.sendall(b"\0")
                    time.sleep(0.1)

        threading.Thread(target=drip, daemon=True).start()
        said = {"host": "localhost", "port": port, "user": "a", "password": "b"}
        settings = registry.parse_settings(Imap, said)
        began = time.monotonic()
        with pytest.raises(Temporary):
            Imap(settings, Imap.make_http(settings, allow_private=True)).check()
        assert time.monotonic() - began < 4


def test_no_password_without_the_encryption_asked_for(box: Mailbox) -> None:
    with pytest.raises(Misconfigured, match="STARTTLS"):
        connect(box, host="localhost", security="starttls").check()
    assert not any("AUTHENTICATE" in said or "LOGIN" in said for said in box.said)


def test_what_is_said_ahead_of_the_encryption_is_refused(believed: Any) -> None:
    box = Mailbox(start=believed)
    box.faults["injected"] = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n"
    with pytest.raises(Temporary):
        connect(box, host="localhost", security="starttls").check()
    assert not any("AUTHENTICATE" in said for said in box.said)
    box.close()


def test_in_the_clear_only_on_this_machine(box: Mailbox) -> None:
    settings = registry.parse_settings(
        Imap, {"host": "mail.shop.example", "security": "none", "user": "a", "password": "b"}
    )
    for address in ("10.0.0.7", "8.8.8.8"):
        network = Network("mail.shop.example", allow_private=True, resolver=lambda h, p, a=address: [a])
        with pytest.raises(Misconfigured, match="this very machine"):
            Imap(settings, network).check()


def test_private_addresses_need_leave(box: Mailbox) -> None:
    connector = connect(box)
    closed = Imap(connector.settings, Imap.make_http(connector.settings))
    with pytest.raises(Misconfigured, match="open internet"):
        closed.check()
    assert box.said == []


# servers that fail


@pytest.mark.parametrize("verb", ["CAPABILITY", "AUTHENTICATE", "EXAMINE", "UID SEARCH", "UID FETCH"])
@pytest.mark.parametrize("fault", ["drop", "hang"])
def test_a_line_that_drops_or_hangs(box: Mailbox, impatient: None, fault: str, verb: str) -> None:
    box.inbox.put(letter())
    box.faults[fault] = verb
    began = time.monotonic()
    with pytest.raises(Temporary):
        pages(connect(box))
    assert time.monotonic() - began < 5


def test_what_was_read_before_the_line_dropped_is_kept(box: Mailbox) -> None:
    for number in range(60):
        box.inbox.put(letter(body=f"Nr {number}"))
    pull = connect(box).pull("letters", None)
    first = next(pull)
    box.faults["drop"] = "UID FETCH"
    with pytest.raises(Temporary):
        next(pull)
    box.faults.clear()
    assert len(first.records) + len(pages(connect(box), first.cursor)[0]) == 60


def test_a_server_that_drips(box: Mailbox, impatient: None) -> None:
    box.inbox.put(letter(body="x" * 50_000))
    box.faults["drip"] = 0.01
    began = time.monotonic()
    with pytest.raises(Temporary, match="silent for too long"):
        pages(connect(box))
    assert time.monotonic() - began < 8


@pytest.mark.parametrize(
    "greeting",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"220 smtp.example ESMTP\r\n", b"* BYE too many\r\n", b"\0" * 100,
     b"* OK " + b"x" * 500_000 + b"\r\n", b"\r\n\r\n\r\n", b"* NO\r\n"],
)  # fmt: skip
def test_what_is_no_mail_server(box: Mailbox, impatient: None, greeting: bytes) -> None:
    box.faults["greeting"] = greeting
    with pytest.raises(KartotekaError) as caught:
        connect(box).check()
    assert "127.0.0.1" in str(caught.value) and len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("EXAMINE", b"TAG OK done\r\n"),
        ("EXAMINE", b"* OK [UIDVALIDITY x] y\r\n* z EXISTS\r\nTAG OK done\r\n"),
        ("UID SEARCH", b"* SEARCH one two\r\nTAG OK done\r\n"),
        ("UID SEARCH", b"* SEARCH -1 99999999999999999999\r\nTAG OK done\r\n"),
        ("UID SEARCH", b"TAG BAD what\r\n"),
        ("UID FETCH", b'* 1 FETCH (UID 1 RFC822.SIZE x INTERNALDATE "y")\r\nTAG OK\r\n'),
        ("UID FETCH", b"* 1 FETCH ((((((\r\nTAG OK done\r\n"),
        ("UID FETCH", b"* 1 FETCH (UID 1 RFC822.SIZE 5 INTERNALDATE {999999999999}\r\n"),
        ("UID FETCH", b"* 1 FETCH (UID 1 RFC822.SIZE 5 INTERNALDATE {-5}\r\nTAG OK done\r\n"),
        ("UID FETCH", b"* FETCH\r\n" * 50 + b"TAG OK done\r\n"),
        ("UID FETCH", b"TAG NO\r\n"),
        ("UID FETCH", b"OTHER OK done\r\n"),
    ],
)
def test_nonsense(box: Mailbox, impatient: None, verb: str, answer: bytes) -> None:
    """Nonsense is an error in words or nothing at all; never a crash, never a letter."""
    box.inbox.put(letter())
    box.faults[verb] = answer
    try:
        raws, _bad, _cursor = pages(connect(box))
    except KartotekaError as error:
        assert "127.0.0.1" in str(error) and len(str(error)) < 500  # noqa: PT017
    else:
        assert raws == []


def test_more_than_was_asked_for(box: Mailbox, impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that says a letter is small and sends one without end."""
    monkeypatch.setattr(wire, "LINE", 1_000_000)
    box.inbox.put(letter(body="x" * 5_000_000))
    box.faults["size"] = 100
    with pytest.raises(Temporary, match="larger than what was asked for"):
        pages(connect(box))


def test_a_line_without_end(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire.Wire.within.__wrapped__, "__defaults__", (200_000,))  # type: ignore[attr-defined]
    box.faults["UID SEARCH"] = b"* SEARCH " + b"1 " * 400_000 + b"\r\nTAG OK done\r\n"
    with pytest.raises(Temporary):
        pages(connect(box))


def test_a_letter_deleted_between_search_and_fetch(box: Mailbox) -> None:
    box.inbox.put(letter(body="Stays"))
    box.faults["UID SEARCH"] = b"* SEARCH 1 2\r\nTAG OK done\r\n"
    raws, bad, cursor = pages(connect(box))
    assert len(raws) == 1 and not bad and msgspec.json.decode(cursor or "")["INBOX"][1] == 2


def test_a_cursor_that_is_none_of_ours(box: Mailbox) -> None:
    with pytest.raises(BadInput):
        pages(connect(box), "2026-01-01")


def test_a_hundred_thousand_letters_are_searched_quickly(box: Mailbox) -> None:
    box.faults["UID SEARCH"] = b"* SEARCH " + b" ".join(b"%d" % n for n in range(1, 100_001))
    box.faults["UID SEARCH"] += b"\r\nTAG OK done\r\n"
    box.inbox.put(letter(), uid=100_000)
    began = time.monotonic()
    raws, _bad, _cursor = pages(connect(box), '{"INBOX":[1,99990]}')
    assert len(raws) == 1 and time.monotonic() - began < 3
