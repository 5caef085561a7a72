"""The downloads for shops, made in memory: the sources beside this file with a site's values written in.

Sources are whole files of their language, so that its tools check them as they stand. Values take the place
of tokens in one pass, escaped as the language of the file wants it: none can end the text it stands in.
"""

import html
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from xml.sax.saxutils import escape as escape_xml
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from foundation.errors import BadInput

_TOKEN = re.compile("__(HUB|SITE_KEY|WRITE_KEY|SECRET_KEY|TAG)__")
_UNSAFE = re.compile("[<>&'\x7f\u0085\u2028\u2029]")
_NEWLINES = re.compile(r"[\x00-\x1f\x7f]+")
_DATE = (2026, 1, 1, 0, 0, 0)  # the same values make the same bytes


@dataclass(frozen=True)
class Values:
    """What of a site is written into its plugin. Only what runs on the shop's server has a secret key."""

    hub: str
    site_key: str
    write_key: str
    secret_key: str = ""


@dataclass(frozen=True)
class Plugin:
    """One kind of download. A zip's entries begin with `folder`; without a zip it is the one source `single`.

    `shared` are sources of another kind, and where in this one they lie.
    """

    file_name: str
    secret: bool = False
    folder: str = ""
    single: str = ""
    shared: tuple[str, str] = ("", "")


PLUGINS = {
    "wordpress": Plugin("kartoteka.zip", secret=True, folder="kartoteka/"),
    "opencart": Plugin("kartoteka.ocmod.zip", secret=True),
    "opencart3": Plugin(
        "kartoteka-opencart3.ocmod.zip",
        secret=True,
        shared=("opencart/system", "upload/system/library/kartoteka/"),
    ),
    "gtm": Plugin("kartoteka-gtm.json", single="container.json"),
    "shopify": Plugin("kartoteka-shopify.zip"),
}


def bundle(kind: str, values: Values) -> tuple[str, bytes]:
    """The file name and the content of a download; BadInput for a kind that there is not."""
    plugin = find(kind)
    entries = dict(texts(kind, values))
    if plugin.single:
        return plugin.file_name, entries[plugin.single].encode("utf-8", "replace")
    return plugin.file_name, _zipped(plugin.folder, entries)


def find(kind: str) -> Plugin:
    """A kind of download; BadInput when there is none of that name."""
    if kind not in PLUGINS:
        raise BadInput(f"There is no plugin “{kind[:40]}”: {', '.join(PLUGINS)}.", "kind")
    return PLUGINS[kind]


def texts(kind: str, values: Values) -> Iterator[tuple[str, str]]:
    """Each file of a download with the values in their places."""
    plugin, root = find(kind), files("web_capture") / "plugins"
    said = {
        "HUB": values.hub.rstrip("/"),
        "SITE_KEY": values.site_key,
        "WRITE_KEY": values.write_key,
        "SECRET_KEY": values.secret_key,
    }
    sources = dict(_sources(root / kind))
    if plugin.shared[0]:
        sources |= _sources(root.joinpath(*plugin.shared[0].split("/")), plugin.shared[1])
    if "tag.html" in sources:
        said["TAG"] = _written("tag.html", sources["tag.html"], said)
    for name, source in sorted(sources.items()):
        yield name, _written(name, source, said)


def _sources(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            yield from _sources(entry, f"{prefix}{entry.name}/")
        elif entry.name.rpartition(".")[2] in _ESCAPES:
            yield prefix + entry.name, entry.read_text("utf-8")


def _written(name: str, source: str, said: dict[str, str]) -> str:
    escape = _ESCAPES[name.rpartition(".")[2]]
    return _TOKEN.sub(lambda token: escape(said[token[1]]), source)


def _zipped(folder: str, entries: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for name, text in entries.items():
            entry = ZipInfo(folder + name, _DATE)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text.encode("utf-8", "replace"), ZIP_DEFLATED)
    return packed.getvalue()


def _in_php(value: str) -> str:
    """For inside single quotes."""
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _in_json(value: str) -> str:
    """For inside double quotes, of JSON and JavaScript, in a page too."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value)[1:-1])


def _in_xml(value: str) -> str:
    return escape_xml(_NEWLINES.sub(" ", value), {'"': "&quot;", "'": "&apos;"})


def _in_page(value: str) -> str:
    """For inside double quotes of HTML that Liquid reads first, to which braces mean something."""
    return html.escape(_NEWLINES.sub(" ", value)).replace("{", "&#123;").replace("}", "&#125;")


def _in_text(value: str) -> str:
    return _NEWLINES.sub(" ", value)


_ESCAPES: dict[str, Callable[[str], str]] = {
    "php": _in_php, "js": _in_json, "json": _in_json, "xml": _in_xml, "html": _in_page, "liquid": _in_page,
    "twig": _in_page, "txt": _in_text,
}  # fmt: skip
