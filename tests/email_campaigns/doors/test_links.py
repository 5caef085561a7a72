"""The links of letters: whoever follows them, nothing happens that a person didn't decide."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from email_campaigns import tokens
from tests.email_campaigns.delivery.world import person

BARRACUDA = "BarracudaCentral/3.0"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def test_click_leads_on_and_is_told(post, stranger, clock):
    post.sent()
    clock.advance(timedelta(hours=1))
    answer = stranger.get(post.links()["c"][0])
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://shop.example/a?x=1&y=2"
    assert "set-cookie" not in answer.headers
    (told,) = post.told("letter.clicked")
    assert told["link"] == "https://shop.example/a?x=1&y=2"
    assert (told["machine"], told["times"], told["mailing"]) == (False, 1, str(post.house.mailing))


def test_repeats_are_counted_once(post, stranger, clock):
    post.sent()
    clock.advance(timedelta(hours=1))
    for _ in range(5):
        stranger.get(post.links()["o"][0])
        clock.advance(timedelta(minutes=10))
    (told,) = post.told("letter.opened")
    assert (told["machine"], told["times"]) == (False, 5)
    assert len(post.house.rows("SELECT FROM letter_traces")) == 5


def test_open_is_always_the_same_picture(post, stranger):
    post.sent()
    right, wrong = stranger.get(post.links()["o"][0]), stranger.get("/m/o/nonsense")
    assert right.content == wrong.content and right.content.startswith(b"GIF89a")
    head = stranger.head(post.links()["o"][0])
    assert (head.status_code, head.headers["content-type"]) == (200, "image/gif")
    assert right.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("kind", ["c", "v", "u", "p"])
def test_unknown_links_have_one_answer(post, stranger, kind):
    post.sent()
    own = post.links()[kind][0]
    other = next(paths[0] for name, paths in post.links().items() if name not in (kind, "o"))
    foreign = f"/m/{kind}/{other.rpartition('/')[2]}"
    gone = tokens.write(b"x" * 32, "click", uuid4(), 5)
    changed = own[:-1] + ("A" if own[-1] != "A" else "B")
    answers = {
        (a.status_code, a.text)
        for a in map(
            stranger.get,
            (foreign, changed[:-3] + "abc", f"/m/{kind}/{gone}", f"/m/{kind}/x", f"/m/{kind}/%00"),
        )
    }
    assert len(answers) == 1 and next(iter(answers))[0] == 404


def test_no_parameter_leads_elsewhere(post, stranger):
    post.sent()
    answer = stranger.get(post.links()["c"][0] + "?u=https://evil.example&url=//evil.example")
    assert answer.headers["location"] == "https://shop.example/a?x=1&y=2"


@pytest.mark.parametrize("kind", ["c", "v", "u", "p", "o"])
def test_answers_are_private(post, stranger, kind):
    post.sent()
    headers = stranger.get(post.links()[kind][0]).headers
    assert headers["referrer-policy"] == "no-referrer"
    assert "noindex" in headers["x-robots-tag"]
    assert headers["cache-control"] == "no-store"
    assert "script" not in headers["content-security-policy"]
    assert "set-cookie" not in headers


def test_guessing_is_slowed_down(app, post, stranger):
    headers = {"x-forwarded-for": "203.0.113.9"}
    app.state.doors.__dict__["address"] = lambda scope: "203.0.113.9"
    codes = [stranger.get(f"/m/u/{number}", headers=headers).status_code for number in range(30)]
    assert codes[0] == 404 and codes[-1] == 429


def test_scanner_decides_nothing(post, stranger, clock):
    """GET and HEAD of every link of every letter, prefetch, POST without token or field."""
    post.sent(*(person(number) for number in range(5)), topic="News")
    clock.advance(timedelta(seconds=30))
    for number in range(5):
        for path in [path for paths in post.links(number).values() for path in paths]:
            stranger.get(path)
            stranger.head(path)
            stranger.get(path, headers={"sec-purpose": "prefetch;prerender"})
            stranger.get(path, headers={"user-agent": BARRACUDA})
            if path[3] in "up":
                stranger.post(path)
                stranger.post(path, data={"x": "y"})
    stranger.post("/m/u/", data=ONE_CLICK)
    stranger.post("/m/u/x", data=ONE_CLICK)
    assert post.scopes() == [] and post.consents() == [] and post.told("letter.unsubscribed") == []
    assert {row.email_consent for row in post.house.rows("SELECT email_consent FROM customers")} == {"given"}
    clicks = post.told("letter.clicked")
    assert len(clicks) == 10 and all(one["machine"] for one in clicks)


def test_burst_takes_its_first_click_along(post, stranger, clock):
    post.sent()
    clock.advance(timedelta(minutes=5))
    first, second = post.links()["c"][:2]
    stranger.get(first)
    assert [one["machine"] for one in post.told("letter.clicked")] == [False]
    clock.advance(timedelta(seconds=1))
    stranger.get(second)
    assert [one["machine"] for one in post.told("letter.clicked")] == [True, True]
    clock.advance(timedelta(hours=3))
    stranger.get(first)
    told = {one["link"]: one["machine"] for one in post.told("letter.clicked")}
    assert told == {"https://shop.example/a?x=1&y=2": False, "https://shop.example/buy": True}
    verdicts = [row.verdict for row in post.house.rows("SELECT verdict FROM letter_traces ORDER BY id")]
    assert verdicts == ["burst", "burst", ""]


def test_click_right_after_hand_over_is_a_machine(post, stranger, clock):
    post.sent()
    clock.advance(timedelta(seconds=5))
    stranger.get(post.links()["c"][0])
    assert post.told("letter.clicked")[0]["machine"]


def test_who_opened_may_click_at_once(post, stranger, clock):
    post.sent()
    clock.advance(timedelta(seconds=4))
    stranger.get(post.links()["o"][0])
    clock.advance(timedelta(seconds=4))
    stranger.get(post.links()["c"][0])
    assert not post.told("letter.clicked")[0]["machine"]


@pytest.mark.parametrize(
    "agent", ["Mozilla/5.0 (via ggpht.com GoogleImageProxy)", "Mozilla/5.0", "", "curl/8"]
)
def test_proxies_open_for_nobody(post, stranger, clock, agent):
    post.sent()
    clock.advance(timedelta(hours=1))
    for _ in range(100):
        stranger.get(post.links()["o"][0], headers={"user-agent": agent})
    (told,) = post.told("letter.opened")
    assert (told["machine"], told["times"]) == (True, 100)
    assert len(post.house.rows("SELECT FROM letter_traces")) == 1


def test_traces_are_bounded(post, stranger, clock):
    post.sent()
    for number in range(70):
        clock.advance(timedelta(minutes=2))
        stranger.get(post.links()["o"][0], headers={"user-agent": f"Mozilla/5.0 (Windows) v{number}"})
    assert len(post.house.rows("SELECT FROM letter_traces")) == 60
    assert post.told("letter.opened")[0]["times"] == 70


def test_click_proves_that_an_unknown_letter_arrived(post, stranger, clock):
    post.sent()
    post.house.do("UPDATE deliveries SET state = 'unknown', reason = 'died'")
    post.house.do("DELETE FROM timeline")
    stranger.get(post.links()["c"][0])
    assert (post.delivery.state, post.delivery.detail["proof"]) == ("accepted", "click")
    assert len(post.told("letter.sent")) == 1


def test_letter_is_shown_as_it_was_sent(post, stranger):
    post.sent(person(1, given_name="<b>Anna</b>"))
    page = stranger.get(post.links()["v"][0])
    assert "Dear &lt;b&gt;Anna&lt;/b&gt;" in page.text and "<script" not in page.text
    assert "sandbox" in page.headers["content-security-policy"]
    assert "https://shop.example/buy" not in page.text and "/m/c/" in page.text


def test_erased_person_has_neutral_pages(post, stranger):
    post.sent()
    links = post.links()
    post.house.do("DELETE FROM deliveries")
    for kind in "vup":
        assert stranger.get(links[kind][0]).status_code == 404
    assert stranger.get(links["c"][0]).headers["location"].startswith("https://shop.example/")
    answer = stranger.post(links["u"][0], data=ONE_CLICK)
    assert answer.status_code == 200 and post.told("letter.clicked") == []


@given(
    st.binary(min_size=32, max_size=32),
    st.sampled_from(sorted(tokens.KINDS)),
    st.uuids(),
    st.integers(0, 2**63 - 1),
)
def test_tokens_come_back(key, kind, delivery, number):
    written = tokens.write(key, kind, delivery, number)
    assert tokens.read(key, kind, written) == (delivery, number)
    assert all(tokens.read(key, other, written) is None for other in tokens.KINDS if other != kind)
    assert tokens.read(bytes(32) if key != bytes(32) else b"x" * 32, kind, written) is None


@given(st.text(max_size=80))
def test_nothing_else_is_a_token(said):
    assert tokens.read(b"k" * 32, "click", said) is None


@given(st.integers(0, 52), st.sampled_from("ABCz09-_"), st.integers(1, 2**63 - 1))
def test_changed_token_is_none(place, letter, number):
    delivery = UUID(int=number)
    written = tokens.write(b"k" * 32, "click", delivery, number)
    place %= len(written) - 1
    changed = written[:place] + letter + written[place + 1 :]
    assert changed == written or tokens.read(b"k" * 32, "click", changed) is None
