"""Passwords that anybody tries first: everyday words in disguise, keyboard walks, runs and repeats.

Rules instead of a list: a list of leaked passwords is somebody else's data, and "P@ssw0rd2026!" is on none.
"""

import re
import unicodedata

# What people write most when asked for a password, in the languages of our users; transliterations too.
_WORDS = frozenset(
    """
    password passwort passwd parola sifre parol пароль құпиясөз 비밀번호 пароли qwerty йцукен azerty
    admin administrator root user guest test tester demo changeme default master secret login welcome
    letmein access hello iloveyou loveme lovely love sunshine princess prince angel baby honey sweet monkey
    dragon tiger lion eagle football soccer baseball hockey basketball superman batman spiderman starwars
    pokemon naruto shadow hunter killer ninja ranger warrior michael jordan daniel thomas robert jessica
    jennifer charlie ashley nicole andrew joshua matthew summer winter spring autumn january november december
    monday friday flower butterfly cookie chocolate cheese coffee banana orange apple cherry pepper
    computer internet google facebook samsung iphone android microsoft windows linux mustang ferrari porsche
    mercedes yankees liverpool chelsea arsenal barcelona galatasaray fenerbahce besiktas spartak zenit
    trustno freedom whatever nothing blessed jesus christ heaven forever family mother father sister brother
    natasha sergey dmitriy marina любовь солнце москва россия алматы казахстан qazaqstan almaty istanbul
    turkiye seoul korea moscow london berlin shop store kartoteka company business office manager money
    """.split()  # noqa: SIM905 - a list of 150 literals reads worse
)
_WALKS = (
    "1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю",
    "abcdefghijklmnopqrstuvwxyz", "qazwsxedcrfvtgbyhnujmikolp", "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "q1w2e3r4t5y6u7i8o9p0", "1q2w3e4r5t6y7u8i9o0p", "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔ",
)  # fmt: skip
_LEET = str.maketrans("0134578@$!|", "oleastbasil")
_ENDS = re.compile(r"^[\W\d_]+|[\W\d_]+$")


def guessable(password: str, *own: str) -> bool:
    """Whether a password is among the first that anybody tries; `own` is what is known of its owner."""
    plain = unicodedata.normalize("NFKC", password).casefold()
    whole = _repeated(plain)
    if len(set(whole)) < 4 or _walked(whole):
        return True
    taken = _WORDS | {part for text in own for part in _parts(text)}
    return any(_made_of(form, taken) for form in _forms(plain))


def _forms(plain: str) -> set[str]:
    """The word behind the disguise: ends stripped, letters for digits, backwards, once instead of twice."""
    stripped = _ENDS.sub("", plain)
    forms = {plain, stripped, plain.translate(_LEET), stripped.translate(_LEET)}
    forms |= {_ENDS.sub("", form) for form in forms}
    forms |= {_repeated(form) for form in forms}
    return forms | {form[::-1] for form in forms}


def _made_of(form: str, taken: frozenset[str] | set[str]) -> bool:
    """One taken word, or two of them behind each other."""
    if form in taken:
        return True
    return any(form[:cut] in taken and form[cut:] in taken for cut in range(3, len(form) - 2))


def _parts(text: str) -> set[str]:
    whole = text.casefold()
    parts = {whole, whole.partition("@")[0], *re.split(r"\W+", whole)}
    return {part for part in parts if len(part) > 3}


def _repeated(text: str) -> str:
    """The piece that a text consists of, when it is one piece again and again."""
    again = (text + text).find(text, 1)
    return text[:again] if 0 < again < len(text) else text


def _walked(text: str) -> bool:
    """A walk along the keyboard or the alphabet, forwards or backwards, perhaps two of them."""
    steps = "\0".join(_WALKS)
    steps += "\0" + steps[::-1]
    pieces, start = 0, 0
    while start < len(text):
        end = start + 1
        while end < len(text) and text[start : end + 1] in steps:
            end += 1
        pieces, start = pieces + 1, end
    return pieces <= max(1, len(text) // 4)
