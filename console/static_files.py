"""Our stylesheet and scripts: read once, addressed by the hash of their content, kept by browsers."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "json": "application/json",
}


@dataclass(frozen=True)
class Bundle:
    """All static files and the one hash in their addresses (modules import each other by name)."""

    version: str
    content: dict[str, bytes]


@cache
def bundle() -> Bundle:
    """The files of `console/static`, as they were when the process first needed them."""
    content = {
        entry.name: entry.read_bytes()
        for entry in sorted((files("console") / "static").iterdir(), key=lambda entry: entry.name)
        if entry.name.rsplit(".", 1)[-1] in _TYPES
    }
    digest = hashlib.sha256()
    for name, data in content.items():
        digest.update(name.encode() + b"\0" + data)
    return Bundle(digest.hexdigest()[:16], content)


def address(name: str) -> str:
    """Where a static file is found; changes when any of them changes."""
    return f"/static/{bundle().version}/{name}"


def serve(request: Request) -> Response:
    """One static file; an old version's address answers with the present file but isn't kept."""
    kept = bundle()
    name = request.path_params["name"]
    data = kept.content.get(name)
    if data is None:
        return Response("There is no such file.", 404, media_type="text/plain")
    current = request.path_params["version"] == kept.version
    headers = {
        "etag": f'"{kept.version}"',
        "cache-control": "public, max-age=31536000, immutable" if current else "no-cache",
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return Response(data, headers=headers, media_type=_TYPES[name.rsplit(".", 1)[-1]])
