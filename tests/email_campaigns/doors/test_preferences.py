"""Unsubscribing and choosing: GET shows, POST acts, what was said outlives imports and erasure."""

import pytest

from email_campaigns import suppression
from foundation.database import transaction
from foundation.records import Consent
from tests.email_campaigns.delivery.world import person
from tests.people import JANUARY

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
MULTIPART = {"List-Unsubscribe": (None, "One-Click")}


def consent_of(post) -> str:
    return post.house.rows("SELECT email_consent FROM customers WHERE live")[0].email_consent


@pytest.mark.parametrize(
    "sent", [{"data": ONE_CLICK}, {"files": MULTIPART}, {"data": ONE_CLICK | {"x": "y"}}]
)
def test_one_click(post, stranger, sent):
    post.sent()
    path = post.links()["u"][0]
    for _ in range(2):
        answer = stranger.post(path, **sent)
        assert answer.status_code == 200 and "location" not in answer.headers
        assert "set-cookie" not in answer.headers
    assert post.scopes() == [("marketing", "unsubscribed")]
    assert post.consents() == [("email", "marketing", False)]
    assert len(post.told("letter.unsubscribed")) == 1
    assert consent_of(post) == "withdrawn"
    (row,) = post.house.rows("SELECT text, form, ip FROM consents WHERE NOT given")
    assert row.text == "I want no marketing letters any more." and "one-click" in row.form and row.ip


def test_get_shows_one_button(post, stranger):
    post.sent()
    page = stranger.get(post.links()["u"][0])
    assert page.text.count("<button") == 1 and "p•••@m•••.example" in page.text
    assert "person1@" not in page.text
    for _ in range(100):
        stranger.get(post.links()["u"][0])
    assert post.scopes() == []


def test_button_acts(post, stranger):
    post.sent()
    assert stranger.post(post.links()["u"][0], data={"sure": "yes"}).status_code == 200
    assert post.scopes() == [("marketing", "unsubscribed")]


def test_one_click_after_erasure(post, stranger):
    post.sent()
    path = post.links()["u"][0]
    post.house.do("DELETE FROM profiles")
    assert stranger.post(path, data=ONE_CLICK).status_code == 200
    assert post.scopes() == [("marketing", "unsubscribed")] and post.consents() == []
    post.house.do("DELETE FROM deliveries")
    assert stranger.post(path, files=MULTIPART).status_code == 200


def test_it_survives_import_and_erasure(post, stranger, send):
    post.sent()
    stranger.post(post.links()["u"][0], data=ONE_CLICK)
    again = person(1, consents=(Consent(channel="email", given=True, at=JANUARY.replace(year=2027)),))
    post.house.people(again)
    for query in ("DELETE FROM profile_keys", "DELETE FROM profile_links", "DELETE FROM consents",
                  "DELETE FROM profiles", "DELETE FROM customers"):  # fmt: skip
        post.house.do(query)
    post.house.people(again)
    assert post.house.rows("SELECT email_consent FROM customers WHERE live")[0].email_consent == "given"
    post.house.do("DELETE FROM deliveries")
    post.house.plan(step="receipt:a:1:1:1")
    send()
    assert post.house.reasons() == {"person1@mail1.example": "suppressed"}


def test_topics_and_messages(post, stranger):
    post.house.do("UPDATE letters SET topic = 'News <b>'")
    sms = Consent(channel="sms", given=True, at=JANUARY)
    post.sent(person(1, consents=(*person(1).consents, sms)), topic="Offers & more")
    path = post.links()["p"][0]
    page = stranger.get(path)
    assert "News &lt;b&gt;" in page.text and "Offers &amp; more" in page.text
    assert page.text.count(" checked") == 4 and "Person" not in page.text
    stranger.post(path, data={"save": "yes", "email": "yes", "topic": "News <b>", "sms": "yes"})
    assert post.scopes() == [("Offers & more", "unsubscribed")]
    assert post.consents() == [("email", "topic:Offers & more", False)]
    assert consent_of(post) == "given"
    stranger.post(
        path, data={"save": "yes", "email": "yes", "topic": ["News <b>", "Offers & more", "Made up"]}
    )
    assert post.scopes() == []
    assert post.consents()[1:] == [("email", "topic:Offers & more", True), ("sms", "marketing", False)]


def test_nothing_at_all_and_back(post, stranger):
    post.sent(topic="Offers")
    path = post.links()["p"][0]
    stranger.post(path, data={"none": "yes", "email": "yes", "topic": "Offers"})
    assert post.scopes() == [("marketing", "unsubscribed")] and consent_of(post) == "withdrawn"
    assert " checked" not in stranger.get(path).text.split("topic")[0]
    page = stranger.post(path, data={"save": "yes", "email": "yes", "topic": "Offers"})
    assert "Saved." in page.text
    assert post.scopes() == [] and consent_of(post) == "given"
    assert post.consents() == [("email", "marketing", False), ("email", "marketing", True)]


@pytest.mark.parametrize("reason", ["complaint", "bounce", "manual"])
def test_what_others_stopped_is_not_resumed(post, stranger, reason):
    post.sent()
    with transaction(post.house.engine) as session:
        suppression.add(session, post.delivery.address, reason)
    path = post.links()["p"][0]
    assert "another reason" in stranger.get(path).text
    stranger.post(path, data={"save": "yes", "email": "yes"})
    assert post.scopes() == [("", reason)] and post.consents() == []


def test_same_address_on_another_profile_says_yes_again(post, stranger):
    post.sent()
    stranger.post(post.links()["u"][0], data=ONE_CLICK)
    refused = Consent(channel="email", given=False, at=JANUARY)
    post.house.people(person(2, emails=("person1@mail1.example",), consents=(refused,), name="Person Nr1"))
    stranger.post(post.links()["p"][0], data={"save": "yes", "email": "yes"})
    assert consent_of(post) == "given"
