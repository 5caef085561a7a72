"""The pages of forms: what they show, what they keep, what they refuse."""

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from console.pages import form_preview
from customers.segments import store as segments
from email_campaigns.journeys.tables import Journey, JourneyVersion
from foundation.database import transaction
from foundation.sealing import Sealer
from tests.console.conftest import Browser
from tests.console.formed import made, typed
from tests.console.test_hostile import PAYLOADS, shape
from tests.console.test_queries import counted
from web_capture import sites
from web_capture.forms import store as forms
from web_capture.forms.tables import Form, FormDevice, FormVersion
from web_capture.tables import Site

AT = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def site(engine: Engine, sealer: Sealer) -> UUID:
    with transaction(engine) as session:
        return sites.add(session, sealer, "shop.example")[0].id


def test_first_form_is_made_and_published(browser: Browser, engine: Engine, site: UUID) -> None:
    assert "No forms yet" in browser.see("/forms")
    path = made(browser, site)
    page = browser.see(path)
    assert "not published" in page and "Hear of offers first" in page
    browser.submit(path, **(typed(page) | {"do": "publish", "title": "Ten percent off"}))
    page = browser.see(path)
    assert "Published" in page and "Ten percent off" in page
    assert re.search(r'tag good">live<', browser.see("/forms"))
    with Session(engine) as session:
        form = session.query(Form).one()
        assert (form.state, form.live_version, form.version) == ("live", 1, 1)


def test_new_form_speaks_the_language_that_was_chosen(browser: Browser, site: UUID) -> None:
    assert '<option value="kk">Қазақша</option>' in browser.see("/forms/new")
    said = {"name": "Көктем", "site": str(site), "kind": "popup"}
    for tag, button, kept in (("kk", "Жазылу", "kk"), ("xx", "Sign up", "en"), ("../ru", "Sign up", "en")):
        answer = browser.submit("/forms/new", **said, language=tag)
        spec = typed(browser.see(answer.headers["location"]))
        assert (spec["language"], spec["button"]) == (kept, button)


def test_saving_unchanged_makes_no_version(browser: Browser, engine: Engine, site: UUID) -> None:
    path = made(browser, site)
    browser.submit(path, **(typed(browser.see(path)) | {"do": "publish"}))
    browser.submit(path, **(typed(browser.see(path)) | {"do": "save"}))
    browser.submit(path, **(typed(browser.see(path)) | {"do": "save", "title": "Other"}))
    with Session(engine) as session:
        kept = session.query(FormVersion).order_by(FormVersion.number).all()
        assert [one.spec["title"] for one in kept] == ["Hear of offers first", "Other"]
    assert "visitors get version 1" in browser.see(path)
    assert "Hear of offers first" in browser.see(f"{path}?from=1")


def test_everything_typed_comes_back(browser: Browser, engine: Engine, site: UUID) -> None:
    path = made(browser, site)
    wanted = {
        "field_1_label": "Size", "field_1_type": "choice", "field_1_options": "S\nM",
        "field_1_required": "yes",
        "theme": "dark", "position": "top", "accent": "#112233", "policy_url": "https://shop.example/privacy",
        "consent_sms": "", "double_opt_in": "yes", "coupon_kind": "fixed", "coupon_code": "TEN", "delay": "7",
        "scroll": "40", "exit": "yes", "cart": "1000", "page": "2", "returning": "yes", "frequency": "days",
        "days": "30", "urls": "*/sale/*\n/new", "not_urls": "checkout", "utm_source": "mail",
        "languages": "kk", "device": "phone", "visitor": "returning", "from": "2026-03-01T10:00",
        "until": "2026-04-01T10:00", "zone": "Asia/Almaty", "language": "ru", "v0_weight": "1",
        "v1_weight": "3", "v1_title": "B", "v1_accent": "#445566", "v1_delay": "2",
    }  # fmt: skip
    browser.submit(path, **(typed(browser.see(path)) | wanted | {"do": "save"}))
    again = typed(browser.see(path))
    assert {name: again.get(name) for name in wanted} == wanted
    with Session(engine) as session:
        spec = session.query(FormVersion).one().spec
    assert spec["variants"][1]["triggers"] == {"delay": 2, "cart": 1000, "page": 2, "returning": True}
    assert spec["variants"][1]["look"] == {"accent": "#445566", "theme": "dark", "position": "top"}


def test_mistakes_stay_on_the_page(browser: Browser, engine: Engine, site: UUID) -> None:
    path = made(browser, site)
    wrong = {"accent": "red", "delay": "soon", "title": "Mine", "field_1_label": "E", "field_1_type": "email"}
    page = browser.submit(path, 422, **(typed(browser.see(path)) | wrong | {"do": "publish"})).text
    assert page.count('class="error"') == 3
    assert typed(page)["title"] == "Mine" and typed(page)["accent"] == "red"
    with Session(engine) as session:
        assert session.query(Form).one().state == "draft"


def test_codes_are_pasted(browser: Browser, site: UUID) -> None:
    path = made(browser, site)
    said = typed(browser.see(path)) | {"coupon_kind": "list", "do": "publish"}
    assert "no codes to hand out" in browser.submit(path, 422, **said).text
    browser.submit(path, **(said | {"codes": "ONE\nTWO\n"}))
    page = browser.see(path)
    assert "2 codes added" in page and "2 codes are left" in page


def test_form_is_paused_resumed_and_ended(browser: Browser, engine: Engine, site: UUID) -> None:
    path = made(browser, site)
    browser.submit(path, **(typed(browser.see(path)) | {"do": "publish"}))
    for act, state in (("pause", "paused"), ("resume", "live"), ("end", "ended")):
        browser.submit(f"{path}/{act}")
        with Session(engine) as session:
            assert session.query(Form).one().state == state
    browser.submit(f"{path}/resume", 422)


def test_strangers_see_nothing(stranger: Browser, browser: Browser, site: UUID) -> None:
    path = made(browser, site)
    inner = ("", "/preview", "/preview.js", "/try?lead=x", "/results", "/submissions.csv")
    for page in ("/forms", *(path + one for one in inner)):
        answer = stranger.get(page, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"][:8]) == (303, "/sign-in"), page
    assert stranger.post(path, data={"do": "publish"}).status_code == 403
    browser.see("/forms/00000000-0000-7000-8000-000000000000", 404)


def test_preview_has_a_policy_of_its_own(browser: Browser, site: UUID) -> None:
    path = made(browser, site)
    answer = browser.get(f"{path}/preview")
    policy = answer.headers["content-security-policy"]
    assert policy == form_preview.POLICY and "frame-ancestors 'self'" in policy
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "frame-ancestors 'none'" in browser.get(path).headers["content-security-policy"]


def test_preview_draws_what_is_typed(browser: Browser, engine: Engine, site: UUID) -> None:
    path = made(browser, site)
    said = typed(browser.see(path)) | {
        "title": "Not saved",
        "v0_weight": "1",
        "v1_weight": "1",
        "v1_title": "Bee",
    }
    query = urlencode({"typed": "1", "variant": "B", **said})
    script = browser.get(f"{path}/preview.js?{query}").text
    assert '"title":"Bee"' in script and '"preview":true' in script
    assert "/v1/lead?" not in script and f"{path}/try?typed=1" in script
    assert "A colour is" in browser.see(
        f"{path}/preview?{urlencode({'typed': '1', **said, 'accent': 'red'})}"
    )
    with Session(engine) as session:
        assert session.query(FormVersion).one().spec["title"] == "Hear of offers first"


def test_trial_is_judged_and_lands_nothing(browser: Browser, engine: Engine, site: UUID) -> None:
    path = made(browser, site)

    def tried(email: str) -> Any:
        lead = {"form_id": "x", "messageId": "message-1", "version": 1, "fields": {"email": email},
                "consent": ["email"]}  # fmt: skip
        return browser.get(f"{path}/try?{urlencode({'lead': json.dumps(lead)})}").json()

    assert tried("anna@example.org") == {"ok": True, "coupon": None}
    assert tried("anna@")["errors"][0]["field"] == "email"
    assert browser.get(f"{path}/try?lead=[[").json()["ok"] is False
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM landed_records")) == 0


def lead_row(session: Session, site: UUID, form: Form, said: str, number: int = 0) -> None:
    """A submission on the timeline in which everything is the same text, and its device."""
    data = {
        "event": "Form Submitted", "device": f"d{number}", "url": said, "vouched": True,
        "properties": {"form_id": form.key, "variant": "A", "version": 1, "email": said, "name": said,
                       "consent": [{"channel": said, "given": True}], "fields": {said: said}},
    }  # fmt: skip
    row = {"site": site, "key": f"m:{form.key}:{number}", "at": AT, "data": json.dumps(data)}
    session.execute(
        text(
            "INSERT INTO timeline (source_id, source_key, kind, occurred_at, received_at, data)"
            " VALUES (:site, :key, 'web.lead', :at, :at, CAST(:data AS jsonb))"
        ),
        row,
    )
    device = {"form_id": form.id, "version": 1, "variant": "A", "device": data["device"]}
    session.add(FormDevice(**device, viewed=False, submitted=True))


def hostile(engine: Engine, site: UUID, said: str) -> str:
    """The address of a form that says, and was told, the same in every place."""
    with transaction(engine) as session:
        kept = session.get_one(Site, site)
        form = forms.make(session, kept, said[:80], "popup", said)
        spec = forms.start("popup") | {"title": said[:120], "text": said, "button": said[:40], "thanks": said}
        spec["fields"] += [{"type": "choice", "label": said[:80], "options": [said[:80], "S"]}]
        spec["consents"] = [{"channel": "email", "text": said[:300]}]
        spec["variants"] = [{"weight": 1, "title": said[:120]}, {"weight": 1}]
        forms.change(session, form, spec, said)
        forms.publish(session, form)
        lead_row(session, site, form, said)
        return f"/forms/{form.id}"


@pytest.mark.parametrize("said", PAYLOADS)
def test_hostile_texts_are_shown_only(browser: Browser, engine: Engine, site: UUID, said: str) -> None:
    tame, path = hostile(engine, site, "plain words"), hostile(engine, site, said)
    for page in ("", "/results", "/preview"):
        shown, expected = shape(browser.see(path + page)), shape(browser.see(tame + page))
        assert not shown.bad and shown.tags == expected.tags, page
    assert not shape(browser.see("/forms")).bad


def test_export_is_safe_for_spreadsheets(browser: Browser, engine: Engine, site: UUID) -> None:
    path = hostile(engine, site, "=HYPERLINK(1)")
    lines = browser.get(f"{path}/submissions.csv").text.splitlines()
    assert len(lines) == 2 and lines[0].startswith("\ufeffat,customer,email")
    assert "'=HYPERLINK(1)" in lines[1] and ",=HYPERLINK" not in lines[1]


def test_submissions_page_by_keyset(browser: Browser, engine: Engine, site: UUID) -> None:
    path = made(browser, site)
    with transaction(engine) as session:
        form = session.query(Form).one()
        for number in range(60):
            lead_row(session, site, form, f"p{number}@example.org", number)
    seen: list[str] = []
    page = f"{path}/results"
    while page:
        shown = browser.see(page)
        seen += re.findall(r"break\">\s*(p\d+@<wbr>example.org)", shown)
        older = shown.split('rel="next"')[0] if 'rel="next"' in shown else ""
        page = older.rsplit('href="', 1)[1].split('"')[0] if older else ""
    assert len(seen) == len(set(seen)) == 60
    assert browser.get(f"{path}/submissions.csv").text.count("\n") == 61


def test_unseen_submissions_stand_apart(browser: Browser, engine: Engine, site: UUID) -> None:
    path = made(browser, site)
    browser.submit(path, **(typed(browser.see(path)) | {"do": "publish"}))
    assert "view not counted" not in browser.see(f"{path}/results")
    with transaction(engine) as session:
        for number in range(3):
            lead_row(session, site, session.query(Form).one(), "anna@example.org", number)
    assert "filled in, view not counted: 3" in browser.see(f"{path}/results")


def test_form_is_shown_to_open_segments(browser: Browser, engine: Engine, site: UUID) -> None:
    with transaction(engine) as session:
        vip, _owes = (segments.make_list(session, name, "o@example.org") for name in ("VIP", "Owes money"))
    browser.see(f"/segments/{vip.id}/people")
    browser.submit(f"/segments/{vip.id}/pages", on="yes")
    path = made(browser, site)
    assert "Owes money" not in browser.see(path)
    browser.submit(path, **typed(browser.see(path)) | {"segment": str(vip.id)})
    with Session(engine) as session:
        assert session.query(FormVersion).one().spec["targeting"] == {"segments": [str(vip.id)]}
    browser.see(f"/segments/{vip.id}/people")
    browser.submit(f"/segments/{vip.id}/pages", on="no")
    assert "closed to pages" in browser.see(path)


def test_form_that_nobody_can_confirm_says_so(browser: Browser, engine: Engine, site: UUID) -> None:
    path = made(browser, site)
    said = {"double_opt_in": "yes", "consent_email": "I agree to letters."}
    browser.submit(path, **typed(browser.see(path)) | said)
    assert "Nobody can confirm yet" in browser.see(path)
    with transaction(engine) as session:
        journey = Journey(name="Confirm", state="on", version=1)
        session.add(journey)
        session.flush()
        spec = {"trigger": {"kind": "double_opt_in"}}
        session.add(JourneyVersion(journey_id=journey.id, number=1, spec=spec))
    assert "Nobody can confirm yet" not in browser.see(path)


def test_form_that_asks_for_what_is_gone_says_what_it_needs(
    browser: Browser, engine: Engine, site: UUID
) -> None:
    path = made(browser, site)
    browser.submit(path, **typed(browser.see(path)) | {"back_in_stock": "yes", "consent_email": ""})
    assert "Nobody is told yet" in browser.see(path)
    assert typed(browser.see(path))["back_in_stock"] == "yes"
    with transaction(engine) as session:
        assert session.query(FormVersion).one().spec["back_in_stock"] is True
        journey = Journey(name="Back", state="on", version=1)
        session.add(journey)
        session.flush()
        spec = {"trigger": {"kind": "back_in_stock_asked"}}
        session.add(JourneyVersion(journey_id=journey.id, number=1, spec=spec))
    assert "Nobody is told yet" not in browser.see(path)


COSTS = {"/forms": 2, "": 5, "/results": 5, "/preview": 3, "/preview.js": 3}


@pytest.mark.parametrize("page", COSTS)
def test_pages_of_forms_cost_their_queries(browser: Browser, engine: Engine, site: UUID, page: str) -> None:
    paths = [made(browser, site, name=f"Form {number}") for number in range(3)]
    with counted(engine) as sent:
        browser.get(page if page == "/forms" else paths[0] + page)
    assert len(sent) == COSTS[page], sent
