"""What letters ask: an address is confirmed and a score given by a person's button, by nothing else."""

import re
from datetime import timedelta
from email import policy
from email.parser import BytesParser

import msgspec
import pytest

from email_campaigns import suppression
from email_campaigns.letters import starters, store
from email_campaigns.tables import Letter
from foundation.clock import now
from foundation.database import transaction
from foundation.records import Consent
from tests.email_campaigns.delivery.world import person
from tests.people import JANUARY

WORDS = "I agree to <b>offers</b> by e-mail."
SAID = {"sure": "yes"}


def asked(post, key: str, *people, **context) -> str:
    """A starter is sent to somebody; the path of its question."""
    post.house.people(*(people or (person(1, consents=()),)))
    with transaction(post.house.engine) as session:
        letter = Letter(name=key, purpose="transactional", topic="", created_by="", archived_at=None)
        session.add(letter)
        session.flush()
        texts = {"en": starters.of(key).written("en", "Bazaar", "1 Main street")}
        post.house.version = store.new_version(session, letter, "en", texts).id
    post.house.plan(purpose="transactional", step="test:a")
    post.house.do(
        "UPDATE deliveries SET context = CAST(:said AS jsonb)", said=msgspec.json.encode(context).decode()
    )
    post._send()
    message = BytesParser(policy=policy.default).parsebytes(post._box.taken[0].data)
    parts = [part.get_content() for part in message.iter_parts()]
    paths = [set(re.findall(r"https://crm\.shop\.example(/m/[dn]/[\w-]+)", part)) for part in parts]
    assert paths[0] == paths[1] and len(paths[0]) == 1, "in the text and in the HTML, not as a click"
    if key == "nps":
        numbers = re.findall(r"\?score=(\d+)\"", parts[1])
        assert numbers == [str(number) for number in range(11)]
    return paths[0].pop()


def wish(days: float = 7, **more) -> dict:
    until = (now() + timedelta(days=days)).isoformat()
    return {"confirm": {"text": WORDS, "form": "Spring, version 1", "ip": "9.9.9.9", "until": until} | more}


def ledger(post) -> list[tuple]:
    query = (
        "SELECT channel, purpose, given, text, form, ip FROM consents"
        " WHERE source_key LIKE 'letter:%' ORDER BY id"
    )
    return [tuple(row) for row in post.house.rows(query)]


def stands(post) -> str | None:
    return post.house.rows("SELECT email_consent FROM customers WHERE live")[0][0]


def test_button_confirms_the_exact_words(post, stranger):
    path = asked(post, "double_opt_in", **wish())
    page = stranger.get(path)
    assert page.status_code == 200 and page.text.count("<button") == 1
    assert "&lt;b&gt;offers&lt;/b&gt;" in page.text and "person1@" not in page.text
    assert stands(post) is None
    for _time in range(2):
        answer = stranger.post(path, data=SAID)
        assert answer.status_code == 200 and "set-cookie" not in answer.headers
    assert stands(post) == "given"
    assert ledger(post) == [
        ("email", "marketing", True, WORDS, "Spring, version 1, confirmed by a letter", "testclient")
    ]
    assert len(post.told("letter.confirmed")) == 1


@pytest.mark.parametrize("how", ["get", "head", "post"])
@pytest.mark.parametrize("key", ["double_opt_in", "nps"])
def test_scanners_change_nothing(post, stranger, how, key):
    path = asked(post, key, **wish())
    for address in (path, f"{path}?score=9", f"{path}?sure=yes&score=9"):
        for _time in range(3):
            assert getattr(stranger, how)(address).status_code == 200
    assert stands(post) is None and ledger(post) == []
    assert post.told("letter.confirmed") == post.told("letter.answered") == post.told("letter.clicked") == []


@pytest.mark.parametrize(
    "context",
    [{}, {"confirm": None}, {"confirm": "yes"}, {"confirm": {"text": ""}}],
)
def test_letter_without_a_wish_confirms_nothing(post, stranger, context):
    path = asked(post, "double_opt_in", **context)
    assert stranger.get(path).status_code == stranger.post(path, data=SAID).status_code == 404
    assert ledger(post) == []


@pytest.mark.parametrize("until", [None, "", "soon", 5, "2026-03-01T00:00:00"])
def test_link_without_an_end_is_no_good(post, stranger, until):
    path = asked(post, "double_opt_in", **wish(until=until))
    assert stranger.post(path, data=SAID).status_code == 410 and ledger(post) == []


def test_link_is_good_for_some_days(post, stranger, clock):
    path = asked(post, "double_opt_in", **wish(2))
    clock.advance(timedelta(days=2, seconds=1))
    assert stranger.get(path).status_code == 410
    answer = stranger.post(path, data=SAID)
    assert answer.status_code == 410 and "no longer good" in answer.text
    assert stands(post) is None


def test_confirming_withdraws_nothing(post, stranger):
    path = asked(post, "double_opt_in", person(1, consents=(Consent(channel="sms", given=True, at=JANUARY),)),
                 **wish())  # fmt: skip
    stranger.post(path, data=SAID)
    row = post.house.rows("SELECT email_consent, sms_consent FROM customers WHERE live")[0]
    assert tuple(row) == ("given", "given")
    assert post.house.rows("SELECT FROM consents WHERE NOT given") == []


def test_confirming_lifts_ones_own_no_and_nobody_elses(post, stranger):
    said_no = person(1, consents=(Consent(channel="email", given=False, at=JANUARY),))
    path = asked(post, "double_opt_in", said_no, **wish())
    address = post.delivery.address
    with transaction(post.house.engine) as session:
        suppression.add(session, address, "unsubscribed", scope="marketing")
        suppression.add(session, address, "complaint", scope="")
    stranger.post(path, data=SAID)
    assert stands(post) == "given"
    assert post.scopes() == [("", "complaint")]


def test_erased_person_confirms_and_answers_nothing(post, stranger):
    paths = asked(post, "double_opt_in", **wish())
    answering = f"/m/n/{post.token('answer')}"
    post.house.do("DELETE FROM profiles")
    for path in (paths, answering):
        assert stranger.post(path, data=SAID | {"score": "3"}).status_code == 404
    post.house.do("DELETE FROM deliveries")
    for path in (paths, answering):
        assert stranger.get(path).status_code == 404


def test_tokens_are_of_their_door(post, stranger):
    asked(post, "nps", **wish())
    for door, kind in (("d", "answer"), ("n", "confirm"), ("d", "preferences"), ("n", "unsubscribe")):
        assert stranger.get(f"/m/{door}/{post.token(kind)}").status_code == 404


def test_number_of_the_letter_is_chosen(post, stranger):
    path = asked(post, "nps")
    page = stranger.get(f"{path}?score=9").text
    assert re.findall(r'value="(\d+)" checked', page) == ["9"] and page.count('type="radio"') == 11
    for wrong in ("11", "-1", "x", "", "%00", "1&score=2", '"><script>'):
        page = stranger.get(f"{path}?score={wrong}").text
        assert "<script" not in page and len(re.findall("checked", page)) == (wrong == "1&score=2")


def test_answer_is_on_the_timeline_and_the_last_counts(post, stranger, clock):
    path = asked(post, "nps")
    assert stranger.post(path, data=SAID | {"score": "9", "comment": "  Good <tea>\0 "}).status_code == 200
    (told,) = post.told("letter.answered")
    assert (told["score"], told["comment"], told["step"]) == (9, "Good <tea>", "test:a")
    clock.advance(timedelta(minutes=5))
    stranger.post(path, data=SAID | {"score": "0"})
    (told,) = post.told("letter.answered")
    assert told["score"] == 0 and "comment" not in told


@pytest.mark.parametrize("score", ["11", "-1", "٣", "1.5", "", "1\0", None])
def test_no_other_answers(post, stranger, score):
    path = asked(post, "nps")
    data = SAID | ({"score": score} if score is not None else {})
    answer = stranger.post(path, data=data)
    if score == "1\0":
        assert post.told("letter.answered")[0]["score"] == 1
        return
    assert answer.status_code == 200 and "Choose a number" in answer.text
    assert post.told("letter.answered") == []


def test_comment_is_cut(post, stranger):
    path = asked(post, "nps")
    stranger.post(path, data=SAID | {"score": "5", "comment": "я" * 5_000})
    assert len(post.told("letter.answered")[0]["comment"]) == 2_000


def test_other_letters_have_no_questions(post):
    post.sent()
    assert "/m/d/" not in str(post._box.taken[0].data) and "/m/n/" not in str(post._box.taken[0].data)
