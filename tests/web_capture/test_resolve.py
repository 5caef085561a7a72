"""Captured events become timeline rows on the right profiles and cards."""

import hmac
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation import problems
from foundation.database import transaction
from web_capture import commerce, messages
from web_capture.people import Known

TIMELINE = "SELECT kind, customer_id, profile_id, data, occurred_at FROM timeline ORDER BY id"


def test_visit_becomes_one_row(pages, rows):
    pages.say(
        "page", anonymousId="d1", messageId="m1", properties={"url": "https://shop.example/a?utm_source=x"}
    )
    found = rows(TIMELINE)
    assert [row["kind"] for row in found] == ["web.page"]
    assert found[0]["profile_id"] is not None
    assert found[0]["customer_id"] is None


def test_name_takes_the_visits_along(pages, rows):
    pages.say("page", anonymousId="d1")
    pages.say("track", anonymousId="d1", event="Product Viewed", properties={"product_id": "7"})
    rows(TIMELINE)
    pages.say("identify", anonymousId="d1", userId="7", traits={"email": "anna@p.kz", "firstName": "Anna"})
    found = rows(TIMELINE)
    assert [row["kind"] for row in found] == ["web.page", "web.product_viewed", "web.identify"]
    assert len({row["customer_id"] for row in found}) == 1
    assert found[0]["customer_id"] is not None
    assert rows("SELECT name, email FROM customers WHERE live") == [{"name": "Anna", "email": "anna@p.kz"}]


def test_repeats_add_nothing(pages, rows):
    for _ in range(3):
        pages.say("track", anonymousId="d1", event="Cart Viewed", messageId="m1")
    again = {"type": "track", "anonymousId": "d1", "event": "x", "messageId": "m1"}
    pages.post("batch", {"batch": [again, again]})
    assert len(rows(TIMELINE)) == 1


def test_server_vouches_for_its_customer(pages, rows):
    pages.say("identify", userId="7", traits={"email": "anna@p.kz", "name": "Anna Petrova"}, secret=True)
    pages.say("identify", anonymousId="evil", userId="7", traits={"email": "anna@p.kz", "name": "Eve"})
    found = rows("SELECT name, email FROM customers WHERE live ORDER BY name")
    assert found == [{"name": "Anna Petrova", "email": "anna@p.kz"}, {"name": "Eve", "email": "anna@p.kz"}]


def test_traits_hold_in_any_order(pages, rows):
    for at, city in (("2026-03-02T08:00:00Z", "Almaty"), ("2026-03-01T08:00:00Z", "Astana")):
        pages.say("identify", userId="7", timestamp=at, traits={"email": "a@p.kz", "city": city}, secret=True)
        rows(TIMELINE)
    assert rows("SELECT city FROM customers WHERE live") == [{"city": "Almaty"}]


def test_crawlers_have_no_profile(pages, rows):
    body = {"anonymousId": "d1", "properties": {"url": "https://shop.example/"}}
    pages.post("page", body, **{"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"})
    found = rows(TIMELINE)
    assert (found[0]["profile_id"], found[0]["data"]["bot"]) == (None, "crawler")


def test_event_that_breaks_harms_no_other(pages, rows, engine, monkeypatch):
    honest = commerce.data_of

    def breaks(message, currency):
        if message.event == "bad":
            raise ValueError("something nobody thought of")
        return honest(message, currency)

    monkeypatch.setattr(commerce, "data_of", breaks)
    batch = [{"type": "track", "anonymousId": "d1", "event": name} for name in ("one", "bad", "two")]
    assert pages.post("batch", {"batch": batch}).status_code == 200
    assert [row["data"]["event"] for row in rows(TIMELINE)] == ["one", "two"]
    (problem,) = rows("SELECT id, area, subject, message FROM problems WHERE state = 'open'")
    assert "something nobody thought of" in problem["message"]
    assert "shop.example" in problem["subject"]
    monkeypatch.undo()
    with transaction(engine) as session:
        problems.retry(session, problem["id"])
    assert [row["data"]["event"] for row in rows(TIMELINE)] == ["one", "two", "bad"]


def test_signature_of_the_server_proves_the_name(pages, rows):
    pages.say("identify", userId="7", traits={"email": "anna@p.kz", "name": "Anna"}, secret=True)
    said = {"userId": "7", "anonymousId": "d1", "context": {"kartoteka": {"signature": sign(pages, "7")}}}
    pages.say("page", anonymousId="d1")
    pages.say("identify", **said)
    assert len(rows("SELECT id FROM customers WHERE live")) == 1
    assert [row["customer_id"] is None for row in rows(TIMELINE)] == [False, False, False]


def sign(pages, said):
    return hmac.new(pages.secret_key.encode(), said.encode(), "sha256").hexdigest()


def test_signature_proves_only_what_it_is_of(pages, rows):
    pages.say("identify", userId="victim", traits={"email": "anna@p.kz", "name": "Anna"}, secret=True)
    mark = {"kartoteka": {"signature": sign(pages, "mallory")}}
    traits = {"email": "anna@p.kz", "phone": "+77012345678", "city": "Evil"}
    pages.say("identify", userId="mallory", anonymousId="d1", traits=traits, context=mark)
    pages.say("alias", userId="mallory", anonymousId="d1", previousId="victim", context=mark)
    found = rows("SELECT name, city FROM customers WHERE live ORDER BY name")
    assert found == [{"name": "", "city": "Evil"}, {"name": "Anna", "city": None}]


def test_signature_of_id_and_mailbox_proves_both(pages, rows):
    pages.say("identify", userId="9", traits={"email": "anna@p.kz", "name": "Anna"}, secret=True)
    mark = {"kartoteka": {"signature": sign(pages, "7\nanna@p.kz")}}
    pages.say("identify", userId="7", anonymousId="d1", traits={"email": " Anna@P.kz"}, context=mark)
    assert len(rows("SELECT id FROM customers WHERE live")) == 1


def test_consent_is_not_taken_from_a_browsers_word(pages, rows):
    said = [{"channel": "email", "given": True, "text": "I agree", "at": "2020-01-01T00:00:00Z"}]
    lead = {"email": "victim@p.kz", "consent": said}
    pages.say("track", anonymousId="d1", event="Form Submitted", properties=lead)
    pages.say("identify", anonymousId="d2", userId="7", traits=lead)
    assert rows("SELECT id FROM consents") == []
    pages.say("identify", userId="7", traits=lead, secret=True)
    assert len(rows("SELECT id FROM consents")) == 1


def test_withdrawal_is_heard_after_many_words(pages, rows):
    for day in range(1, 70):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
        said = [{"channel": "email", "given": day < 69, "text": "x", "at": at.isoformat()}]
        pages.say("identify", userId="7", secret=True, timestamp=at.isoformat(),
                  traits={"email": "a@p.kz", "consent": said, f"t{day}": 1})  # fmt: skip
    assert rows("SELECT email_consent FROM customers WHERE live") == [{"email_consent": "withdrawn"}]


def test_public_sender_takes_no_id_of_the_servers(pages, rows):
    pages.say("track", anonymousId="evil", event="junk", messageId="order-1001")
    pages.say("track", userId="7", event="Order Completed", messageId="order-1001", secret=True)
    assert [row["kind"] for row in rows(TIMELINE)] == ["web.event", "web.order_completed"]


def test_aliases_stay_within_bounds(pages, rows):
    for number in range(40):
        pages.say("alias", userId="7", anonymousId="d1", previousId=f"p{number}", secret=True)
    assert rows("SELECT count(*) AS n FROM profile_keys WHERE kind = 'account'") == [{"n": 10}]


@pytest.mark.parametrize("mark", ["", "0" * 64, "nonsense", "ключ", "F" * 64])
def test_wrong_signature_proves_nothing(pages, rows, mark):
    pages.say("identify", userId="7", traits={"email": "anna@p.kz"}, secret=True)
    pages.say("identify", userId="7", anonymousId="d1", context={"kartoteka": {"signature": mark}})
    assert len(rows("SELECT id FROM customers WHERE live")) == 2


def test_signed_mailbox_counts_without_an_id(pages, rows):
    mark = hmac.new(pages.secret_key.encode(), b"anna@p.kz", "sha256").hexdigest()
    said = {"traits": {"email": "Anna@p.kz "}, "context": {"kartoteka": {"signature": mark}}}
    pages.say("identify", anonymousId="d1", **said)
    assert rows("SELECT kind, external_id FROM profiles") == [
        {"kind": "customer", "external_id": "e:anna@p.kz"}
    ]


def test_alias_ties_the_device_to_the_user(pages, rows):
    pages.say("page", anonymousId="d1")
    pages.say("identify", userId="7", traits={"email": "anna@p.kz"}, secret=True)
    pages.say("alias", previousId="d1", userId="7", secret=True)
    assert {row["customer_id"] is None for row in rows(TIMELINE)} == {False}


def test_many_devices_of_one_claim_are_one_card(pages, rows):
    for device in ("d1", "d2"):
        pages.say("page", anonymousId=device)
        pages.say("identify", anonymousId=device, userId="7", traits={"email": "anna@p.kz"})
    assert len(rows("SELECT id FROM customers WHERE live")) == 1
    assert len({row["customer_id"] for row in rows(TIMELINE)}) == 1


def test_lead_from_a_form_is_a_person(pages, rows):
    pages.say("track", anonymousId="d1", event="Form Submitted",
              properties={"email": "anna@p.kz", "firstName": "Anna", "form": "contact"})  # fmt: skip
    assert rows("SELECT given_name, email, identified FROM customers WHERE live") == [
        {"given_name": "Anna", "email": "anna@p.kz", "identified": True}
    ]
    assert rows(TIMELINE)[0]["kind"] == "web.lead"


def test_phone_alone_names_a_lead(pages, rows):
    pages.say("track", anonymousId="d1", event="Form Submitted", properties={"phone": "+7 701 234-56-78"})
    assert rows("SELECT phone FROM customers WHERE live") == [{"phone": "+77012345678"}]


SAID = st.fixed_dictionaries(
    {"at": st.integers(1, 5), "name": st.sampled_from(["email", "city", "x"]),
     "value": st.sampled_from("abc"), "device": st.sampled_from(["", "d1", "d2"])}
)  # fmt: skip


@settings(max_examples=50)
@given(st.lists(SAID, max_size=8), st.randoms())
def test_words_about_a_person_add_up_in_any_order(said, chance):
    def heard(sayings):
        known = Known()
        for one in sayings:
            at = datetime(2026, 3, one["at"], tzinfo=UTC)
            known.hear(message(one["device"], at), {one["name"]: one["value"]})
        return known

    shuffled = list(said)
    chance.shuffle(shuffled)
    assert heard(said) == heard(shuffled) == heard(said + shuffled)


def message(device, at):
    said = {"at": at.isoformat(), "kind": "identify", "said": {"anonymousId": device, "userId": "7"}}
    return messages.read(1, msgspec.json.encode(said).decode())
