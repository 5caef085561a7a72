"""Answers as 1C reads them: a first line that decides, lines for people, in the encoding it can read."""

from typing import Any

import msgspec

from foundation.errors import KartotekaError

BOM = b"\xef\xbb\xbf"
RUSSIAN = frozenset({"RU", "KZ", "BY", "UZ", "KG", "TJ", "TM", "AM", "AZ", "GE", "MD", "UA"})


class Refused(KartotekaError):
    """The step is not done; its text says why, to the person who reads 1C's log."""


class Reply(msgspec.Struct, frozen=True):
    """The bytes of an answer and what they are; `first` is its beginning as text, for the record."""

    body: bytes
    media: str
    first: str


class Speech(msgspec.Struct, frozen=True):
    """How a connection's 1C is spoken to."""

    encoding: str = "utf-8-bom"  # utf-8 windows-1251
    language: str = "en"

    @classmethod
    def of(cls, settings: Any) -> "Speech":
        """As the connection's settings say."""
        country = str(getattr(settings, "country", "") or "").upper()
        encoding = str(getattr(settings, "encoding", "") or "utf-8-bom").lower()
        return cls(encoding, "ru" if country in RUSSIAN else "en")

    @property
    def charset(self) -> str:
        """The encoding's name for headers."""
        return "windows-1251" if self.encoding == "windows-1251" else "utf-8"

    def say(self, text: str) -> Reply:
        """An answer in words. Plain ones are the same bytes in each encoding, so they carry no mark."""
        if self.charset == "windows-1251":
            body = text.encode("cp1251", "replace")
        else:
            body = text.encode("utf-8", "replace")
            if self.encoding == "utf-8-bom" and not text.isascii():
                body = BOM + body
        return Reply(body, f"text/plain; charset={self.charset}", text)

    def failure(self, words: str) -> Reply:
        """What could not be done, and why."""
        return self.say("failure\n" + " ".join(words.split()))

    def document(self, body: bytes, first: str) -> Reply:
        """An XML document, which is written in this encoding already."""
        return Reply(body, f"application/xml; charset={self.charset}", first)
