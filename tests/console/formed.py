"""A builder's page, read back as what it would send."""

import re
from html import unescape
from uuid import UUID

from tests.console.conftest import Browser


def made(browser: Browser, site: UUID, kind: str = "popup", name: str = "Spring") -> str:
    """The address of a new form's builder."""
    browser.see("/forms/new")
    answer = browser.submit("/forms/new", name=name, site=str(site), kind=kind)
    path: str = answer.headers["location"]
    browser.see(path)
    return path


def typed(page: str) -> dict[str, str]:
    """What a builder would send as it stands."""
    found: dict[str, str] = {}
    form = page.split('id="builder"')[1].split("</form>")[0]
    for tag in re.findall(r"<input [^>]*>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ('type="checkbox"' not in tag or " checked" in tag):
            found[name[1]] = value[1] if value else ""
    for name, body in re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>([^<]*)</textarea>', form):
        found[name] = body
    for name, body in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]*)" selected', body) or re.search(r'value="([^"]*)"', body)
        found[name] = chosen[1] if chosen else ""
    return {name: unescape(value) for name, value in found.items() if name != "csrf"}
