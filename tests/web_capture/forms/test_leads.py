"""A submission becomes a lead on the timeline and a row of the consent ledger, once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from tests.console.test_queries import counted
from tests.web_capture.conftest import Pages, Rows
from tests.web_capture.forms.made import CONSENT, published, said, send, with_forms
from web_capture.forms import leads as form_leads
from web_capture.forms import routes as form_routes
from web_capture.forms.checks import Lead
from web_capture.forms.leads import Source
from web_capture.limits import Limit

CONSENTS = "SELECT channel, purpose, given, text, form, ip FROM consents ORDER BY id"
EVENTS = "SELECT kind, data, profile_id, customer_id FROM timeline ORDER BY id"


@pytest.fixture
def client(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(form_routes, "PER_ADDRESS", Limit(0.5))
    with_forms(client.app)
    return client


def test_submission_is_lead_and_consent(engine: Engine, pages: Pages, rows: Rows) -> None:
    form = published(engine, pages.id)
    answer = send(pages.client, said(form, pages.write_key))
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "coupon": None})
    assert rows(CONSENTS) == [
        {"channel": "email", "purpose": "marketing", "given": True, "text": CONSENT,
         "form": "Spring, version 1", "ip": "testclient"}
    ]  # fmt: skip
    [event] = rows(EVENTS)
    assert event["kind"] == "web.lead" and event["customer_id"]
    assert event["data"]["properties"]["form_id"] == form.key
    assert event["data"]["device"] == "device-1"


def test_same_submission_counts_once(engine: Engine, pages: Pages, rows: Rows) -> None:
    form = published(engine, pages.id, coupon={"kind": "list"}, codes=["one", "two"])
    first = send(pages.client, said(form, pages.write_key)).json()
    rows("SELECT 1")
    assert send(pages.client, said(form, pages.write_key)).json() == first == {"ok": True, "coupon": "one"}
    assert len(rows(EVENTS)) == len(rows(CONSENTS)) == 1


def test_what_is_not_ticked_withdraws_nothing(engine: Engine, pages: Pages, rows: Rows) -> None:
    consents = [
        {"channel": "email", "text": CONSENT, "required": False},
        {"channel": "sms", "text": "By SMS too.", "required": False},
    ]
    fields = [{"type": "email", "label": "E-mail"}, {"type": "phone", "label": "Phone"}]
    form = published(engine, pages.id, consents=consents, fields=fields)
    values = {"email": "anna@example.org", "phone": "+7 701 555 01 99"}
    send(pages.client, said(form, pages.write_key, fields=values, consent=["sms"]))
    assert [(row["channel"], row["text"]) for row in rows(CONSENTS)] == [("sms", "By SMS too.")]


def test_consent_keeps_the_words_that_were_shown(engine: Engine, pages: Pages, rows: Rows) -> None:
    long = " ".join(["I agree to “all” of <b>this</b>."] * 10)[:300].strip()
    form = published(engine, pages.id, consents=[{"channel": "email", "text": long}])
    lead = said(form, pages.write_key)
    lead["fields"]["consent"] = [{"channel": "sms", "given": True, "text": "forged"}]  # type: ignore[index]
    assert send(pages.client, lead).status_code == 400
    send(pages.client, said(form, pages.write_key, message="message-0002"))
    assert [row["text"] for row in rows(CONSENTS)] == [long]


def test_double_opt_in_waits_with_consent(engine: Engine, pages: Pages, rows: Rows) -> None:
    form = published(engine, pages.id, double_opt_in=True)
    send(pages.client, said(form, pages.write_key))
    lead, wish = rows(EVENTS)
    assert (lead["kind"], wish["kind"]) == ("web.lead", "web.opt_in")
    assert wish["data"]["event"] == "Opt-in Requested"
    assert wish["data"]["properties"]["consent"][0]["text"] == CONSENT
    assert wish["profile_id"] == lead["profile_id"] and lead["customer_id"]
    assert rows(CONSENTS) == []


def test_errors_name_their_fields(engine: Engine, pages: Pages, rows: Rows) -> None:
    fields = [
        {"type": "email", "label": "E-mail", "required": True},
        {"type": "birthday", "label": "Birthday"},
        {"type": "choice", "label": "Size", "options": ["S", "M"], "required": True},
    ]
    form = published(engine, pages.id, fields=fields)
    values = {"email": "anna@", "birthday": "3000-01-01", "own_2": "XL"}
    answer = send(pages.client, said(form, pages.write_key, fields=values, consent=[]))
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [
        "email",
        "birthday",
        "own_2",
        "consent_email",
    ]
    assert rows(EVENTS) == []


@pytest.mark.parametrize("email", ["test@test.com", "a b@x.kz", "x@mailinator.com", "x@sub.mailinator.com"])
def test_unusable_mailboxes_are_told(engine: Engine, pages: Pages, rows: Rows, email: str) -> None:
    form = published(engine, pages.id)
    answer = send(pages.client, said(form, pages.write_key, fields={"email": email}))
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "email"
    assert rows(EVENTS) == []


@pytest.mark.parametrize(("why", "sign"), [("honeypot", {"honeypot": "buy"}), ("timing", {"seconds": 1.2})])
def test_programs_are_thanked_and_set_aside(
    engine: Engine, pages: Pages, rows: Rows, why: str, sign: dict[str, Any]
) -> None:
    form = published(engine, pages.id, coupon={"kind": "list"}, codes=["one"])
    answer = send(pages.client, said(form, pages.write_key, **sign))
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "coupon": None})
    [event] = rows(EVENTS)
    assert event["kind"] == "web.event" and event["customer_id"] is None
    assert event["data"]["properties"]["spam"] is True and event["data"]["properties"]["why"] == why
    assert rows(CONSENTS) == [] and rows("SELECT FROM form_coupons WHERE person IS NOT NULL") == []


def test_strangers_are_sent_away(engine: Engine, pages: Pages, rows: Rows) -> None:
    form, key = published(engine, pages.id), pages.write_key
    lead = said(form, key)
    evil = {"origin": "https://evil.example"}
    assert send(pages.client, lead, **evil).status_code == 403
    assert send(pages.client, lead | {"writeKey": "wk_none"}).status_code == 400
    assert send(pages.client, lead | {"form_id": "none"}).status_code == 404
    assert send(pages.client, lead | {"version": 9}).status_code == 404
    assert send(pages.client, lead | {"seconds": "NaN"}).status_code == 400
    assert send(pages.client, lead | {"messageId": "x\u0000"}).status_code == 400
    assert send(pages.client, lead | {"variant": "<b>"}).status_code == 400
    assert pages.client.post("/v1/lead", content=b"[" * 40_000).status_code == 413
    assert rows(EVENTS) == []


def test_drafts_take_nothing(engine: Engine, pages: Pages, rows: Rows) -> None:
    form = published(engine, pages.id)
    with engine.begin() as connection:
        connection.execute(text("UPDATE form_versions SET published_at = NULL"))
    assert send(pages.client, said(form, pages.write_key)).status_code == 404


def test_shop_may_read_the_answer(engine: Engine, pages: Pages) -> None:
    form = published(engine, pages.id)
    answer = send(pages.client, said(form, pages.write_key), origin="https://www.shop.example")
    assert answer.headers["access-control-allow-origin"] == "https://www.shop.example"
    assert (
        "access-control-allow-origin"
        not in send(pages.client, said(form, pages.write_key), origin="https://evil.example").headers
    )


def test_address_that_sends_many_waits(engine: Engine, pages: Pages) -> None:
    form = published(engine, pages.id)
    with TestClient(pages.client.app, base_url="http://localhost", client=("203.0.113.9", 1)) as visitor:
        codes = [
            send(visitor, said(form, pages.write_key, message=f"message-{n:04}")).status_code
            for n in range(8)
        ]
    assert codes[:5] == [200] * 5 and codes[-1] == 429


def test_coupon_is_never_given_twice(engine: Engine, pages: Pages, rows: Rows) -> None:
    codes = [f"CODE-{n}" for n in range(6)]
    form = published(engine, pages.id, coupon={"kind": "list"}, codes=codes)
    source = Source(form.site_id, "203.0.113.9", "Firefox")

    def one(number: int) -> str | None:
        lead = Lead(form.key, f"message-{number:04}", 1, fields={"email": f"p{number}@example.org"},
                    consent=["email"], seconds=9)  # fmt: skip
        answer = form_leads.receive(engine, source, lead)
        assert answer is not None and answer.ok
        return answer.coupon

    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(one, range(8)))
    assert sorted(filter(None, given)) == codes and given.count(None) == 2


def test_one_person_gets_one_code(engine: Engine, pages: Pages) -> None:
    form = published(engine, pages.id, coupon={"kind": "list"}, codes=[f"CODE-{n}" for n in range(20)])
    source = Source(form.site_id, "203.0.113.9", "Firefox")
    spellings = ["anna@example.org", "Anna@Example.org"]

    def one(number: int) -> str | None:
        lead = Lead(form.key, f"message-{number:04}", 1, fields={"email": spellings[number % 2]},
                    consent=["email"], seconds=9)  # fmt: skip
        answer = form_leads.receive(engine, source, lead)
        return answer.coupon if answer else None

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(16))) == {"CODE-0"}


BOTH = [{"type": "email", "label": "E-mail"}, {"type": "phone", "label": "Phone"}]
Ask = Callable[..., str | None]


@pytest.fixture
def ask(engine: Engine, pages: Pages) -> Ask:
    """What a submission of these values is given, by a form with twenty codes."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE sites SET currency = 'KZT'"))
    codes = [f"CODE-{n}" for n in range(20)]
    form = published(engine, pages.id, coupon={"kind": "list"}, codes=codes, fields=BOTH, consents=[])
    source = Source(form.site_id, "203.0.113.9", "Firefox")
    numbers = count()

    def one(**values: str) -> str | None:
        lead = Lead(form.key, f"message-{next(numbers):04}", 1, fields=values, seconds=9)
        answer = form_leads.receive(engine, source, lead)
        assert answer is not None and answer.ok
        return answer.coupon

    return one


@pytest.mark.parametrize("again", ["8 701 234 56 78", "8(701)234-56-78", "701 234 56 78", "0077012345678"])
def test_phone_however_spelt_gets_one_code(ask: Ask, again: str) -> None:
    assert ask(phone="+7 701 234 56 78") == ask(phone=again) == "CODE-0"
    assert ask(phone="+7 701 234 56 79") == "CODE-1"


def test_number_of_no_plan_is_known_again(ask: Ask) -> None:
    assert ask(phone="8 000 234 56 78") == ask(phone="7 000 234-56-78") == "CODE-0"


def test_either_key_brings_the_code_back(ask: Ask) -> None:
    assert ask(email="anna@example.org", phone="+7 701 234 56 78") == "CODE-0"
    assert ask(phone="8 701 234 56 78") == ask(email="Anna@example.org") == "CODE-0"
    assert ask(email="other@example.org", phone="8 701 234 56 78") == "CODE-0"
    assert ask(email="other@example.org") == "CODE-0"  # a key that came later counts as well
    assert ask(email="anna@example.or") == "CODE-1"


def test_code_of_one_key_stays_its_own(ask: Ask) -> None:
    assert (ask(phone="+7 701 234 56 78"), ask(email="anna@example.org")) == ("CODE-0", "CODE-1")
    assert ask(email="anna@example.org", phone="+7 701 234 56 78") == "CODE-1"
    assert (ask(phone="+7 701 234 56 78"), ask(email="anna@example.org")) == ("CODE-0", "CODE-1")


def test_keys_of_a_code_have_an_end(ask: Ask, rows: Rows) -> None:
    for number in range(60):
        assert ask(email=f"{number}{'x' * 50}@example.org", phone="+7 701 234 56 78") == "CODE-0"
    [row] = rows("SELECT person FROM form_coupons WHERE person IS NOT NULL")
    assert 1_000 <= len(row["person"]) < 1_300


def test_either_key_gets_one_code_at_once(ask: Ask) -> None:
    values = [
        {"email": "anna@example.org", "phone": "+7 701 234 56 78"},
        {"email": "bert@example.org", "phone": "8 701 234 56 78"},
        {"phone": "701 234 56 78"},
    ]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda number: ask(**values[number % 3]), range(24))) == {"CODE-0"}


def test_lead_costs_three_queries(engine: Engine, pages: Pages) -> None:
    form = published(engine, pages.id, coupon={"kind": "list"}, codes=["one"])
    send(pages.client, said(form, pages.write_key, message="message-0000"))
    with counted(pages.client.app.state.collector.asking.engine) as sent:
        send(pages.client, said(form, pages.write_key))
    assert len(sent) == 3, sent


def test_two_forms_at_once_keep_both_consents(engine: Engine, pages: Pages, rows: Rows) -> None:
    first = published(engine, pages.id)
    sms = [{"channel": "sms", "text": "By SMS too.", "required": False}]
    fields = [{"type": "email", "label": "E-mail"}, {"type": "phone", "label": "Phone"}]
    other = published(engine, pages.id, consents=sms, fields=fields)
    values = {"email": "anna@example.org", "phone": "+7 701 555 01 99"}
    send(pages.client, said(first, pages.write_key))
    send(pages.client, said(other, pages.write_key, message="message-0002", fields=values, consent=["sms"]))
    assert sorted(row["channel"] for row in rows(CONSENTS)) == ["email", "sms"]


def test_no_page_can_wish_for_a_letter(pages: Pages, rows: Rows) -> None:
    wish = {"event": "Opt-in Requested", "anonymousId": "d1", "properties": {"email": "anna@example.org"}}
    pages.say("track", **wish)
    pages.say("track", secret=True, userId="7", **wish)
    assert [row["kind"] for row in rows(EVENTS)] == ["web.event", "web.opt_in"]
