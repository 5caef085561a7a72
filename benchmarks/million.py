"""Fills the final tables with any number of customers in five scripts, by SQL: what pages are measured on.

Each customer has one profile, an e-mail, mostly a phone, and on average one order; one in twelve is an
anonymous visitor. The first has 1,000 orders and 2,000 events from six profiles.
"""

import random
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from customers import search
from customers.identity import Key
from customers.latin import latin
from foundation.database import copy_rows, transaction
from foundation.records import Person

HEAVY_ORDERS = 1_000
GIVEN = {
    "latin": "Anna Claire Jürgen Mehmet Ayşe Emma Lukas Sophie Olivier Elif Martin Maria Peter Zeynep Hannah",
    "cyrillic": "Мария Иван Анна Дмитрий Айгүл Нұрлан Ольга Сергей Елена Данияр Алексей Татьяна Асель Юрий",
    "hangul": "민준 서연 지우 하은 도윤 시우 수아 지호 예준 하윤 주원 지민 유진 현우 은서",
    "greek": "Γιώργος Μαρία Ελένη Δημήτρης Νίκος Αικατερίνη Σοφία Κώστας Άννα Παναγιώτης",
    "georgian": "გიორგი ნინო დავით მარიამ თამარ ლევან ანა ნიკოლოზ ქეთევან ირაკლი",
}
FAMILY = {
    "latin": "Weber Schmidt Kaya Yılmaz Dubois Novak Petrova Demir Öztürk Müller Becker Martin Özdemir",
    "cyrillic": "Иванов Петрова Ахметов Смирнов Кузнецова Нурланов Соколов Лебедева Қасымов Щербакова",
    "hangul": "김 이 박 최 정 강 조 윤 장 임 한 오",
    "greek": "Παπαδόπουλος Γεωργίου Νικολάου Αθανασίου Δημητρίου Κωνσταντίνου Ιωάννου",
    "georgian": "ბერიძე კაპანაძე გელაშვილი მაისურაძე გიორგაძე ლომიძე წიკლაური",
}
PLACES = {  # country, calling code, digits that follow it, cities
    "latin": ("DE", "49", "151", "Berlin Hamburg München"),
    "cyrillic": ("KZ", "7", "701", "Алматы Астана Шымкент"),
    "hangul": ("KR", "82", "10", "서울 부산 인천"),
    "greek": ("GR", "30", "69", "Αθήνα Θεσσαλονίκη"),
    "georgian": ("GE", "995", "55", "თბილისი ბათუმი"),
}
_TAIL = {"latin": "sen", "cyrillic": "ский", "hangul": "", "greek": "ίδης", "georgian": "შვილი"}
_LETTERS = {
    "latin": "ba re ko mi tu la ne so vi da", "cyrillic": "ба ре ко ми ту ла не со ви да",
    "hangul": "민 서 지 하 도 시 수 예 주 유", "greek": "βα ρε κο μι του λα νε σο βι δα",
    "georgian": "ბა რე კო მი ტუ ლა ნე სო ვი და",
}  # fmt: skip


def names() -> list[tuple[int | str, ...]]:
    """Thousands of names in five scripts with the words they are found by, common families first."""
    dice, made = random.Random(7), []
    for script, given in GIVEN.items():
        letters = _LETTERS[script].split()
        families = FAMILY[script].split()
        families += ["".join(dice.choices(letters, k=3)).title() + _TAIL[script] for _ in range(300)]
        for family in families:
            for first in given.split():
                name = f"{family} {first}" if script == "hangul" else f"{first} {family}"
                person = Person(external_id="", name=name, given_name=first, family_name=family)
                made.append((script, first, family, name, latin(name), search.document([person], [])))
    dice.shuffle(made)
    return [(number, *one) for number, one in enumerate(made)]


def fill(engine: Engine, customers: int) -> None:
    """Fill empty tables; some minutes for a million."""
    with transaction(engine) as session:
        session.execute(text("SET LOCAL synchronous_commit = off"))
        session.execute(text("SET LOCAL maintenance_work_mem = '1GB'"))
        indexes = session.execute(text(_INDEXES)).all()
        for name, _ in indexes:
            session.execute(text(f"DROP INDEX {name}"))
        _stage(session)
        values = {"n": customers, "heavy": HEAVY_ORDERS, "orders": customers}
        for statement in _FILL.split(";\n"):
            wanted = {name: value for name, value in values.items() if f":{name}" in statement}
            session.execute(text(statement), wanted)
        for _, definition in indexes:
            session.execute(text(definition))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text("VACUUM ANALYZE"))
    check(engine)


def heavy(engine: Engine) -> UUID:
    """The customer with a long history."""
    with engine.connect() as db:
        return UUID(str(db.scalar(text("SELECT bench_id(1)"))))


def check(engine: Engine) -> None:
    """The words made by SQL are those that the product itself would write; an error when they differ."""
    query = text(
        "SELECT c.name, c.given_name, c.family_name, c.email, c.phone, CAST(c.search AS text) AS search,"
        " CAST(CAST(:words AS tsvector) AS text) AS wanted FROM customers c WHERE c.id = bench_id(:n)"
    )
    with engine.connect() as db:
        for number in (2, 3, 4, 5, 6, 7, 8, 9, 10, 11):
            row = db.execute(query, {"n": number, "words": ""}).one()
            person = Person(
                external_id="", name=row.name, given_name=row.given_name, family_name=row.family_name,
                emails=(row.email,) if row.email else (),
            )  # fmt: skip
            keys = [Key("phone", row.phone, True)] if row.phone else []
            wanted = db.execute(query, {"n": number, "words": search.document([person], keys)}).one().wanted
            if row.search != wanted:
                raise RuntimeError(f"{row.name}: {row.search} is not {wanted}")


def _stage(session: Session) -> None:
    session.execute(
        text(
            "CREATE TEMP TABLE names (number int PRIMARY KEY, script text, given text, family text,"
            " name text, latin text, words text) ON COMMIT DROP"
        )
    )
    copy_rows(session, "names", ("number", "script", "given", "family", "name", "latin", "words"), names())
    session.execute(
        text(
            "CREATE TEMP TABLE places (script text PRIMARY KEY, country text, code text, trunk text,"
            " cities text[]) ON COMMIT DROP"
        )
    )
    rows = [(script, *place[:3], place[3].split()) for script, place in PLACES.items()]
    copy_rows(session, "places", ("script", "country", "code", "trunk", "cities"), rows)
    session.execute(text("ANALYZE names"))


_INDEXES = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i
JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace s ON s.oid = t.relnamespace
WHERE s.nspname = 'public' AND NOT i.indisprimary AND t.relname IN (
  'customers', 'profiles', 'profile_keys', 'profile_links', 'consents', 'orders', 'timeline',
  'customer_stats')
"""
_FILL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
