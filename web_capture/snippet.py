"""The snippet as it is served: a site's settings written in, shortened, compressed, with an ETag."""

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import brotli
import rjsmin

from web_capture.shorten import shorten

_SOURCE = Path(__file__).with_name("snippet.js")
_PLACE = "__SETTINGS__"
_NEVER_RAW = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"}
_WINDOWS = (10, 12, 14, 16)  # brotli's: which is best for so short a text is a matter of luck
_KEPT = 1_000  # sites whose script is held ready, 12 KB each


@dataclass(frozen=True)
class Script:
    """A site's script in the encodings that browsers ask for."""

    plain: bytes
    gzip: bytes
    brotli: bytes
    etag: str


def script(settings: Mapping[str, Any]) -> Script:
    """The snippet of a site with these settings; made once for each."""
    return _made(written(settings))


def written(settings: Mapping[str, Any]) -> str:
    """Settings as JSON that is safe in any script: nothing in it ends a line or a script element."""
    text = json.dumps(settings, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode().translate(_NEVER_RAW)


@lru_cache(maxsize=_KEPT)
def _made(settings: str) -> Script:
    plain = _shortened().replace(_PLACE, settings, 1).encode()
    packed = [brotli.compress(plain, quality=11, lgwin=window) for window in _WINDOWS]
    etag = f'"{hashlib.sha256(plain).hexdigest()[:32]}"'
    return Script(plain, gzip.compress(plain, 9, mtime=0), min(packed, key=len), etag)


@cache
def _shortened() -> str:
    return shorten(rjsmin.jsmin(_SOURCE.read_text("utf-8")))
