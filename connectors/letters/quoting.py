"""Which of a letter's text is new, and which only repeats what it answers."""

import re

_LONG = 300  # characters of a line that is looked at
# how mail programs introduce what they repeat, in the languages of our shops and of their customers' programs
_INTRODUCED = re.compile(
    r"^\s*(?:"
    r"-{2,}\s*(?:original message|исходное сообщение|пересылаемое сообщение|özgün ileti|orijinal mesaj"
    r"|원본 메시지|бастапқы хабар|ursprüngliche nachricht|message d'origine|mensaje original)\s*-{2,}"
    r"|on\s.{5,200}\swrote:|le\s.{5,200}\sa écrit\s?:|am\s.{5,200}\sschrieb\s.{1,200}:"
    r"|.{5,200}\s(?:tarihinde|zamanında)\s.{0,200}(?:yazdı|şunu yazdı)\s?:"
    r"|.{5,250}(?:написал|написала|пишет|писал|писала|написал\(а\))\s?:"
    r"|.{5,250}(?:жазды|деп жазды)\s?:|.{5,250}(?:님이 작성|작성)\s?:"
    r"|_{20,}|\d{1,2}[./]\d{1,2}[./]\d{2,4},?\s.{5,200}:"
    r")\s*$",
    re.I,
)
_HEADED = re.compile(r"^\s*\*?(?:from|от кого|от|von|kimden|gönderen|보낸 사람|кімнен|de)\*?\s?:\s?.*@", re.I)
_FOLLOWED = re.compile(
    r"^\s*\*?(?:sent|to|date|subject|отправлено|кому|дата|тема|gönderildi|kime|tarih|konu|보낸 날짜|받는 사람"
    r"|제목|gesendet|an|betreff)\*?\s?:",
    re.I,
)


def split(text: str) -> tuple[str, str]:
    """The new text, and what it repeats of earlier letters; all is new where there is no telling."""
    lines = text.split("\n")
    at = _begin(lines)
    new, quoted = "\n".join(lines[:at]).strip(), "\n".join(lines[at:]).strip()
    return (new, quoted) if new else (text.strip(), "")


def _begin(lines: list[str]) -> int:
    """The line where the repetition begins; the number of lines when there is none."""
    for at, line in enumerate(lines):
        short = line[:_LONG]
        if _INTRODUCED.match(short) and _goes_on(lines, at + 1):
            return at
        joined = f"{short} {lines[at + 1][:_LONG]}" if at + 1 < len(lines) else ""
        if joined and short.strip() and _INTRODUCED.match(joined) and _quoted_next(lines, at + 2):
            return at
        if _HEADED.match(short) and any(_FOLLOWED.match(one[:_LONG]) for one in lines[at + 1 : at + 4]):
            return at
    return _trailing(lines)


def _goes_on(lines: list[str], at: int) -> bool:
    return any(line.strip() for line in lines[at:])


def _quoted_next(lines: list[str], at: int) -> bool:
    following = [line for line in lines[at : at + 4] if line.strip()]
    return bool(following) and following[0].lstrip().startswith(">")


def _trailing(lines: list[str]) -> int:
    """Where the block of “>” lines at the end begins; answers between quoted lines are left as they stand."""
    at = len(lines)
    while at and (not lines[at - 1].strip() or lines[at - 1].lstrip().startswith(">")):
        at -= 1
    return at if any(line.lstrip().startswith(">") for line in lines[at:]) else len(lines)
