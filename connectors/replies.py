"""What came back from a call: its body, its JSON and its Retry-After, read without trusting them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import msgspec
import urllib3

from foundation import clock
from foundation.errors import Permanent, Temporary

LONGEST_WAIT = 3600.0
_CHUNK = 65_536


class Body(Protocol):
    """The part of a urllib3 response that is used."""

    def read(self, amt: int, decode_content: bool) -> bytes:
        """Next bytes, decompressed."""


@dataclass(frozen=True, repr=False)
class Reply:
    """An answer. `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    host: str = ""

    def __repr__(self) -> str:
        return f"Reply({self.status}, {len(self.body)} bytes)"

    @property
    def text(self) -> str:
        """The body as text; the declared charset is used when it isn't UTF-8."""
        declared = self.headers.get("content-type", "").partition("charset=")[2].partition(";")[0].strip(' "')
        for encoding in ("utf-8-sig", declared or "latin-1"):
            try:
                return self.body.decode(encoding)
            except (UnicodeDecodeError, LookupError):
                continue
        return self.body.decode("utf-8", "replace")

    @property
    def is_page(self) -> bool:
        """True when a web page came where data was asked for."""
        return self.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"

    def json(self) -> Any:
        """The decoded body; Temporary when it is cut short or no JSON (a broken moment of the other side)."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._mended()
        except RecursionError as error:
            raise Permanent(f"{self.host} sent JSON nested too deeply to be data.") from error

    def _mended(self) -> Any:
        """JSON with a BOM, another charset or half a surrogate pair, which one bad name is enough for."""
        try:
            loose = json.dumps(json.loads(self.text), ensure_ascii=False)
            return msgspec.json.decode(loose.encode("utf-8", "replace"))
        except (ValueError, RecursionError) as error:
            start = " ".join(self.text[:60].split())
            raise Temporary(f"{self.host} sent an answer that is no complete JSON: “{start}”.") from error


def read_body(raw: Body, limit: int, host: str) -> bytes:
    """The whole body, decompressed; Permanent as soon as it is longer than `limit` bytes."""
    chunks: list[bytes] = []
    size = 0
    try:
        while chunk := raw.read(_CHUNK, decode_content=True):
            size += len(chunk)
            if size > limit:
                raise Permanent(f"{host} sends more than {limit // 1_000_000} MB in one answer; refused.")
            chunks.append(chunk)
    except urllib3.exceptions.DecodeError as error:
        raise Temporary(f"{host} sent an answer that can't be decompressed.") from error
    return b"".join(chunks)


def read_retry_after(value: str | None) -> float | None:
    """Seconds a Retry-After header (a number or an HTTP date) asks to wait, at most an hour, or None."""
    if not value:
        return None
    text = value.strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        seconds = (at - clock.now()).total_seconds()
    return min(seconds, LONGEST_WAIT) if seconds > 0 else None  # NaN compares false


def complaint(reply: Reply) -> str:
    """The other side's own words from an error body, at most 200 characters; empty when it has none."""
    if reply.is_page:
        return ""
    try:
        said = reply.json()
    except (Temporary, Permanent):
        return ""
    words = (
        said.get("message") or said.get("error_description") or said.get("error")
        if said and isinstance(said, dict)
        else None
    )
    return f"“{' '.join(words.split())[:200]}”." if isinstance(words, str) and words.strip() else ""
