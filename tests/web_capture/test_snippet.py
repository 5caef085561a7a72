"""The snippet as it is served: small, the same for the same settings, and no setting breaks out of it."""

import gzip
import json
import shutil
import subprocess

import brotli
import pytest

from web_capture.shorten import shorten
from web_capture.snippet import script, written

FULL = {
    "to": "https://hub.example",
    "key": "wk_Vq3zK8mB1nX_tR7pLw2YcD5hF9gJ0sAe",
    "site": "4f9c02d17be8a635",
    "consent": "none",
    "gpc": True,
    "capture": True,
    "forms": True,
    "sisters": ["other-shop.example"],
    "popups": True,
}
HOSTILE = [
    "</script><script>alert(1)</script>",
    '"};alert(1);({"',
    "\\",
    "\u2028alert(1)\u2029",
    "<!--",
    "'`${alert(1)}`",
    "__SETTINGS__",
    "\ud800",
    "\n\r\x00",
]


def test_everything_fits_into_two_kilobytes():
    assert len(script(FULL).brotli) <= 2048


def test_every_encoding_holds_the_same():
    made = script(FULL)
    assert brotli.decompress(made.brotli) == gzip.decompress(made.gzip) == made.plain
    assert len(made.brotli) < len(made.gzip) < len(made.plain)


def test_etag_follows_the_content():
    assert script(FULL).etag == script(dict(FULL)).etag
    assert script(FULL).etag != script({**FULL, "gpc": False}).etag
    assert script(FULL).etag.startswith('"') and script(FULL).etag.endswith('"')


def test_same_settings_are_made_once():
    assert script(FULL) is script(dict(FULL))


def test_neither_comments_nor_the_place_are_left():
    text = script(FULL).plain.decode()
    assert "__SETTINGS__" not in text and "// " not in text and "\n" not in text


@pytest.mark.parametrize("value", HOSTILE)
def test_no_setting_breaks_out(value):
    text = written({"site": value})
    assert not set(text) & set("<>\u2028\u2029\n\r\x00")
    assert json.loads(text)["site"] == value.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("value", HOSTILE)
def test_script_with_any_setting_is_javascript(value, tmp_path):
    node = shutil.which("node") or pytest.skip("node is missing: apt-get install nodejs")
    for name in ("snippet.js", "snippet.mjs"):
        path = tmp_path / name
        path.write_bytes(script({**FULL, "site": value, "sisters": [value]}).plain)
        subprocess.run([node, "--check", path], check=True, capture_output=True)


def test_functions_start_their_letters_again():
    assert shorten("const one=(first,second)=>first+second;const two=first=>one(first,1);") == (
        "let e=(a,b)=>a+b;let f=a=>e(a,1);"
    )


def test_inner_function_spares_what_it_uses():
    assert shorten("const one=first=>second=>first+second;") == "let e=a=>b=>a+b;"


def test_texts_keys_and_properties_keep_their_names():
    text = 'const name=1;f({name:name,b:x.name,c:"name"},/name/.test(name),name?name:2);'
    assert shorten(text) == 'let e=1;f({name:e,b:x.name,c:"name"},/name/.test(e),e?e:2);'


def test_needless_marks_go():
    assert shorten("f(()=>{g();},\n{a:1,});") == "f(()=>{g()},{a:1});"
