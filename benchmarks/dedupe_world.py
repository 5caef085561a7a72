"""Other people out of a file of people: each copy is a world of its own, as careless as the first.

Names and words of companies are entities that are written in several ways; a copy puts another that is about
as common in the place of each. So given and family names meet anew, mailboxes follow their owners' names, and
slips, initials and scripts stay where they were. Digits are permuted; towns and streets stay, for others.
Korean names stay as well, so there it is the places that are given to others. A mailbox keeps its slips, and
what is mistyped of a provider stays so; what is typed in place of a mailbox stays as it is.
"""

import random
import re
import string
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from functools import cache
from typing import NamedTuple, TypeVar

from customers import companies, nicknames
from customers.latin import latin, sound
from customers.likeness import slips
from customers.matching import mailboxes
from customers.names import KOREAN_FAMILIES

_WORD = re.compile(r"[^\W\d_]+")
_MIDDLE = re.compile(r".{2,}(vich|vna|ichna|uly|uli|kyzy|kizi|kyz)$")
_FEMININE = re.compile(r"(ov|ev|in)a$")
_HANGUL = re.compile(r"[가-힣]+")
_YEAR, _DIGIT = re.compile(r"\d{4}"), re.compile(r"\d")
_SUFFIXES = frozenset(("jr", "sr", "ii", "iii"))
_TRADERS = frozenset(
    "ип чп жк e k индивидуальный предприниматель sole proprietor dba şahıs şirketi firması ticaret".split()  # noqa: SIM905 - it reads so
)
_KOREAN_MAIL = re.compile(r"@(naver|hanmail|daum|kakao|nate)\.")
Row = dict[str, str]
Entity = tuple[str, str]  # class and name
T = TypeVar("T")


class Piece(NamedTuple):
    """A part of a field: as it is, or an entity in the form that is so common of its script."""

    text: str
    entity: Entity | None = None
    script: str = ""
    rank: int = 0
    slip: int = -1  # letters here are swapped
    initial: bool = False


@cache
def _folded(word: str) -> str:
    return sound(latin(word).replace(" ", ""))


@cache
def _given(folded: str) -> Entity:
    groups = nicknames._GROUPS.get(folded)
    return "given", f"#{min(groups)}" if groups else folded


@cache
def _family(folded: str) -> Entity:
    return "family", _FEMININE.sub(r"\1", folded.replace("skaia", "skii").replace("skaya", "skii"))


def _script(word: str, entity: Entity) -> str:
    script = "cyrillic" if re.search("[а-яәғқңөұүһі]", word.lower()) else "latin"
    feminine = entity[0] == "family" and _family(_folded(word))[1] != _folded(word)
    return f"{script} {feminine}"


def _alike(a: str, b: str) -> bool:
    return a[:1] == b[:1] and abs(len(a) - len(b)) < 3 and SequenceMatcher(None, a, b).ratio() > 0.74


class World:
    """The entities of a file and its rows as pieces."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self._koreans = {row["cluster_id"] for row in rows if _korean(row)}
        self._providers = Counter(row["email"].strip().partition("@")[2].lower() for row in rows)
        public = [one for one, often in self._providers.items() if often > len(rows) // 1000]
        self._public = {one for one in self._providers if any(slips(one, known, 1) for known in public)}
        self._roles = {"given": Counter[str](), "family": Counter[str]()}
        for row in rows:
            self._roles["given"].update(map(_folded, _WORD.findall(row["first_name"])))
            self._roles["family"].update(map(_folded, _WORD.findall(row["last_name"])))
        self._seen = Counter(_folded(word) for row in rows for word in self._words(row))
        self._forms: dict[Entity, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        self._where: dict[Entity, Counter[str]] = defaultdict(Counter)
        self._of_cluster: dict[str, dict[str, Entity]] = defaultdict(dict)
        for row in rows:
            self._count(row)
        self._ranks = {
            entity: {script: [form for form, _ in forms.most_common()] for script, forms in found.items()}
            for entity, found in self._forms.items()
        }
        self._pieces = [self._read(row) for row in rows]
        self._places = Counter(word for row in rows for word in self._korean_places(row))

    def _words(self, row: Row) -> Iterator[str]:
        for field in ("name", "first_name", "last_name", "company"):
            if not self._korean(row):
                yield from _WORD.findall(row[field])

    def _korean(self, row: Row) -> bool:
        return row["cluster_id"] in self._koreans

    @staticmethod
    def _korean_places(row: Row) -> Iterator[str]:
        yield from _HANGUL.findall(f"{row['city']} {row['address']}")

    def _entity(self, word: str, field: str) -> Entity | None:
        folded = _folded(word)
        if word.lower() in _TRADERS:
            return None
        if field == "company":
            form = not companies.tokens(word) or companies.tokens(word) != (folded,)
            return None if form or len(folded) < 3 else ("company", folded)
        if len(folded) < 2 or _MIDDLE.match(folded) or folded in _SUFFIXES:
            return None
        given, family = (self._roles[role][folded] for role in ("given", "family"))
        return _given(folded) if nicknames.known(folded) or given > family else _family(folded)

    def _count(self, row: Row) -> None:
        if self._korean(row):
            return
        feminine = any(
            folded.endswith(("ova", "eva", "ina", "skaia", "vna", "kyzy"))
            for folded in map(_folded, self._words(row))
        )
        for field in ("name", "first_name", "last_name", "company"):
            for word in _WORD.findall(row[field]):
                entity = self._entity(word, field)
                if entity is None or (self._seen[_folded(word)] < 3 and self._near(row, word, field)):
                    continue
                self._of_cluster[row["cluster_id"]][_folded(word)] = entity
                self._forms[entity][_script(word, entity)][word.lower()] += 1
                kind = feminine if entity[0] == "given" else "cyrillic" in _script(word, entity)
                self._where[entity][f"{row['country'] or '?'} {kind}"] += 1

    def _near(self, row: Row, word: str, field: str) -> Entity | None:
        """Whose slip a rare word is."""
        folded = _folded(word)
        for known, entity in self._of_cluster[row["cluster_id"]].items():
            if known != folded and (entity[0] == "company") == (field == "company") and _alike(known, folded):
                return entity
        return None

    def _read(self, row: Row) -> dict[str, list[Piece]]:
        if self._korean(row):
            return {}
        found = {}
        for field in ("name", "first_name", "last_name", "company"):
            found[field] = list(self._split(row, row[field], field))
        if not mailboxes.read(row["email"]):
            return found
        local, _, domain = row["email"].strip().partition("@")
        ways = [list(self._mailbox(row, text)) for text in (local, local.replace(".", ""))]
        found["local"] = max(ways, key=_known)  # a dot within a name is the provider's to ignore
        found["domain"] = list(self._mailbox(row, domain)) if self._private(domain) else [Piece(domain)]
        return found

    def _private(self, domain: str) -> bool:
        return domain.lower() not in self._public

    def _split(self, row: Row, text: str, field: str) -> Iterator[Piece]:
        at = 0
        for match in _WORD.finditer(text):
            yield Piece(text[at : match.start()])
            yield self._piece(row, match[0], field)
            at = match.end()
        yield Piece(text[at:])

    def _piece(self, row: Row, word: str, field: str) -> Piece:
        entity, slip = self._entity(word, field), -1
        if entity is None:
            if len(word) == 1 and field != "company":
                for known, other in self._of_cluster[row["cluster_id"]].items():
                    if other[0] == "given" and known[:1] == _folded(word):
                        return Piece(word, other, _script(word, other), initial=True)
            return Piece(word)
        if self._seen[_folded(word)] < 3 and (near := self._near(row, word, field)):
            entity, slip = near, max(1, len(word) // 2)
        script = _script(word, entity)
        forms = self._ranks.get(entity, {}).get(script, [])
        rank = forms.index(word.lower()) if word.lower() in forms else 0
        return Piece(word, entity, script, rank, slip)

    def _mailbox(self, row: Row, text: str) -> Iterator[Piece]:
        known = self._of_cluster[row["cluster_id"]]
        at = 0
        for match in _WORD.finditer(text):
            yield Piece(text[at : match.start()])
            yield from self._run(match[0], known)
            at = match.end()
        yield Piece(text[at:])

    def _run(self, run: str, known: dict[str, Entity]) -> Iterator[Piece]:
        if len(run) == 1:
            for folded, entity in known.items():
                if entity[0] == "given" and folded[:1] == run.lower():
                    yield Piece(run, entity, "latin False", initial=True)
                    return
        for size in range(len(run), 2, -1):
            for start in range(len(run) - size + 1):
                part = run[start : start + size]
                folded = _folded(part)
                entity = known.get(folded) or next(
                    (one for one in known.values() if one[0] == "family" and one == _family(folded)), None
                )
                if entity:
                    yield from self._run(run[:start], known)
                    yield Piece(part, entity, _script(part, entity))
                    yield from self._run(run[start + size :], known)
                    return
        mistyped = (entity for folded, entity in known.items() if slips(_folded(run), folded, 1))
        if len(run) > 3 and (entity := next(mistyped, None)):
            yield Piece(run, entity, _script(run, entity), slip=len(run) // 2)
        else:
            yield Piece(run)

    def copy(self, number: int) -> Iterator[Row]:
        """Every row as somebody of another world."""
        dice = random.Random(number)
        given_to = self._given_to(dice)
        places = _shuffled(self._places, lambda word: word[-1], dice)
        digits = list(string.digits[1:])
        dice.shuffle(digits)
        table = str.maketrans(string.digits[1:], "".join(digits))
        for row, pieces in zip(self.rows, self._pieces, strict=True):
            made = {
                **row,
                **{name: f"{row[name]}_{number}" for name in ("record_id", "cluster_id", "unit_id")},
            }
            for field, parts in pieces.items():
                made[field] = "".join(self._written(piece, given_to) for piece in parts)
            local, at, domain = row["email"].strip().partition("@")
            if at and mailboxes.read(row["email"]):
                home = str(number) * 2 if self._private(domain) else ""
                made["email"] = (
                    f"{number}{number}{made.get('local', local)}@{home}{made.get('domain', domain)}"
                )
            made.pop("local", None), made.pop("domain", None)
            for field in ("city", "address"):
                if self._korean(row):
                    made[field] = _HANGUL.sub(lambda match: places.get(match[0], match[0]), row[field])
            made |= {name: made[name].translate(table) for name in ("address", "postcode", "tax_id")}
            ends = {match.start() for match in list(_DIGIT.finditer(row["phone"]))[-7:]}
            made["phone"] = "".join(
                x.translate(table) if at in ends else x for at, x in enumerate(row["phone"])
            )
            made["visitor_id"] = row["visitor_id"] and f"{row['visitor_id']}_{number}"
            made["birth_date"] = _YEAR.sub(
                lambda match: str(1930 + (int(match[0]) - 1930 + 7 * number) % 80), row["birth_date"]
            )
            yield made

    def _given_to(self, dice: random.Random) -> dict[Entity, Entity]:
        often = {entity: sum(where.values()) for entity, where in self._where.items()}
        home = {entity: where.most_common(1)[0][0] for entity, where in self._where.items()}
        return _shuffled(often, lambda entity: (entity[0], home[entity]), dice)

    def _written(self, piece: Piece, given_to: dict[Entity, Entity]) -> str:
        entity = piece.entity and given_to.get(piece.entity)
        if not entity:
            return piece.text
        found = self._ranks[entity]
        script, _, feminine = piece.script.partition(" ")
        forms, others = found.get(piece.script), found.get(f"{script} {feminine != 'True'}")
        if forms:
            form = forms[min(piece.rank, len(forms) - 1)]
        elif others:
            form = _inflected(others[min(piece.rank, len(others) - 1)], feminine=feminine == "True")
        else:
            form = _inflected(latin(next(iter(found.values()))[0]), feminine=feminine == "True")
        if piece.text.isascii():
            form = latin(form)
        if piece.initial:
            form = form[0]
        if 0 <= piece.slip < len(form) - 1:
            form = form[: piece.slip] + form[piece.slip + 1] + form[piece.slip] + form[piece.slip + 2 :]
        if piece.text.isupper() and (len(piece.text) > 1 or piece.initial):
            return form.upper()
        return form[0].upper() + form[1:] if piece.text[0].isupper() else form


def _inflected(family: str, *, feminine: bool) -> str:
    """A family name as a woman or a man has it, where that is a difference."""
    if feminine:
        family = re.sub(r"(ов|ев|ин)$", r"\1а", re.sub(r"ский$", "ская", family))
        return re.sub(r"(ov|ev|in)$", r"\1a", re.sub(r"sk(iy|ii|ij|y|i)$", "skaya", family))
    family = re.sub(r"(ов|ев|ин)а$", r"\1", re.sub(r"ская$", "ский", family))
    return re.sub(r"(ov|ev|in)a$", r"\1", re.sub(r"ska(ya|ia|ja)$", "skiy", family))


def _known(pieces: list[Piece]) -> int:
    return sum(len(piece.text) for piece in pieces if piece.entity)


def _korean(row: Row) -> bool:
    said = _WORD.findall(f"{row['name']} {row['first_name']} {row['last_name']}".lower())
    if row["country"] == "KR" or _HANGUL.search("".join(said)) or _KOREAN_MAIL.search(row["email"].lower()):
        return True
    return not row["country"] and len(said) > 1 and not KOREAN_FAMILIES.isdisjoint((said[0], said[-1]))


def _shuffled(often: dict[T, int], kind: Callable[[T], object], dice: random.Random) -> dict[T, T]:
    """Each to another of its kind that is about as common."""
    kinds: dict[object, list[T]] = defaultdict(list)
    for one in sorted(often, key=lambda one: (-often[one], str(one))):
        kinds[kind(one)].append(one)
    found: dict[T, T] = {}
    for members in kinds.values():
        at = 0
        while at < len(members):
            window = members[at : at + max(6, at // 2)]
            others = window.copy()
            dice.shuffle(others)
            found.update(zip(window, others, strict=True))
            at += len(window)
    return found
