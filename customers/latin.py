"""Any script in lower-case Latin letters, as a search would be typed, and folded to compare by sound."""

import re
from functools import lru_cache

from anyascii import anyascii


def words(text: str) -> frozenset[str]:
    """The words of a table written as text."""
    return frozenset(text.split())


# Own tables where anyascii follows the letter and not what people type: Cyrillic with Kazakh, Turkish.
_TYPED = """
а=a б=b в=v г=g д=d е=e ё=e ж=zh з=z и=i й=y к=k л=l м=m н=n о=o п=p р=r с=s т=t у=u ф=f х=kh ц=ts ч=ch ш=sh
щ=shch ъ= ы=y ь= э=e ю=yu я=ya ә=a ғ=g қ=k ң=n ө=o ұ=u ү=u һ=h і=i ї=i є=e ґ=g ў=u
ı=i ş=s ç=c ğ=g ö=o ü=u ä=a â=a î=i û=u ß=ss é=e è=e ê=e á=a à=a ó=o ñ=n ł=l
"""
_TABLE = str.maketrans(dict(entry.split("=") for entry in _TYPED.split()))
# Revised Romanization, one syllable at a time, without the sound changes between syllables.
_INITIALS = "g kk n d tt r m b pp s ss _ j jj ch k t p h".replace("_", "").split(" ")
_VOWELS = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui _".replace("_", "i").split(" ")
_FINALS = "_ k k k n n n t l k m l l l p l m p p t t ng t t k t p t".replace("_", "").split(" ")
_HANGUL = 0xAC00


def is_hangul(text: str) -> bool:
    """True when every letter is a Korean syllable."""
    return bool(text) and all("가" <= letter <= "힣" for letter in text)


def _syllable(letter: str) -> str:
    number = ord(letter) - _HANGUL
    return _INITIALS[number // 588] + _VOWELS[number % 588 // 28] + _FINALS[number % 28]


def _hangul(match: re.Match[str]) -> str:
    return "".join(map(_syllable, match[0]))


@lru_cache(maxsize=16384)
def latin(text: str) -> str:
    """The text in lower-case Latin letters, words kept apart by one space."""
    return typed(text)


def typed(text: str) -> str:
    """The same for texts that hardly come again."""
    if not text.isascii():
        text = text.replace("İ", "i").lower().translate(_TABLE)
        if not text.isascii():
            text = anyascii(re.sub("[가-힣]+", _hangul, text))
    return " ".join(text.lower().split())


_SOUNDS = {
    "shch": "sh", "sch": "sh", "kh": "h", "ph": "f", "th": "t", "ck": "k", "zh": "z", "ts": "c", "tz": "c",
    "tc": "c", "x": "ks", "w": "v", "q": "k", "ae": "a", "oe": "o", "ue": "u", "y": "i", "j": "i",
}  # fmt: skip
_SOUND = re.compile("|".join(sorted(_SOUNDS, key=len, reverse=True)))
_YO = re.compile("(?<=[bcdfghklmnprstvz])yo")  # ё is typed both ways: Artem, Artyom
_DOUBLE = re.compile(r"(.)\1+")
_FREE = re.compile(rf"{_SOUND.pattern}|yo|(.)\1")  # any freedom at all


@lru_cache(maxsize=65536)
def sound(word: str) -> str:
    """One Latin word without the freedoms of spelling: Dmitrij, Dmitry and Dmitriy are one."""
    return fold(word)


def fold(word: str) -> str:
    """The same for words that hardly come again."""
    if len(word) < 2:
        return {"y": "i", "j": "i", "w": "v"}.get(word, word)
    if not _FREE.search(word):
        return word[1:] if word[:2] == "ie" else word
    folded = _DOUBLE.sub(
        lambda match: match[1], _SOUND.sub(lambda match: _SOUNDS[match[0]], _YO.sub("e", word))
    )
    return folded[1:] if folded[:2] == "ie" else folded


_KOREAN = [
    (re.compile(pattern), to)
    for pattern, to in (
        (r"^(lee|yi|rhee|ri)$", "i"),
        (r"^(park|pak)$", "bak"),
        (r"^(choi|choe)$", "coe"),
        (r"^(rho|roh|noh)$", "no"),
        (r"^(lim|rim)$", "im"),
        (r"^(yoo|ryu|yu|you)$", "iu"),
        (r"^oh$", "o"),
        (r"^ahn$", "an"),
        (r"hyun", "hyeon"),
        (r"uh(?=n|$)", "u"),
        (r"yoo", "yu"),
        (r"-", ""),
        (r"ye?ou?|ya?u", "io"),
        (r"oo|eu|eo|ou|w", "u"),
        (r"ee|yi", "i"),
        (r"ae|ai", "e"),
        (r"sh", "s"),
        (r"ch", "j"),
        (r"[kq]", "g"),
        (r"t", "d"),
        (r"p", "b"),
        (r"l", "r"),
        (r"y", "i"),
        (r"(.)\1+", r"\1"),
    )
]


@lru_cache(maxsize=16384)
def korean_sound(word: str) -> str:
    """One romanised Korean word without the differences between the systems in use."""
    for pattern, to in _KOREAN:
        word = pattern.sub(to, word)
    return word
