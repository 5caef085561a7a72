"""What every connector promises, how all of them are found, and how their settings become forms.

A connector yields raw records of an outside system page by page and turns one raw record into the common
vocabulary. It knows no database. Webhooks are hints, cursors are truth, listings are evidence.
"""

import dataclasses
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import msgspec

from foundation.errors import Permanent
from foundation.records import AnyRecord, OrderState

if TYPE_CHECKING:  # the web process lands what comes and calls nobody: it needs no HTTP client
    from connectors.http import Http

Role = Literal["shop", "accounting", "file", "site", "mailbox"]


class Raw(msgspec.Struct, frozen=True):
    """One outside object as it came. `version_at` is the source's own change time (UTC) where it has one."""

    external_id: str
    payload: str
    version_at: datetime | None = None
    gone: bool = False  # the source says it no longer exists

    @property
    def version_hash(self) -> bytes:
        """16 bytes that differ when the content differs."""
        return version_of(self.payload.encode("utf-8", "surrogatepass"))


def version_of(payload: bytes) -> bytes:
    """The 16 bytes of a payload in UTF-8 that `Raw.version_hash` tells of."""
    return hashlib.blake2b(payload, digest_size=16).digest()


class Packed(msgspec.Struct, frozen=True, gc=False):
    """A Raw whose payload is UTF-8 already, for those that make very many."""

    external_id: str
    data: bytes
    version_at: datetime | None = None
    gone: bool = False

    @property
    def payload(self) -> str:
        """The payload as text."""
        return self.data.decode()


def raw_json(external_id: str, thing: Any, version_at: datetime | None = None) -> Raw:
    """A Raw of a JSON value with its keys in order, so that the same content has the same hash."""
    return Raw(external_id, msgspec.json.encode(thing, order="sorted").decode(), version_at)


class Bad(msgspec.Struct, frozen=True):
    """A record that can't be used: where it stood, why, and what it was. The rest of its page goes on."""

    at: str
    reason: str
    payload: str = ""


class Page(msgspec.Struct, frozen=True):
    """A page of raw records and the cursor to save with it in the same transaction.

    `repeated` counts rows of a file that are not among the records because a later row of this page is about
    the same object.
    """

    records: tuple[Raw, ...]
    cursor: str | None
    total: int | None = None  # how many this pull will read in all, where the source tells
    bad: tuple[Bad, ...] = ()
    repeated: int = 0


class Entry(msgspec.Struct, frozen=True):
    """One line of a listing: enough to compare there with here. `day_at` puts it into a day bucket."""

    external_id: str
    day_at: datetime | None = None
    version_at: datetime | None = None


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of object a connector pulls, and the rules of its source.

    `revisit` names the order states that the source changes without moving its change time: orders in them
    are fetched again at each pull. `listable` streams can be reconciled; `full` streams have no change filter
    and are read whole each time. What a `lasting` stream has no more is kept here: mailboxes are tidied up.
    """

    name: str
    title: str
    what: Literal["person", "order", "product", "invoice", "payment", "message"]
    revisit: tuple[OrderState, ...] = ()
    listable: bool = True
    full: bool = False
    lasting: bool = False
    writes: tuple[str, ...] = ()  # the fields of its records that `push` can write there


class Delivery(msgspec.Struct, frozen=True):
    """What a webhook said: records to land, ids to fetch, or nothing (a ping)."""

    stream: str = ""
    records: tuple[Raw, ...] = ()
    fetch: tuple[str, ...] = ()
    topic: str = ""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Something to write into the outside system. Ids that the record names are that system's own.

    `fields` names what is to become another; empty: everything the stream writes. With an empty `external_id`
    the object is to be made; the same `key` again must not make a second one.
    """

    key: str  # idempotency key
    record: AnyRecord
    external_id: str = ""
    fields: tuple[str, ...] = ()
    version: str = ""  # what the other side called the version that this was decided on


class Overtaken(Exception):
    """The object there has changed since the version that a change was decided on: read it, decide anew."""


class HookRefused(Exception):
    """The webhook isn't genuine (signature, time); answered with 401 and nothing is kept."""


def setting(
    label: str, *, help: str = "", secret: bool = False, default: Any = dataclasses.MISSING,  # noqa: A002
    choices: tuple[tuple[str, str], ...] = (), placeholder: str = "",
) -> Any:  # fmt: skip
    """A field of a connector's Settings dataclass: the console form, CLI help and docs are made from it."""
    meta = {"label": label, "help": help, "secret": secret, "choices": choices, "placeholder": placeholder}
    return dataclasses.field(default=default, repr=not secret, metadata=meta)


class Connector(ABC):
    """One outside system. Built per run with its settings and an `Http` that keeps every network promise."""

    kind: ClassVar[str]
    title: ClassVar[str]
    role: ClassVar[Role]
    summary: ClassVar[str]  # one sentence for the wizard and the docs
    Settings: ClassVar[type]  # a frozen dataclass; fields by `setting()`
    streams: ClassVar[tuple[Stream, ...]]
    hooks: ClassVar[bool] = False  # does it send webhooks
    called: ClassVar[bool] = False  # the other side calls us, so it is never pulled
    fixtures: ClassVar[str] = ""  # folder under tests/fixtures with recorded-shape answers

    def __init__(self, settings: Any, http: "Http") -> None:
        self.settings = settings
        self.http = http
        self.renewed: dict[str, str] = {}  # secret settings that the other side has replaced meanwhile

    @classmethod
    @abstractmethod
    def make_http(cls, settings: Any, **options: Any) -> "Http":
        """The Http this connector speaks through: base address, sign-in, limits."""

    @abstractmethod
    def check(self) -> str:
        """Try the sign-in and answer in a sentence what was reached; raises Misconfigured or Temporary."""

    @abstractmethod
    def pull(self, stream: str, cursor: str | None) -> Iterator[Page]:
        """Pages changed since a cursor (None: all), oldest change first; cursors overlap on purpose."""

    @classmethod
    @abstractmethod
    def normalise(cls, stream: str, raw: Raw, settings: Any) -> Sequence[AnyRecord]:
        """The records one raw record stands for; pure, no network. Raises BadInput with the place.

        Answers an empty list for objects that are none of ours (a checkout draft).
        """

    def fetch(self, stream: str, external_ids: Sequence[str]) -> Iterator[Raw]:
        """Read single objects again; one that is gone comes as Raw(gone=True)."""
        raise Permanent(f"{self.title} can't read single {stream} again.")

    def listing(self, stream: str, since: datetime | None = None) -> Iterator[Entry]:
        """Every object there (since a day), lightly: what reconciliation compares."""
        raise Permanent(f"{self.title} can't list {stream}.")

    def push(self, stream: str, change: Change) -> Raw:
        """Write one change; answers the object as it is there now.

        Raises Overtaken when it is another version already, BadInput when the other side refuses the content.
        """
        raise Permanent(f"{self.title} takes no {stream} from outside.")

    @classmethod
    def read_hook(cls, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> Delivery:
        """Verify a webhook against any of the secrets and say what it means. Header names are lower case.

        Raises HookRefused when it isn't genuine and BadInput when it is but can't be read.
        """
        raise HookRefused(f"{cls.kind} has no webhooks")

    def install_hooks(self, address: str, secret: str) -> str:
        """Ask the shop to send webhooks to an address; idempotent; answers in a sentence what was done."""
        raise Permanent(f"{self.title} sends no webhooks.")

    def tend_hooks(self, address: str, secret: str) -> list[str]:
        """Look after installed webhooks (re-enable those the shop switched off); answers what was mended."""
        return []
