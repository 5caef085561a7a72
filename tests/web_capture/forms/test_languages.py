"""Forms speak their own language, also where they refuse; what is said before that, the browser's."""

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from foundation.text import LANGUAGES, _, language
from kartoteka import translations
from tests.web_capture.conftest import Pages
from tests.web_capture.forms.made import send, with_forms
from web_capture.forms import leads as form_leads
from web_capture.forms import script as forms_script
from web_capture.forms import store as forms
from web_capture.forms.checks import Lead
from web_capture.forms.spec import checked
from web_capture.forms.tables import Form

OTHERS = LANGUAGES[1:]
ENGLISH = {str(one.id) for one in translations.template() if one.id}
FIELDS = [
    {"type": "email", "label": "1", "required": True}, {"type": "phone", "label": "2", "required": True},
    {"type": "birthday", "label": "3"}, {"type": "choice", "label": "4", "options": ["А", "Б"]},
    {"type": "text", "label": "5", "required": True},
]  # fmt: skip


@pytest.fixture
def client(client: TestClient) -> TestClient:
    with_forms(client.app)
    return client


def texts(said: object) -> set[str]:
    """Every text in what a form is told."""
    if isinstance(said, str):
        return {said}
    parts = said.values() if isinstance(said, dict) else said if isinstance(said, list) else ()
    return set[str]().union(*map(texts, parts))


@pytest.mark.parametrize("kind", ["popup", "embedded"])
@pytest.mark.parametrize("tag", OTHERS)
def test_new_form_speaks_its_language_throughout(tag: str, kind: str) -> None:
    spec = checked(kind, forms.start(kind, tag))
    told = forms_script.shown(Form(key="f", name="Лето", kind=kind), 1, spec)
    assert told["language"] == tag and not ENGLISH & texts(told)
    with language(tag):
        assert told["words"]["close"] == _("Close") and told["words"]["fill"] == _("Please fill this in.")


@pytest.mark.parametrize("tag", ["en", "de", "", "../ru", "x" * 500])
def test_new_form_is_english_otherwise(tag: str) -> None:
    spec = checked("popup", forms.start("popup", tag))
    assert (spec["language"], spec["button"]) == ("en", "Sign up")


@pytest.mark.parametrize("tag", OTHERS)
def test_refusals_are_in_the_forms_language(tag: str) -> None:
    spec = checked("popup", forms.start("popup", tag) | {"fields": FIELDS})
    wrongs: list[Any] = [
        {"email": "x", "phone": "x", "birthday": "x", "own_3": "x", "own_4": "x" * 301},
        {}, {"email": "a@mailinator.com"},
    ]  # fmt: skip
    leads = [Lead("f", "message-1", 1, fields=fields, consent=["email"][:number]) for number, fields in
             enumerate(wrongs)]  # fmt: skip
    heard = {one["message"] for lead in leads for one in form_leads.check(lead, spec).errors}
    assert len(heard) == 8 and not heard & ENGLISH
    assert tag == "tr" or not [one for one in heard if re.search("[A-Za-z]{2,}", one)]


def test_whoever_sends_too_often_is_told_so_in_their_language(pages: Pages) -> None:
    lead = {"writeKey": pages.write_key, "messageId": "message-1", "form_id": "f", "version": 1}
    said = [send(pages.client, lead, **{"accept-language": "kk"}) for _time in range(9)]
    assert said[-1].status_code == 429
    assert said[-1].json()["errors"][0]["message"].startswith("Бір уақытта тым көп сұрау келді.")


@pytest.mark.parametrize("tag", LANGUAGES)
def test_what_is_no_form_is_said_in_the_browsers_language(pages: Pages, tag: str) -> None:
    header = {"accept-language": f"de,{tag};q=0.5"}
    with language(tag):
        words = _("This form can't be read.")
    answer = pages.client.post("/v1/lead", content=b"{", headers=header)
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (400, words)


@pytest.mark.parametrize("header", ["", "xx", "ru;q=0", "ru" * 20_000, "<b>", "ru;q=nan"])
def test_hostile_header_gets_english(pages: Pages, header: str) -> None:
    answer = pages.client.post("/v1/lead", content=b"{", headers={"accept-language": header})
    assert answer.json()["errors"][0]["message"] == "This form can't be read."
