"""Serves the drawing script of a site: its live forms written in, minified, compressed, with an ETag."""

import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import brotli
import msgspec
import rjsmin
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from foundation.text import _, language
from web_capture import sites
from web_capture.forms import store as forms
from web_capture.forms.spec import Spec, instant
from web_capture.forms.tables import Form

TOKEN, STYLE = "__FORMS__", "__STYLE__"
_BLACK, _WHITE = "#000000", "#ffffff"
_TOLD = ("language", "title", "text", "button", "thanks", "fields", "consents", "policy_url", "triggers",
         "targeting", "frequency")  # fmt: skip


@dataclass(frozen=True)
class Served:
    """A script in the forms it can be asked for."""

    etag: str
    plain: bytes
    gzip: bytes
    brotli: bytes

    def choose(self, accepted: str) -> tuple[str, bytes]:
        """The smallest form a caller takes: its encoding and its bytes."""
        taken = {
            one.partition(";")[0].strip()
            for one in accepted.lower().split(",")
            if "q=0" not in one.split(";")
        }
        if "br" in taken:
            return "br", self.brotli
        return ("gzip", self.gzip) if "gzip" in taken else ("", self.plain)


def of_site(engine: Engine, base: str, site_key: str) -> Served:
    """The script of a site; BadInput when there is no site of that key."""
    with Session(engine) as session:
        site = sites.by_key(session, site_key)
        told = {
            "to": base,
            "key": sites.write_key(session, site),
            "site": site.key,
            "gpc": bool((site.settings or {}).get("gpc", True)),
            "forms": [
                shown(form, version.number, version.spec) for form, version in forms.live(session, site.id)
            ],
        }
    return dressed(written(told))


def written(told: dict[str, Any]) -> str:
    """The minified script with what it is told in the place of the token."""
    # "<" so that the JSON can stand in a page as well, the rest because JavaScript once broke lines there
    said = msgspec.json.encode(told).decode().replace("<", "\\u003c")
    return minified().replace(TOKEN, said.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def shown(form: Form, number: int, spec: Spec) -> dict[str, Any]:
    """A form as the drawing script gets it: everything but what is staff's own, coupon codes above all."""
    kept = {name: spec[name] for name in _TOLD}
    times = {
        name: at.timestamp() * 1000 for name in ("from", "until") if (at := instant(spec["schedule"], name))
    }
    with language(spec["language"]):
        words = {
            "close": _("Close"),
            "policy": _("Privacy policy"),
            "coupon": _("Your code"),
            "optional": _("optional"),
            "failed": _("This could not be sent. Please try again."),
            "fill": _("Please fill this in."),
            "tick": _("Please tick this to go on."),
            "email": _("This is no e-mail address that can be reached."),
            "date": _("This is no date of birth."),
        }
    return {
        "id": form.key,
        "name": form.name,
        "kind": form.kind,
        "version": number,
        **kept,
        **times,
        "back": "back_in_stock" in spec,
        "look": _look(spec["look"]),
        "words": words,
        "variants": [_variant(one) for one in spec["variants"]] or [{"weight": 1}],
    }


def _variant(variant: dict[str, Any]) -> dict[str, Any]:
    return {**variant, "look": _look(variant["look"])} if "look" in variant else variant


def _look(look: dict[str, str]) -> dict[str, str]:
    """With the colour that can be read on the accent (WCAG's relative luminance)."""
    return {**look, "ink": _BLACK if luminance(look["accent"]) > 0.183 else _WHITE}


def luminance(colour: str) -> float:
    """How bright a colour is, from 0 to 1."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@cache
def minified() -> str:
    """The drawing script without comments and white space; the token still in it."""
    names = ("drawing.js", "deciding.js", "forms.css")
    drawing, deciding, style = ((files("web_capture.forms") / name).read_text("utf-8") for name in names)
    # the block keeps our names out of the shop's, and what is thrown inside of it
    source = f"try {{\n{drawing}\n{deciding}\n}} catch {{}}"
    style = re.sub(r"\s*([{};,>]|: )\s*", lambda found: found[1].strip(), re.sub(r"/\*.*?\*/|\n", " ", style))
    return str(rjsmin.jsmin(source)).replace(STYLE, json.dumps(style.strip()))


@lru_cache(maxsize=256)
def dressed(script: str) -> Served:
    """A script with its tag and its compressed forms."""
    plain = script.encode()
    tag = hashlib.sha256(plain).hexdigest()[:20]
    return Served(f'"{tag}"', plain, gzip.compress(plain, 9, mtime=0), brotli.compress(plain, quality=11))


def preview(form: Form, spec: Spec, to: str) -> str:
    """The script with one form as it would be, which tells nobody anything but `to`."""
    told = {"to": to, "key": "", "gpc": False, "preview": True}
    return written(told | {"forms": [shown(form, form.version, spec)]})
