"""The drawing script: small, with the live forms of its site in it and nothing of staff's own."""

import gzip
import json
import re

import brotli
import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from tests.web_capture.conftest import Pages
from tests.web_capture.forms.made import published, with_forms
from web_capture.forms import script as forms_script

BAR = 6_144


@pytest.fixture
def client(client: TestClient) -> TestClient:
    with_forms(client.app)
    return client


def told(script: str) -> dict:  # type: ignore[type-arg]
    """What the script was told."""
    found = re.search(r"settings=(\{.*?\}),\s*page=document", script, re.S)
    assert found
    return json.loads(found[1])


def test_script_fits_its_bar() -> None:
    bare = forms_script.written({"forms": []})
    assert len(brotli.compress(bare.encode(), quality=11)) <= BAR
    assert "__" not in bare and "//" not in bare.replace("https?:\\/\\/", "")


def test_script_carries_live_forms(engine: Engine, pages: Pages) -> None:
    form = published(engine, pages.id, coupon={"kind": "fixed", "code": "SECRET10"})
    published(engine, pages.id, "bar", triggers={})
    with engine.begin() as connection:
        connection.execute(text("UPDATE forms SET state = 'paused' WHERE kind = 'bar'"))
    answer = pages.client.get(f"/k/{pages.site_key}.forms.js")
    assert answer.headers["cache-control"] == "public, max-age=300"
    said = told(answer.text)
    assert [one["id"] for one in said["forms"]] == [form.key]
    assert said["key"] == pages.write_key and said["to"] == "http://localhost"
    assert "SECRET10" not in answer.text and "olga" not in answer.text


def test_hostile_texts_stay_texts(engine: Engine, pages: Pages) -> None:
    hostile = "</script><script>alert(1)</script>\u2028\"'`${alert(1)}__STYLE__"
    published(engine, pages.id, title=hostile)
    script = pages.client.get(f"/k/{pages.site_key}.forms.js").text
    assert "</script" not in script and "\u2028" not in script
    assert told(script)["forms"][0]["title"] == hostile


@pytest.mark.parametrize(
    ("accepted", "encoding"), [("gzip, br", "br"), ("gzip", "gzip"), ("", ""), ("br;q=0", "")]
)
def test_browser_gets_what_it_takes(engine: Engine, pages: Pages, accepted: str, encoding: str) -> None:
    published(engine, pages.id)
    path = f"/k/{pages.site_key}.forms.js"
    with pages.client.stream("GET", path, headers={"accept-encoding": accepted}) as answer:
        raw = b"".join(answer.iter_raw())
        assert answer.headers.get("content-encoding", "") == encoding
    plain = {"br": brotli.decompress, "gzip": gzip.decompress, "": bytes}[encoding](raw)
    assert plain.startswith(b"try{")


def test_unchanged_script_is_not_sent_again(engine: Engine, pages: Pages) -> None:
    published(engine, pages.id)
    path = f"/k/{pages.site_key}.forms.js"
    tag = pages.client.get(path).headers["etag"]
    again = pages.client.get(path, headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    published(engine, pages.id, "bar")
    assert pages.client.get(path, headers={"if-none-match": tag}).status_code == 200


def test_unknown_site_has_no_script(pages: Pages) -> None:
    assert pages.client.get("/k/none.forms.js").status_code == 404


@pytest.mark.parametrize(
    "accent", ["#000000", "#ffffff", "#777777", "#0b5f55", "#ff0000", "#ffcc00", "#2f6fed"]
)
def test_button_can_be_read(accent: str) -> None:
    ink = forms_script._look({"accent": accent})["ink"]
    bright, dark = sorted((forms_script.luminance(accent), forms_script.luminance(ink)), reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= 4.5
