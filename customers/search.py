"""Finding customers: the words a card is found by, and the question put to the index.

Words begin with a letter that says what they are (n name, s its sound, k its sound in Korean, e e-mail,
p phone, t tax number), so that digits of a phone are never taken for those of an address.
The rest of a word is letters and digits.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from customers import emails, phones
from customers.identity import Key
from customers.latin import is_hangul, korean_sound, latin, sound
from customers.listing import Page, Row, paged, place
from foundation.records import Person

_WORD = re.compile(r"[^\W_]+")
_MOST_WORDS = 300  # of a card: a crowd of guests must not make a row of megabytes
_LONGEST = 24  # characters of a word; a question's words are cut alike
_SUFFIXES = 20  # of an e-mail's name
_DIGITS = re.compile(r"[\d\s()+./-]+")
_NOT_DIGIT = re.compile(r"\D+")
_QUESTION, _QUESTION_WORDS = 120, 6
_SPOKEN = re.compile("[a-hk-xz][a-z]*")  # written so, a word's sound begins the sound of all that it begins
_CHANGED_BY = {
    "c": "hk",
    "k": "h",
    "p": "h",
    "t": "chsz",
    "y": "o",
}  # … but for these last letters and next ones
_BEGINNING = re.compile("'([^']+)':")
_SHORT = 4  # characters of a beginning with its letter: shorter ones have more words than statistics know
_RARE = 0.002  # of all cards
_WINDOW = 1_000  # newest cards that are looked through before the index is asked
_MANY = 5_000  # hits; beyond them, reading the cards newest first finds a page sooner than the index does


def document(people: Iterable[Person], keys: Iterable[Key]) -> str:
    """The words of a card as the text form of a `tsvector`, ready for COPY or a cast (`::tsvector`)."""
    found: dict[str, None] = {}
    for key in keys:
        if key.kind == "phone":
            found.update(("p" + digits, None) for digits in phones.search_digits(key.value))
        elif key.kind == "tax":
            found["t" + key.value.partition(":")[2].lower()] = None
    for person in people:
        if len(found) > _MOST_WORDS:
            break
        found.update((word, None) for word in _words_of(person))
    return " ".join([word[:_LONGEST] for word in found][:_MOST_WORDS])


def _words_of(person: Person) -> Iterator[str]:
    names = f"{person.name} {person.given_name} {person.middle_name} {person.family_name} {person.company}"
    for word in set(_WORD.findall(names.lower())):
        yield from _name_words(word)
    for address in person.emails:
        yield from _email_words(emails.parse(address).shown)
    if person.tax_number:
        yield "t" + "".join(_WORD.findall(person.tax_number.lower()))


def _name_words(word: str) -> Iterator[str]:
    """The word as written, as typed in Latin letters and by its sound."""
    yield "n" + word
    if is_hangul(word):
        for part in (word, word[1:]) if len(word) > 2 else (word,):  # families are one syllable, as a rule
            yield "n" + part
            yield "k" + korean_sound(latin(part))
    for typed in _WORD.findall(latin(word)):
        yield "n" + typed
        yield "s" + sound(typed)


def _email_words(shown: str) -> Iterator[str]:
    """The address without its punctuation from each of its first letters on, and from its domain on."""
    local, _, domain = shown.casefold().rpartition("@")
    name, host = ("".join(_WORD.findall(part)) for part in (local, domain))
    for start in range(min(_SUFFIXES, max(len(name) - 2, 1))):
        yield f"e{name[start:]}{host}"
    yield "e" + host


def read(question: str) -> list[str]:
    """What a text asks for: texts of type tsquery that a card meets all of, the longest word's first.

    Empty when it holds no letter or digit; safe for any text. Beside other words, one of letters alone is no
    part of an e-mail: too many addresses hold a first name.
    """
    digits = _NOT_DIGIT.sub("", question)
    if len(digits) >= 4 and _DIGITS.fullmatch(question):
        return [_any(_number_words(digits))]
    chunks = question.lower().split()[:_QUESTION_WORDS]
    parts = [part for chunk in chunks for part in _chunk(chunk, len(chunks) > 1 and chunk.isalpha())]
    return [part for _, part in sorted(parts, key=lambda part: -part[0])]


def _chunk(chunk: str, name: bool) -> list[tuple[int, str]]:
    """The words of a text without blanks with their length: names, or the whole as a part of an e-mail.

    Two texts when some of its words are short: without them it may be rare enough to be asked alone.
    """
    words = _WORD.findall(chunk)[:_QUESTION_WORDS]
    whole = "".join(words)
    if "@" in chunk and words:
        return [(len(whole), _any(["e" + whole]))]
    names = [(len(word), _any(_spellings(word))) for word in words]
    if name or len(whole) < 3:
        return names
    email = _any(["e" + whole])
    every = " & ".join(said for _, said in names)
    longer = " & ".join(said for length, said in names if length > 2) or every
    asked = [(len(whole), f"({longer} | {email})")]
    return asked if longer == every else [*asked, (0, f"({every} | {email})")]


def _spellings(word: str) -> Iterator[str]:
    """A word as it may stand in a name or a number."""
    if is_hangul(word):
        yield "n" + word  # a given name without its family is kept as written only
    for typed in _WORD.findall(latin(word)) or [word]:
        heard = sound(typed)
        if len(heard) > 2 and _SPOKEN.fullmatch(typed):
            yield "s" + heard  # finds all that is written so as well, but for what the next letter changes
            yield from (f"n{typed}{letter}" for letter in _CHANGED_BY.get(typed[-1], ""))
        else:
            yield "n" + typed
            if len(heard) > 2:
                yield "s" + heard
        if word.isascii() and len(typed) > 1:
            yield "k" + korean_sound(typed)
    if len(word) >= 4 and any(letter.isdigit() for letter in word):
        yield "t" + word
        if word.isdigit():
            yield from _number_words(word)


def _number_words(digits: str) -> Iterator[str]:
    """Digits as a phone in any country's habit, a tax number, or part of an e-mail or name."""
    yield from ("p" + digits, "t" + digits, "e" + digits, "n" + digits)
    for trunk, instead in (("00", ""), ("810", ""), ("8", "7"), ("8", ""), ("0", "")):
        if digits.startswith(trunk) and len(digits) - len(trunk) >= 3:
            yield "p" + instead + digits[len(trunk) :]


def _any(words: Iterable[str]) -> str:
    beginnings = dict.fromkeys(f"'{word[:_LONGEST]}':*" for word in words)
    return f"({' | '.join(beginnings)})"


def find(session: Session, query: str, limit: int = 50, after: str | None = None) -> Page:
    """Customers that a name, a part of an e-mail, a phone, or a number of theirs means; newest first.

    What is named exactly (order or invoice number, whole e-mail or phone) stands before the rest on the first
    page.
    Any text is safe to ask; at most four queries. `BadInput` for an `after` that no page gave.
    """
    question = " ".join(query.replace("\0", " ")[:_QUESTION].split())
    asked = read(question)
    if not asked:
        return Page([], None)
    last = place(after, "newest")[1] if after is not None else _LAST
    values: dict[str, Any] = {"words": " & ".join(asked), "limit": limit + 1, "last": last}
    values |= _named("" if after else question)
    found = session.execute(_NEWEST, values | {"window": _WINDOW}).all()
    named = [Row(*row[2:]) for row in found if row.tier == 0 and row.id is not None][:limit]
    rest = [Row(*row[2:]) for row in found if row.tier == 1]
    if len(rest) <= limit:
        words, rest_of_it = _rarest(session, asked)
        narrow = {"words": words, "rest": rest_of_it, "many": _MANY + 1}
        by_index = session.execute(_BY_INDEX, values | narrow).all()
        many = by_index[0].hits > _MANY
        found = session.execute(_BY_AGE, values).all() if many else by_index
        rest = [Row(*row[1:]) for row in found if row.id is not None]
    page, exact = paged(rest, "newest", limit), {row.id for row in named}
    return Page(named + [row for row in page.rows if row.id not in exact], page.after)


def _rarest(session: Session, asked: Sequence[str]) -> tuple[str, str]:
    """What to ask the index, and what to check its answers against (or empty).

    The index collects every card that has a word before it compares: beside a rare word a common one is
    cheaper looked up on the cards that have the rare one.
    """
    if len(asked) == 1:
        return asked[0], ""
    beginnings = [_BEGINNING.findall(part) for part in asked]
    values = {
        "parts": [number for number, part in enumerate(beginnings) for _ in part],
        "beginnings": [word for part in beginnings for word in part],
    }
    shares: dict[int, float] = {row.part: row.share for row in session.execute(_SHARES, values)}
    shares |= {number: 1.0 for number, part in enumerate(beginnings) if min(map(len, part)) < _SHORT}
    rarest = min(shares, key=lambda number: shares[number])
    if shares[rarest] > _RARE:
        return " & ".join(asked), ""
    return asked[rarest], " & ".join(part for number, part in enumerate(asked) if number != rarest)


def _named(question: str) -> dict[str, list[str]]:
    """What a text names exactly: an order's or invoice's number as typed and as shown, an e-mail, a phone."""
    keys = [("email", emails.parse(question).key), ("phone", phones.parse(question).e164)]
    number = question.lstrip("#№ ")
    return {
        "numbers": list({number, f"#{number}", number.upper()}) if number else [],
        "kinds": [kind for kind, value in keys if value],
        "values": [value for _, value in keys if value],
    }


_LAST = UUID(int=2**128 - 1)
_COLUMNS = """c.id, c.name, c.kind, c.email, c.phone, c.country, c.city, c.tags, c.created_at,
  coalesce(s.orders, 0) AS orders, coalesce(s.spent, 0) AS spent, s.currency, s.last_seen_at"""
_MEANT = "(search @@ CAST(:words AS tsquery)) IS TRUE"

# A common word is found among the newest cards at once. For a rare one the index has to be asked, but the
# planner has no statistics on beginnings of words, expects thousands of hits and would read the whole table:
# so sequential scans are off until the second statement is planned. `IS TRUE` hides conditions from it.
_NEWEST = text(f"""
WITH newest AS MATERIALIZED (
  SELECT id FROM (
    SELECT id, search FROM customers WHERE live AND identified AND id < :last ORDER BY id DESC LIMIT :window
  ) AS fresh WHERE {_MEANT} ORDER BY id DESC LIMIT :limit
), named AS (
  SELECT customer_id FROM orders WHERE number = ANY(:numbers) AND gone_at IS NULL
  UNION
  SELECT customer_id FROM invoices WHERE number = ANY(:numbers) AND number <> '' AND gone_at IS NULL
  UNION
  SELECT p.customer_id FROM unnest(CAST(:kinds AS text[]), CAST(:values AS text[])) AS asked (kind, value)
  JOIN profile_keys k ON k.kind = asked.kind AND k.value = asked.value JOIN profiles p ON p.id = k.profile_id
  LIMIT :limit
), shown AS (SELECT 0 AS tier, customer_id AS id FROM named UNION ALL SELECT 1, id FROM newest)
SELECT planner.scans, coalesce(shown.tier, 0) AS tier, {_COLUMNS}
FROM (
  SELECT set_config(
    'enable_seqscan', CASE WHEN count(*) < :limit THEN 'off' ELSE 'on' END, true
  ) AS scans FROM newest
) AS planner
LEFT JOIN shown ON true
LEFT JOIN customers c ON c.id = shown.id AND c.live LEFT JOIN customer_stats s ON s.customer_id = c.id
ORDER BY tier, c.id DESC
""")
_BY_INDEX = text(f"""
WITH hits AS MATERIALIZED (
  SELECT id FROM customers WHERE search @@ CAST(:words AS tsquery) AND live AND identified
    AND (CAST(:rest AS text) = '' OR (search @@ CAST(:rest AS tsquery)) IS TRUE) LIMIT :many
)
SELECT counted.hits, {_COLUMNS}
FROM (SELECT count(*) AS hits, set_config('enable_seqscan', 'on', true) AS scans FROM hits) AS counted
LEFT JOIN (SELECT id FROM hits WHERE id < :last ORDER BY id DESC LIMIT :limit) AS shown ON true
LEFT JOIN customers c ON c.id = shown.id LEFT JOIN customer_stats s ON s.customer_id = c.id
ORDER BY c.id DESC
""")
# How many cards have a word that begins so, as far as the statistics know: they list the commonest words.
_SHARES = text("""
SELECT asked.part, coalesce(sum(known.share), 0) AS share
FROM unnest(CAST(:parts AS int[]), CAST(:beginnings AS text[])) AS asked (part, beginning)
LEFT JOIN (
  SELECT unnest(most_common_elems::text::text[]) AS word, unnest(most_common_elem_freqs) AS share
  FROM pg_stats WHERE schemaname = current_schema() AND tablename = 'customers' AND attname = 'search'
) AS known ON starts_with(known.word, asked.beginning)
GROUP BY asked.part
""")
_BY_AGE = text(f"""
SELECT 0 AS hits, {_COLUMNS}
FROM customers c LEFT JOIN customer_stats s ON s.customer_id = c.id
WHERE c.live AND c.identified AND {_MEANT} AND c.id < :last
ORDER BY c.id DESC LIMIT :limit
""")
