"""The preview of a form: a page of our own in which the very script that shops load draws it.

The page has a policy of its own: it runs our scripts and nothing else, and only our pages may frame it. A
test submission is judged as a real one would be and lands nowhere.
"""

import msgspec
from starlette.responses import Response

from console.pages import form_input
from console.pages.forms import find
from console.templating import render
from console.web import Call
from foundation.text import _
from web_capture.forms import checks as form_checks
from web_capture.forms import leads as form_leads
from web_capture.forms import script as forms_script
from web_capture.forms import store as forms
from web_capture.forms.reading import BadForm
from web_capture.forms.spec import Spec, checked
from web_capture.forms.tables import Form

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)
EXAMPLE = "EXAMPLE-1234"


def show(call: Call) -> Response:
    """A page like a shop's, with the form as saved, as typed (`typed` in the query) or of a version."""
    form, _site = find(call)
    wrong: dict[str, str] = {}
    try:
        _spec(call, form)
    except BadForm as error:
        wrong = error.errors
    query = call.request.url.query
    here = f"/forms/{form.id}/preview.js" + (f"?{query}" if query else "")
    page = render(
        "form_preview.html", {"form": form, "script": here, "wrong": wrong, "me": call.me, "theme": ""}
    )
    return Response(page, headers={"content-security-policy": POLICY}, media_type="text/html; charset=utf-8")


def script(call: Call) -> Response:
    """The drawing script with this one form in it, as one of its variants."""
    form, _site = find(call)
    query = call.request.url.query
    try:
        spec = _spec(call, form)
    except BadForm:
        return Response("", media_type="text/javascript; charset=utf-8")
    to = f"/forms/{form.id}/try?" + (f"{query}&" if query else "") + "lead="
    drawn = forms_script.preview(form, _only(spec, call.query("variant")), to)
    return Response(drawn, media_type="text/javascript; charset=utf-8")


def try_it(call: Call) -> Response:
    """What a real submission would be told. Lands nothing: this is a GET."""
    form, _site = find(call)
    lead = form_checks.read(call.request.query_params.get("lead", "").encode())
    try:
        spec = _spec(call, form)
    except BadForm:
        lead = None
    if lead is None:
        answer = form_leads.Answer(False, None, [{"field": "", "message": _("This form can't be read.")}])
    else:
        answer = form_leads.check(lead, spec)
        if answer.ok and spec["coupon"]["kind"] == "list":
            answer = form_leads.Answer(True, EXAMPLE)
    return Response(msgspec.json.encode(answer.body()), media_type="application/json")


def _spec(call: Call, form: Form) -> Spec:
    """What is to be shown; BadForm when what was typed can't be."""
    asked = call.request.query_params
    if "typed" in asked:
        return checked(form.kind, form_input.read(asked))
    number = asked.get("version", "")
    known = number.isascii() and number.isdigit() and 0 < int(number) <= form.version
    return forms.version(call.db, form, int(number) if known else form.version).spec


def _only(spec: Spec, letter: str) -> Spec:
    """The spec as visitors of one variant see it."""
    place = ord(letter) - ord("A") if len(letter) == 1 else 0
    if not 0 <= place < len(spec["variants"]):
        place = 0
    chosen = spec["variants"][place : place + 1]
    return {**spec, "variants": chosen}
