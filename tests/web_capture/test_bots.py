"""Crawlers and browsers without a person are told from visitors; a shop's own server is never one."""

import pytest

from web_capture import bots
from web_capture.bots import is_bot

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0"
    " Safari/537.36"
)
PEOPLE = [
    CHROME,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/17.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 13; CUBOT X30) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0"
    " Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0"
    " YaBrowser/23.11.0 Yowser/2.5 Safari/537.36",
]


@pytest.mark.parametrize("user_agent", PEOPLE)
def test_people_are_no_bots(user_agent: str) -> None:
    assert is_bot(user_agent, screen=(390, 844)) is None


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "curl/8.5.0",
        "python-requests/2.32", "facebookexternalhit/1.1",
    ],
)  # fmt: skip
def test_crawlers_are_known_by_name(user_agent: str) -> None:
    assert is_bot(user_agent) == "crawler"


def test_headless_browsers_are_told() -> None:
    assert is_bot(CHROME.replace("Chrome/", "HeadlessChrome/")) == "headless"
    assert is_bot(CHROME, webdriver=True) == "webdriver"
    assert is_bot("") == is_bot("  ") == "no_user_agent"


@pytest.mark.parametrize("screen", [(0, 0), (1920, 0), (-1, 900), (10**6, 900), (float("nan"), 900)])
def test_impossible_screen_is_a_bot(screen: tuple[float, float]) -> None:
    assert is_bot(CHROME, screen=screen) == "screen"


def test_server_is_never_a_bot() -> None:
    for user_agent in ("", "curl/8.5.0", "analytics-python/2.4.0"):
        assert is_bot(user_agent, secret=True, webdriver=True, screen=(0, 0)) is None


def test_list_is_asked_once_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask(name: str) -> bool:
        asked.append(name)
        return False

    monkeypatch.setattr(bots, "_crawlers", lambda: ask)
    bots._by_name.cache_clear()
    for _ in range(3):
        is_bot("Once/1.0 " + "x" * 5_000)
    assert [len(name) for name in asked] == [500]
    bots._by_name.cache_clear()
