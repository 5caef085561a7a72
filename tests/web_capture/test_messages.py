"""Captured messages are read whatever they hold: the usable is taken, the hostile changes nothing else."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from web_capture.messages import KINDS, Message, read

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "apis" / "segment"
AT = "2025-11-22T01:00:00.250000+00:00"
RECEIVED = datetime(2025, 11, 22, 1, 0, 0, 250_000, UTC)


def message(said: Any, **landed: Any) -> Message:
    """The message `said`, landed from a browser unless told otherwise."""
    usual = {"at": AT, "sent": None, "ip": "198.51.100.7", "ua": "Firefox", "secret": False, "kind": "track"}
    return read(7, json.dumps({**usual, "context": None, **landed, "said": said}))


def occurred(said: Any, **landed: Any) -> datetime:
    return message(said, **landed).occurred_at


def in_page(url: str) -> Message:
    return message({"context": {"page": {"url": url}}})


def test_spec_message_is_read_whole() -> None:
    if not SAMPLES.is_dir():
        pytest.skip("needs ../shared/data/apis/segment: the samples of Segment's documentation")
    said = json.loads((SAMPLES / "spec_common_0.json").read_text("utf-8"))
    got = message(said, at="2015-12-10T04:08:31.909Z")
    assert (got.event, got.user, got.device) == (
        "Report Submitted",
        "97980cfea0067",
        "507f191e810c19729de860ea",
    )
    assert got.campaign == {
        "name": "TPS Innovation Newsletter", "source": "Newsletter", "medium": "email",
        "term": "tps reports", "content": "image link",
    }  # fmt: skip
    assert (got.url, got.path, got.title) == (
        "https://segment.com/academy/",
        "/academy/",
        "Analytics Academy",
    )
    assert (got.ip, got.locale, got.timezone) == ("203.0.113.1", "en-US", "Europe/Amsterdam")
    assert (got.group, got.screen) == ("12345", (320, 568))
    assert got.user_agent.startswith("Mozilla/5.0 (Macintosh")
    assert not got.cut


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples of Segment's documentation are not here")
def test_documented_requests_are_read() -> None:
    calls = json.loads((SAMPLES / "http_api_requests.json").read_text("utf-8"))
    for path, bodies in calls.items():
        for body in bodies:
            for said in body.get("batch", [body]):
                kind = said.get("type") or path.removeprefix("/v1/")
                got = message(said, kind=kind, secret=True, context=body.get("context"))
                assert (got.kind, got.user) == (kind, said["userId"])
                assert got.occurred_at.year in (2012, 2015)
                assert got.traits == said.get("traits", {})


def test_clock_skew_is_corrected() -> None:
    said = {"timestamp": "2031-01-01T00:00:00Z"}
    expected = RECEIVED - timedelta(seconds=5)
    assert occurred(said, sent="2031-01-01T00:00:05Z") == expected
    assert occurred({**said, "sentAt": "2031-01-01T00:00:05Z"}) == expected
    assert (
        occurred({"originalTimestamp": "2031-01-01T00:00:00Z", "timestamp": 5}, sent=1_924_992_005)
        == expected
    )


def test_batch_knows_when_it_was_sent() -> None:
    said = {"timestamp": "2025-11-22T00:00:00Z", "sentAt": "2025-11-22T00:00:01Z"}
    assert occurred(said, sent="2025-11-22T00:30:00Z") == RECEIVED - timedelta(minutes=30)


def test_without_sending_time_timestamp_counts() -> None:
    assert occurred({"timestamp": "2025-11-20T10:00:00+05:00"}) == datetime(2025, 11, 20, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("2025-2-02T00:30:08.276Z", datetime(2025, 2, 2, 0, 30, 8, 276_000, UTC)),
        ("2025-2-2", datetime(2025, 2, 2, tzinfo=UTC)),
        ("2025-02-02 03:04", datetime(2025, 2, 2, 3, 4, tzinfo=UTC)),
        ("2025-2-2T3:04:05.5+0300", datetime(2025, 2, 2, 0, 4, 5, 500_000, UTC)),
        ("2025-06-30T23:59:60Z", datetime(2025, 6, 30, 23, 59, 59, tzinfo=UTC)),
        (1_735_689_600, datetime(2025, 1, 1, tzinfo=UTC)),
        (1_735_689_600_250, datetime(2025, 1, 1, 0, 0, 0, 250_000, UTC)),
        ("1735689600250", datetime(2025, 1, 1, 0, 0, 0, 250_000, UTC)),
        (1_735_689_600.5, datetime(2025, 1, 1, 0, 0, 0, 500_000, UTC)),
    ],
)
def test_times_are_read_tolerantly(said: Any, expected: datetime) -> None:
    assert occurred({"timestamp": said}) == expected


@pytest.mark.parametrize(
    "said",
    [
        "2026-01-01T00:00:00Z", "2020-11-01T00:00:00Z", "yesterday", "", "2025-13-45", 5, -1, 1e300, True,
        None, [], {}, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "２０２５-01-01T00:00:00Z",
    ],
)  # fmt: skip
def test_impossible_times_become_received(said: Any) -> None:
    assert occurred({"timestamp": said}) == RECEIVED
    assert message({}).received_at == RECEIVED


def test_server_imports_history_exactly() -> None:
    said = {"timestamp": "1999-05-04T03:02:01.000009Z"}
    then = datetime(1999, 5, 4, 3, 2, 1, 9, UTC)
    assert occurred(said, secret=True) == occurred(said, secret=True, sent=AT) == then
    assert occurred(said) == RECEIVED
    slow_server = {"timestamp": "2025-11-19T00:00:00Z"}
    assert occurred(slow_server, secret=True, sent="2025-11-19T00:00:02Z") == RECEIVED - timedelta(seconds=2)
    for sent in (None, "2027-01-01T00:00:01Z", "2030-01-01T00:00:00Z"):
        assert occurred({"timestamp": "2027-01-01T00:00:00Z"}, secret=True, sent=sent) <= RECEIVED


@pytest.mark.parametrize(("said", "expected"), [(19, "19"), (19.0, "19"), (1.5, "1.5"), (" a ", "a")])
def test_numbers_name_people_too(said: Any, expected: str) -> None:
    assert message({"userId": said}).user == expected


@pytest.mark.parametrize(
    "said", ["", "  ", "undefined", "NULL", "[object Object]", 0, "0", -1, True, [], {}, None]
)
def test_broken_names_name_nobody(said: Any) -> None:
    got = message({"userId": said, "anonymousId": said, "previousId": said})
    assert (got.user, got.device, got.previous) == ("", "", "")


def test_long_names_stay_different() -> None:
    one, other = (message({"anonymousId": "d" * 5_000 + end}) for end in "ab")
    assert one.device != other.device
    assert len(one.device) <= 200
    assert one.cut


def test_campaign_comes_from_address() -> None:
    got = in_page("https://shop.example/?utm_source=ya%20ndex&UTM_Medium=cpc&utm_campaign=%D0%9B&yclid=9&x#z")
    assert got.campaign == {"source": "ya ndex", "medium": "cpc", "name": "Л"}
    assert got.clicks == {"yclid": "9"}
    assert in_page("https://shop.example/?utm_source=%00").campaign == {"source": "\ufffd"}
    assert in_page("https://shop.example/#/route?utm_source=a").campaign == {"source": "a"}


def test_said_campaign_goes_before_address() -> None:
    page = {"url": "https://shop.example/?utm_source=a&utm_term=t&gclid=g"}
    context = {
        "page": page,
        "campaign": {"source": "b", "odd": "c"},
        "click": {"fbclid": "f", "gclid": "own"},
    }
    got = message({"context": context})
    assert (got.campaign, got.clicks) == ({"source": "b"}, {"fbclid": "f", "gclid": "own"})


def test_page_properties_describe_the_page() -> None:
    said = {
        "name": "Home", "properties": {"url": "https://shop.example/a/b?c", "title": "T"},
        "context": {"page": {"url": "https://other.example/", "referrer": "https://from.example/"}},
    }  # fmt: skip
    page, track = message(said, kind="page"), message(said)
    assert (page.url, page.path, page.title) == ("https://shop.example/a/b?c", "/a/b", "T")
    assert (page.event, page.referrer) == ("Home", "https://from.example/")
    assert (track.url, track.title, track.event) == ("https://other.example/", "", "")


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "//x.example", "https://", "https://a b",
     'https://a"b', "http:/x"],
)  # fmt: skip
def test_only_pages_are_addresses(url: str) -> None:
    got = message({"context": {"page": {"url": url, "referrer": url}}})
    assert (got.url, got.referrer) == ("", "")


def test_mail_app_is_a_referrer() -> None:
    page = {"url": "android-app://com.example", "referrer": "android-app://com.google.android.gm/"}
    got = message({"context": {"page": page}})
    assert (got.url, got.referrer) == ("", "android-app://com.google.android.gm/")


def test_server_is_not_the_visitor() -> None:
    browser, server = message({}), message({}, secret=True)
    assert (browser.ip, browser.user_agent) == ("198.51.100.7", "Firefox")
    assert (server.ip, server.user_agent) == ("", "")
    said = {"context": {"ip": "::ffff:203.0.113.9", "userAgent": "Safari"}}
    told = message(said, secret=True)
    assert (told.ip, told.user_agent, told.secret) == ("203.0.113.9", "Safari", True)
    assert message({"context": {"direct": True}}, secret=True).ip == "198.51.100.7"


def test_withheld_address_is_not_kept() -> None:
    assert message({"context": {"ip": "0.0.0.0"}}).ip == ""
    assert message({"context": {"ip": "fe80::1%eth0"}}).ip == "198.51.100.7"


def test_traits_come_from_both_places() -> None:
    said = {"traits": {"email": "new@example.com"}, "context": {"traits": {"email": "old@", "plan": "pro"}}}
    assert message(said, kind="identify").traits == {"email": "new@example.com", "plan": "pro"}
    assert message({"context": said["context"]}).traits == {"email": "old@", "plan": "pro"}
    assert message(said, kind="group").traits == {"email": "new@example.com"}


def test_batch_context_is_the_default() -> None:
    got = message({"context": {"locale": "kk"}}, context={"locale": "ru", "timezone": "Asia/Almaty"})
    assert (got.locale, got.timezone) == ("kk", "Asia/Almaty")


def test_own_members_are_read() -> None:
    own = {"signature": "ab12", "webdriver": True}
    got = message({"context": {"kartoteka": own}, "groupId": 5, "previousId": "p"}, kind="alias")
    assert (got.signature, got.webdriver, got.group, got.previous) == ("ab12", True, "5", "p")
    for bad in ("é", "a b", "a" * 129, 7, None):
        assert message({"context": {"kartoteka": {"signature": bad}}}).signature == ""


def test_too_much_is_cut_and_said() -> None:
    deep: Any = "bottom"
    for _ in range(8):
        deep = {"in": deep}
    for properties in ({"a": "x" * 2_001}, {str(n): n for n in range(251)}, {"a": deep}, {"a": [0] * 251}):
        got = message({"event": "E", "properties": properties})
        assert (got.cut, got.event) == (True, "E")
        assert len(json.dumps(got.properties)) < 6_000
        assert all(len(part) <= 250 for part in got.properties.values() if isinstance(part, list))
    fits: Any = "bottom"
    for _ in range(8):
        fits = {"in": fits}
    got = message({"properties": fits})
    assert (got.cut, got.properties) == (False, fits)


def test_unstorable_characters_are_replaced() -> None:
    got = message({"event": "a\0b", "userId": "u\ud800", "properties": {"k\0": ["\0", {"x": "\udfff"}]}})
    assert (got.event, got.user) == ("a\ufffdb", "u?")
    assert got.properties == {"k\ufffd": ["\ufffd", {"x": "?"}]}


@pytest.mark.parametrize("number", ["1e400", "-1e999", "9" * 5_000, "9" * 30])
def test_impossible_numbers_stay_text(number: str) -> None:
    got = read(
        1, f'{{"at":"{AT}","kind":"track","said":{{"event":"E","properties":{{"n":{number},"m":1.5}}}}}}'
    )
    assert (got.event, got.properties["m"]) == ("E", 1.5)
    assert got.properties["n"] == number[:2_000]


def test_abyss_does_not_hide_the_rest() -> None:
    abyss = "[" * 100_000 + "]" * 100_000
    got = read(
        1, f'{{"at":"{AT}","said":{{"event":"E","properties":{{"a":{abyss},"b":[{{}},"]"]}},"userId":"u"}}}}'
    )
    assert (got.event, got.user, got.properties["b"]) == ("E", "u", [{}, "]"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=())) | st.just("https://a.example/?utm_source=%00&gclid=%zz"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
NAMES = (
    "anonymousId userId messageId event name type timestamp originalTimestamp sentAt traits properties"
    " groupId previousId"
    " page campaign click ip screen kartoteka url referrer locale userAgent signature width height"
)
PART = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES.split(), JSON))
CONTEXT = st.fixed_dictionaries({}, optional={"page": PART | JSON, "campaign": JSON, "traits": JSON} | {
    "screen": PART | JSON, "kartoteka": PART | JSON, "click": JSON, "ip": JSON, "userAgent": JSON,
})  # fmt: skip
SAID = st.builds(lambda said, context: {**said, "context": context}, PART, CONTEXT | JSON)
LANDED = st.fixed_dictionaries(
    {"said": SAID | JSON},
    optional={"at": JSON | st.just(AT), "sent": JSON, "ip": JSON, "ua": JSON, "secret": JSON | st.booleans()}
    | {"kind": st.sampled_from(KINDS) | JSON, "context": CONTEXT | JSON},
)


@given(LANDED)
@example({"said": {"timestamp": "0001-01-01"}, "sent": "9999-12-31", "at": "0001-01-01"})
def test_any_json_is_read(landed: Any) -> None:
    got = read(1, json.dumps(landed))
    stored = msgspec.json.encode(got).decode()
    assert "\\u0000" not in stored
    assert got.occurred_at <= got.received_at
    assert got.kind in KINDS
    assert read(1, json.dumps(landed)) == got


@given(st.text(st.characters(exclude_categories=()), max_size=60) | st.text('[]{}",:\\u0d8e-', max_size=60))
def test_no_json_is_read_too(payload: str) -> None:
    assert read(1, payload).event == ""
