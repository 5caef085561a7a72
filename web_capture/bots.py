"""Who is no visitor: crawlers by a kept list of their names, and browsers that nobody sits at."""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from importlib import import_module
from typing import cast

_LONGEST = 500  # a crawler names itself early; a pattern never meets more than this
_HEADLESS = re.compile(
    r"headless|phantomjs|puppeteer|playwright|selenium|webdriver|slimerjs|electron-prerender", re.IGNORECASE
)
_WIDEST = 20_000  # pixels; a video wall has fewer


def is_bot(
    user_agent: str,
    *,
    secret: bool = False,
    webdriver: bool = False,
    screen: tuple[float, float] | None = None,
) -> str | None:
    """Why this is no person's browser: "no_user_agent", "webdriver", "headless", "crawler" or "screen".

    None for a visitor, and for all that came with a site's secret key: a shop's server is trusted.
    """
    if secret:
        return None
    if not user_agent.strip():
        return "no_user_agent"
    if webdriver:
        return "webdriver"
    by_name = _by_name(user_agent[:_LONGEST])
    if by_name is None and screen is not None and not all(0 < side <= _WIDEST for side in screen):
        return "screen"
    return by_name


@lru_cache(maxsize=4_096)
def _by_name(user_agent: str) -> str | None:
    if _HEADLESS.search(user_agent):
        return "headless"
    return "crawler" if _crawlers()(user_agent) else None


@cache
def _crawlers() -> Callable[[str], bool]:
    """The library's question; half a megabyte of JSON that only who asks it should read."""
    return cast(Callable[[str], bool], import_module("crawleruseragents").is_crawler)
