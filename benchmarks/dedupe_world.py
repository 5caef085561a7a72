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
from typing import NamedTuple, TypeVar

from benchmarks.dedupe_words import (
    HANGUL,
    WORD,
    Entity,
    Row,
    alike,
    family_name,
    fold,
    given_name,
    inflected,
    korean,
    script_of,
)
from customers import companies, nicknames
from customers.latin import latin
from customers.likeness import slips
from customers.matching import mailboxes

_MIDDLE = re.compile(r".{2,}(vich|vna|ichna|uly|uli|kyzy|kizi|kyz)$")
_YEAR, _DIGIT = re.compile(r"\d{4}"), re.compile(r"\d")
_SUFFIXES = frozenset(("jr", "sr", "ii", "iii"))
_TRADERS = frozenset(
    "ип чп жк e k индивидуальный предприниматель sole proprietor dba şahıs şirketi firması ticaret".split()  # noqa: SIM905 - it reads so
)
T = TypeVar("T")


class Piece(NamedTuple):
    """A part of a field: as it is, or an entity in the form that is so common of its script."""

    text: str
    entity: Entity | None = None
    script: str = ""
    rank: int = 0
    slip: int = -1  # letters here are swapped
    initial: bool = False


class World:
    """The entities of a file and its rows as pieces."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self._koreans = {row["cluster_id"] for row in rows if korean(row)}
        self._providers = Counter(row["email"].strip().partition("@")[2].lower() for row in rows)
        public = [one for one, often in self._providers.items() if often > len(rows) // 1000]
        self._public = {one for one in self._providers if any(slips(one, known, 1) for known in public)}
        self._roles = {"given": Counter[str](), "family": Counter[str]()}
        for row in rows:
            self._roles["given"].update(map(fold, WORD.findall(row["first_name"])))
            self._roles["family"].update(map(fold, WORD.findall(row["last_name"])))
        self._seen = Counter(fold(word) for row in rows for word in self._words(row))
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
                yield from WORD.findall(row[field])

    def _korean(self, row: Row) -> bool:
        return row["cluster_id"] in self._koreans

    @staticmethod
    def _korean_places(row: Row) -> Iterator[str]:
        yield from HANGUL.findall(f"{row['city']} {row['address']}")

    def _entity(self, word: str, field: str) -> Entity | None:
        folded = fold(word)
        if word.lower() in _TRADERS:
            return None
        if field == "company":
            form = not companies.tokens(word) or companies.tokens(word) != (folded,)
            return None if form or len(folded) < 3 else ("company", folded)
        if len(folded) < 2 or _MIDDLE.match(folded) or folded in _SUFFIXES:
            return None
        given, family = (self._roles[role][folded] for role in ("given", "family"))
        return given_name(folded) if nicknames.known(folded) or given > family else family_name(folded)

    def _count(self, row: Row) -> None:
        if self._korean(row):
            return
        feminine = any(
            folded.endswith(("ova", "eva", "ina", "skaia", "vna", "kyzy"))
            for folded in map(fold, self._words(row))
        )
        for field in ("name", "first_name", "last_name", "company"):
            for word in WORD.findall(row[field]):
                entity = self._entity(word, field)
                if entity is None or (self._seen[fold(word)] < 3 and self._near(row, word, field)):
                    continue
                self._of_cluster[row["cluster_id"]][fold(word)] = entity
                self._forms[entity][script_of(word, entity)][word.lower()] += 1
                kind = feminine if entity[0] == "given" else "cyrillic" in script_of(word, entity)
                self._where[entity][f"{row['country'] or '?'} {kind}"] += 1

    def _near(self, row: Row, word: str, field: str) -> Entity | None:
        """Whose slip a rare word is."""
        folded = fold(word)
        for known, entity in self._of_cluster[row["cluster_id"]].items():
            if known != folded and (entity[0] == "company") == (field == "company") and alike(known, folded):
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
        for match in WORD.finditer(text):
            yield Piece(text[at : match.start()])
            yield self._piece(row, match[0], field)
            at = match.end()
        yield Piece(text[at:])

    def _piece(self, row: Row, word: str, field: str) -> Piece:
        entity, slip = self._entity(word, field), -1
        if entity is None:
            if len(word) == 1 and field != "company":
                for known, other in self._of_cluster[row["cluster_id"]].items():
                    if other[0] == "given" and known[:1] == fold(word):
                        return Piece(word, other, script_of(word, other), initial=True)
            return Piece(word)
        if self._seen[fold(word)] < 3 and (near := self._near(row, word, field)):
            entity, slip = near, max(1, len(word) // 2)
        script = script_of(word, entity)
        forms = self._ranks.get(entity, {}).get(script, [])
        rank = forms.index(word.lower()) if word.lower() in forms else 0
        return Piece(word, entity, script, rank, slip)

    def _mailbox(self, row: Row, text: str) -> Iterator[Piece]:
        known = self._of_cluster[row["cluster_id"]]
        at = 0
        for match in WORD.finditer(text):
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
                folded = fold(part)
                entity = known.get(folded) or next(
                    (one for one in known.values() if one[0] == "family" and one == family_name(folded)), None
                )
                if entity:
                    yield from self._run(run[:start], known)
                    yield Piece(part, entity, script_of(part, entity))
                    yield from self._run(run[start + size :], known)
                    return
        mistyped = (entity for folded, entity in known.items() if slips(fold(run), folded, 1))
        if len(run) > 3 and (entity := next(mistyped, None)):
            yield Piece(run, entity, script_of(run, entity), slip=len(run) // 2)
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
                    made[field] = HANGUL.sub(lambda match: places.get(match[0], match[0]), row[field])
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
            form = inflected(others[min(piece.rank, len(others) - 1)], feminine=feminine == "True")
        else:
            form = inflected(latin(next(iter(found.values()))[0]), feminine=feminine == "True")
        if piece.text.isascii():
            form = latin(form)
        if piece.initial:
            form = form[0]
        if 0 <= piece.slip < len(form) - 1:
            form = form[: piece.slip] + form[piece.slip + 1] + form[piece.slip] + form[piece.slip + 2 :]
        if piece.text.isupper() and (len(piece.text) > 1 or piece.initial):
            return form.upper()
        return form[0].upper() + form[1:] if piece.text[0].isupper() else form


def _known(pieces: list[Piece]) -> int:
    return sum(len(piece.text) for piece in pieces if piece.entity)


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
