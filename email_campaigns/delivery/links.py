"""The public links of a letter: every http address in it becomes a signed click link, and a pixel tells an
open.

A click link carries a number of `letter_links`, so nobody can make one that leads elsewhere. What an
address's number is is looked up once per process; a recipient costs a seal per link.
"""

import hashlib
import html as markup
import re
from binascii import b2a_base64
from collections.abc import Collection, Iterable
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from email_campaigns.tokens import KINDS

LONGEST = 8000  # characters of an address; a longer one stays as it is
_KEPT = 50_000  # addresses remembered by a process
_HREF = re.compile(r"""(\bhref\s*=\s*)(?:"\s*(https?://[^"]*)"|'\s*(https?://[^']*)')""", re.I)
_ANY_HREF = re.compile(r"\bhref\s*=", re.I)
_BARE = re.compile(r"https?://[^\s<>\"'\x00-\x1f]+")
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_AFTER = ".,;:!?…»”)]}'\""
_BODY_END = re.compile(r"</body\s*>", re.I)


# what a letter may ask, and the letter of its door; made for letters that name it only: each costs a seal
ASKING = {"confirm": "d", "answer": "n"}


class Own(NamedTuple):
    """The links that a letter has of itself; variables `links.…` of its text."""

    unsubscribe: str
    preferences: str
    view: str


class Signer:
    """Writes the links of one installation's letters."""

    def __init__(self, key: bytes, public_url: str) -> None:
        self.base = f"{public_url.rstrip('/')}/m/"
        # HMAC by hand from its two halves: a letter has a dozen seals, and this makes them three times
        # cheaper
        padded = (key if len(key) <= 64 else hashlib.sha256(key).digest()).ljust(64, b"\0")
        self._inner = {
            kind: hashlib.sha256(padded.translate(_INNER) + mark) for kind, mark in KINDS.items()
        }  # fmt: skip
        self._outer = hashlib.sha256(padded.translate(_OUTER))
        self.numbers: dict[str, int] = {}
        self._letter, self._links = b"", dict[int, str]()  # of the letter being made, by their numbers

    def token(self, kind: str, delivery: bytes, number: int = 0) -> str:
        """The same token as `tokens.write`, for a third of its time."""
        said = delivery + number.to_bytes(8, "big") if number else delivery
        inner, outer = self._inner[kind].copy(), self._outer.copy()
        inner.update(said)
        outer.update(inner.digest())
        return b2a_base64(said + outer.digest()[:16], newline=False).translate(_URL_SAFE, b"=").decode()

    def own(self, delivery: UUID) -> Own:
        """The letter's own links."""
        raw, base = delivery.bytes, self.base
        return Own(
            f"{base}u/{self.token('unsubscribe', raw)}",
            f"{base}p/{self.token('preferences', raw)}",
            f"{base}v/{self.token('view', raw)}",
        )

    def asked(self, delivery: UUID, names: Iterable[str]) -> dict[str, str]:
        """The links by which a letter asks something: variables `links.confirm` and `links.answer`."""
        return {name: f"{self.base}{ASKING[name]}/{self.token(name, delivery.bytes)}" for name in names}

    def click(self, delivery: bytes, url: str, unknown: set[str]) -> str:
        """The click link to an address; the address itself, told in `unknown`, where it has no number yet."""
        number = self.numbers.get(url)
        if number is None:
            if not url.startswith(self.base) and len(url) <= LONGEST:
                unknown.add(url)
            return url
        return self._clicked(delivery, number)

    def _clicked(self, delivery: bytes, number: int) -> str:
        """A click link; text and HTML of one letter lead to the same places, and a seal costs."""
        if delivery != self._letter:
            self._letter, self._links = delivery, {}
        found = self._links.get(number)
        if found is None:
            found = self._links[number] = f"{self.base}c/{self.token('click', delivery, number)}"
        return found

    def html(self, delivery: UUID, html: str, unknown: set[str], *, usual: bool = False) -> str:
        """The letter's HTML with click links, and with the pixel before its end.

        `usual`: every address stands as href="…" in it, so that cutting there finds them all.
        """
        done = (
            self._cut(delivery.bytes, html, unknown)
            if usual
            else self._searched(delivery.bytes, html, unknown)
        )
        picture = f'<img src="{self.base}o/{self.token("open", delivery.bytes)}" width="1" height="1" alt="">'
        at = done.rfind("</body>")
        if at < 0:
            ends = list(_BODY_END.finditer(done))
            at = ends[-1].start() if ends else len(done)
        return f"{done[:at]}{picture}{done[at:]}"

    def _cut(self, raw: bytes, html: str, unknown: set[str]) -> str:
        first, *parts = html.split('href="')
        made, numbers = [first], self.numbers
        for part in parts:
            url, quote, rest = part.partition('"')
            number = numbers.get(url)
            if number is not None:
                made.append(f"{self._clicked(raw, number)}{quote}{rest}")
            elif not url.startswith(self.base) and url.lstrip()[:4].lower() == "http":
                clicked = self.click(raw, markup.unescape(url.strip()), unknown)
                made.append(f"{markup.escape(clicked)}{quote}{rest}")
            else:
                made.append(part)
        return 'href="'.join(made)

    def _searched(self, raw: bytes, html: str, unknown: set[str]) -> str:
        def replaced(found: re.Match[str]) -> str:
            url = markup.unescape((found[2] or found[3]).strip())
            return f'{found[1]}"{markup.escape(self.click(raw, url, unknown))}"'

        return _HREF.sub(replaced, html)

    def text(self, delivery: UUID, plain: str, unknown: set[str]) -> str:
        """The plain text with click links."""
        raw = delivery.bytes

        def replaced(found: re.Match[str]) -> str:
            url = found[0].rstrip(_AFTER)
            return self.click(raw, url, unknown) + found[0][len(url) :]

        return _BARE.sub(replaced, plain) if "://" in plain else plain

    def trim(self) -> None:
        """Forget what is remembered when it is much; not while letters are being made."""
        if len(self.numbers) > _KEPT:
            self.numbers.clear()

    def learn(self, session: Session, urls: Iterable[str]) -> None:
        """Give addresses their numbers, for good; two queries for any number of them."""
        wanted = {hashlib.sha256(url.encode("utf-8", "replace")).digest(): url for url in urls}
        if not wanted:
            return
        digests = sorted(wanted)
        query = text(
            "INSERT INTO letter_links (digest, url)"
            " SELECT * FROM unnest(CAST(:digests AS bytea[]), CAST(:urls AS text[])) ON CONFLICT DO NOTHING"
        )
        session.execute(query, {"digests": digests, "urls": [wanted[one] for one in digests]})
        rows = session.execute(
            text("SELECT digest, id FROM letter_links WHERE digest = ANY(:digests)"), {"digests": digests}
        )
        for digest, number in rows:
            url = wanted[bytes(digest)]
            self.numbers[url] = self.numbers[markup.escape(url)] = number  # as HTML writes it, too


def asking(paths: Collection[str]) -> tuple[str, ...]:
    """What a letter asks, by the variables that it names."""
    return tuple(name for name in ASKING if f"links.{name}" in paths)


def usual(template: str) -> bool:
    """Whether each address in a template stands in the one usual way."""
    return len(_ANY_HREF.findall(template)) == template.count('href="')
