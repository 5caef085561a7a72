"""IMAP: any mailbox whose letters may be read. Nothing is changed there: no letter is marked, moved, deleted.

A folder is opened for reading only (EXAMINE) and read on from the last UID. When its UIDVALIDITY changed, the
numbers mean other letters: it is read anew, and landing knows what it has seen, as a letter is named by what
it holds and not by where it lay.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from connectors import letters
from connectors.base import Bad, Connector, Page, Raw, Stream, setting
from connectors.http import Http
from connectors.letters import payload
from connectors.mail import oauth
from connectors.mailboxes.imap import wire
from connectors.mailboxes.imap.wire import Network
from foundation import clock
from foundation.errors import BadInput, Misconfigured
from foundation.records import AnyRecord

TOGETHER, HEAVY = 50, 4_000_000  # letters of a page, and bytes
LOOK = 200  # letters whose size is asked for at once
PART = 262_144  # bytes that are read of a letter too large to be read whole
ANSWER, LETTERS = 60.0, 180.0  # seconds for a question, and for a page of letters
MOST_FOLDERS = 20
SCOPES = {
    "google": "https://mail.google.com/",
    "microsoft": "https://outlook.office.com/IMAP.AccessAsUser.All",
}
PORTS = {"tls": 993, "starttls": 143, "none": 143}
Cursor = dict[str, tuple[int, int]]  # folder -> UIDVALIDITY, the last UID read


class Row(NamedTuple):
    """A letter that lies there."""

    uid: int
    size: int
    at: datetime | None


@dataclasses.dataclass(frozen=True)
class MailboxSettings:
    """How to reach a mailbox, and what of it to read."""

    host: str = setting("Server", placeholder="imap.example.org")
    user: str = setting("Account", placeholder="shop@example.org")
    sign_in: str = setting(
        "Sign-in", default="password",
        choices=(("password", "With a password"), ("google", "Google, OAuth2"),
                 ("microsoft", "Microsoft 365, OAuth2")),
    )  # fmt: skip
    password: str = setting("Password", secret=True, default="", help="An app password where there are such.")
    client_id: str = setting("OAuth2 client id", default="", help="Of your application, for OAuth2 only.")
    client_secret: str = setting("OAuth2 client secret", secret=True, default="")
    refresh_token: str = setting("OAuth2 refresh token", secret=True, default="")
    tenant: str = setting("Microsoft tenant", default="", help="Empty: any.")
    security: str = setting(
        "Encryption", default="tls",
        choices=(("tls", "TLS from the start (port 993)"), ("starttls", "STARTTLS (port 143)"),
                 ("none", "none: only on this machine")),
    )  # fmt: skip
    port: int = setting("Port", default=0, help="0: the usual one.")
    folders: str = setting(
        "Folders", default="INBOX", help="Where letters come in; several with commas between."
    )
    sent: str = setting(
        "Folder of sent letters", default="",
        help="Letters there count as written by you; only where nobody else can put any.",
    )  # fmt: skip
    days: int = setting("Days back", default=90, help="Of the first reading; 0: everything.")
    largest: int = setting(
        "Largest letter, MB", default=10, help="Of larger ones only the beginning is read, up to 256 KB."
    )
    vouches: str = setting(
        "Name in Authentication-Results", default="",
        help="Your mail server's own, such as mx.example.org: whom it has checked is shown as checked.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        if self.sign_in == "password" and not self.password:
            raise ValueError("a password is needed")
        if self.sign_in != "password" and not (self.client_id and self.refresh_token):
            raise ValueError("OAuth2 needs the client's id and a refresh token")
        if not 0 <= self.port <= 65_535:
            raise ValueError("a port is at most 65535")
        if not 1 <= self.largest <= 25:
            raise ValueError("the largest letter must be between 1 and 25 MB")
        if self.days < 0 or not 0 < len(folders_of(self)) <= MOST_FOLDERS:
            raise ValueError(f"name between 1 and {MOST_FOLDERS} folders, and no negative number of days")


def folders_of(settings: MailboxSettings) -> list[tuple[str, bool]]:
    """Folders to read, each with whether its letters are our own."""
    names = [(name.strip(), False) for name in settings.folders.split(",")]
    return [(name, sent) for name, sent in [*names, (settings.sent.strip(), True)] if name]


class Imap(Connector):
    """One mailbox."""

    kind = "imap"
    title = "Mailbox (IMAP)"
    role = "mailbox"
    summary = "Letters of customers, answers, bounces and complaints from any mailbox with IMAP."
    Settings = MailboxSettings
    streams = (Stream(name="letters", title="Letters", what="message", listable=False, lasting=True),)
    fixtures = "imap"

    settings: MailboxSettings

    @classmethod
    def make_http(cls, settings: MailboxSettings, **options: Any) -> Http:
        """No HTTP: what says which addresses may be reached."""
        return Network(settings.host.strip(), credential="password", **options)

    def check(self) -> str:
        """Sign in and open each folder."""
        client = self._signed_in()
        try:
            counts = [f"{self._open(client, name)[1]} in {name}" for name, _sent in folders_of(self.settings)]
        finally:
            client._imap.shutdown()
        return f"Reached {self.settings.host}: letters: {', '.join(counts)}."

    def pull(self, stream: str, cursor: str | None) -> Iterator[Page]:
        """Letters that came since, folder by folder, each in the order of its UIDs."""
        marks = _read_cursor(cursor)
        client = self._signed_in()
        try:
            for name, sent in folders_of(self.settings):
                validity, _count = self._open(client, name)
                known, last = marks.get(name, (0, 0))
                marks[name] = (validity, last if known == validity else 0)
                yield from self._folder(client, name, sent, marks)
        finally:
            client._imap.shutdown()

    @classmethod
    def normalise(cls, stream: str, raw: Raw, settings: MailboxSettings) -> Sequence[AnyRecord]:
        """The letter, and whoever wrote it as far as the letter says so."""
        return letters.records(raw.external_id, raw.payload, settings.vouches.strip())

    def _signed_in(self) -> Any:
        own = self.settings
        assert isinstance(self.http, Network)
        host = own.host.strip()
        token = "" if own.sign_in == "password" else self._token()
        client = wire.connect(self.http, host, own.port or PORTS[own.security], own.security)
        try:
            wire.sign_in(client, host, own.user.strip(), own.password, token)
        except BaseException:
            client._imap.shutdown()
            raise
        return client

    def _token(self) -> str:
        """A fresh access token; a refresh token that comes with it is kept for the next time."""
        own = self.settings
        assert isinstance(self.http, Network)
        found = oauth.access(
            own.sign_in, own.client_id.strip(), own.client_secret.strip(), own.refresh_token.strip(),
            own.tenant.strip(), allow_private=self.http.allow_private, scope=SCOPES[own.sign_in],
        )  # fmt: skip
        if found.refresh_token != own.refresh_token.strip():
            self.renewed = {"refresh_token": found.refresh_token}
        return found.token

    def _open(self, client: Any, folder: str) -> tuple[int, int]:
        """UIDVALIDITY and number of letters of a folder, opened for reading only."""
        with wire.in_words(self.settings.host), client._imap.within(ANSWER):
            try:
                said = client.select_folder(folder, readonly=True)
            except wire.BROKEN:
                raise
            except wire.REFUSED as error:
                raise Misconfigured(
                    f"The folder “{folder}” can't be opened: {wire.one_line(error)}", "folders"
                ) from error
            return int(said[b"UIDVALIDITY"]), int(said[b"EXISTS"])

    def _folder(self, client: Any, name: str, sent: bool, marks: Cursor) -> Iterator[Page]:
        validity, last = marks[name]
        uids, end = self._news(client, last)
        total = len(uids) or None
        for start in range(0, len(uids), LOOK):
            for batch in self._portions(client, uids[start : start + LOOK]):
                bad: list[Bad] = []
                raws = tuple(self._letters(client, name, batch, sent, bad))
                marks[name] = (validity, batch[-1].uid)
                yield Page(raws, _write_cursor(marks), total, tuple(bad))
        if end > marks[name][1] or not last:
            marks[name] = (validity, max(end, marks[name][1]))
            yield Page((), _write_cursor(marks))

    def _news(self, client: Any, last: int) -> tuple[list[int], int]:
        """UIDs to read, and the highest there is."""
        with wire.in_words(self.settings.host), client._imap.within(ANSWER):
            found = sorted({int(uid) for uid in client.search(["UID", f"{last + 1}:*"]) if uid > last})
            end = found[-1] if found else last
            if found and not last and self.settings.days:
                since = (clock.now() - timedelta(days=self.settings.days)).date()
                young = {int(uid) for uid in client.search(["SINCE", since])}
                found = [uid for uid in found if uid in young]
            return found, end

    def _portions(self, client: Any, uids: list[int]) -> Iterator[list[Row]]:
        """UID, size and arrival of letters, so many together as are not too heavy."""
        with wire.in_words(self.settings.host), client._imap.within(ANSWER):
            said = client.fetch(uids, ["RFC822.SIZE", "INTERNALDATE"])
            rows = [
                Row(uid, int(said[uid][b"RFC822.SIZE"]), _arrived(said[uid])) for uid in uids if uid in said
            ]
        batch: list[Row] = []
        weight = 0
        for row in rows:
            heavy = row.size if row.size <= self._largest else PART
            if batch and (len(batch) == TOGETHER or weight + heavy > HEAVY):
                yield batch
                batch, weight = [], 0
            batch.append(row)
            weight += heavy
        if batch:
            yield batch

    @property
    def _largest(self) -> int:
        return self.settings.largest * 1_000_000

    def _letters(
        self, client: Any, folder: str, batch: Sequence[Row], sent: bool, bad: list[Bad]
    ) -> Iterator[Raw]:
        """Letters whole; of those that are too large the beginning. What can't be read goes to `bad`."""
        for large in (False, True):
            rows = [row for row in batch if (row.size > self._largest) == large]
            held = self._bodies(client, rows, large)
            for row in rows:
                one = held if held is not None else self._bodies(client, [row], large)
                if one is None:
                    bad.append(Bad(f"{folder} {row.uid}", "The mail server refuses to give this letter."))
                elif row.uid in one:  # else it has been deleted meanwhile
                    yield payload.pack(one[row.uid], at=row.at, size=row.size, sent=sent, cut=large)

    def _bodies(self, client: Any, rows: Sequence[Row], large: bool) -> dict[int, bytes] | None:
        """What these letters hold; None when the server refuses, as some do because of one broken letter."""
        if not rows:
            return {}
        asked = f"BODY.PEEK[]<0.{PART}>" if large else "BODY.PEEK[]"
        weight = sum(PART if large else row.size for row in rows)
        with wire.in_words(self.settings.host), client._imap.within(LETTERS, 2 * weight + wire.LINE // 16):
            try:
                said = client.fetch([row.uid for row in rows], [asked])
            except wire.BROKEN:
                raise
            except wire.REFUSED:
                return None
            bodies = {uid: said[uid].get(b"BODY[]<0>" if large else b"BODY[]") for uid in said}
            return {uid: body for uid, body in bodies.items() if isinstance(body, bytes) and body}


def _arrived(said: Mapping[bytes, Any]) -> datetime | None:
    """When the server took the letter in; None where it says nonsense."""
    at = said.get(b"INTERNALDATE")
    if not isinstance(at, datetime):
        return None
    try:
        at = at.astimezone(UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return at if datetime(1990, 1, 1, tzinfo=UTC) < at < clock.now() + timedelta(days=1) else None


def _read_cursor(cursor: str | None) -> Cursor:
    if not cursor:
        return {}
    try:
        return msgspec.json.decode(cursor, type=Cursor)
    except msgspec.MsgspecError as error:
        raise BadInput("the cursor of the mailbox can't be read") from error


def _write_cursor(marks: Cursor) -> str:
    return msgspec.json.encode(marks, order="sorted").decode()
