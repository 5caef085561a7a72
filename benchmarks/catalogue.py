"""Writes a made-up catalogue of any size in the shape of 1C's own exports."""

import random
import uuid
from pathlib import Path

WORDS = ["стол", "стул", "шкаф", "дуб", "берёза", "ясень", "белый", "синий", "большой", "детский", "для дома"]
HEAD = (
    '\ufeff<?xml version="1.0" encoding="UTF-8"?>\n<КоммерческаяИнформация xmlns="urn:1C.ru:commerceml_2"'
    ' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' ВерсияСхемы="2.09" ДатаФормирования="2026-01-02T03:04:05">\n'
)
GROUPS, PROPERTIES = 200, 12


def write(path: Path, megabytes: float) -> int:
    """A catalogue of so many megabytes; answers how many goods it has."""
    dice = random.Random(1)
    goods = 0
    with path.open("wb") as file:
        file.write(HEAD.encode())
        file.write(_classifier().encode())
        file.write('\t<Каталог СодержитТолькоИзменения="false">\n\t\t<Ид>c</Ид>\n\t\t<Товары>\n'.encode())
        while file.tell() < megabytes * 1e6:
            file.write(_good(dice, goods).encode())
            goods += 1
        file.write("\t\t</Товары>\n\t</Каталог>\n</КоммерческаяИнформация>\n".encode())
    return goods


def _classifier() -> str:
    groups = "".join(
        f"\t\t\t<Группа>\n\t\t\t\t<Ид>{uuid.UUID(int=i)}</Ид>\n"
        f"\t\t\t\t<Наименование>Группа {i}</Наименование>\n\t\t\t</Группа>\n"
        for i in range(GROUPS)
    )
    return f"\t<Классификатор>\n\t\t<Ид>c</Ид>\n\t\t<Группы>\n{groups}\t\t</Группы>\n\t</Классификатор>\n"


def _good(dice: random.Random, number: int) -> str:
    name = " ".join(dice.choices(WORDS, k=5)).capitalize()
    about = " ".join(dice.choices(WORDS, k=40))
    own = uuid.UUID(int=dice.getrandbits(128))

    def rows(outer: str, inner: str, first: str, pairs: list[tuple[str, str]]) -> list[str]:
        lines = [f"<{outer}>"]
        for key, value in pairs:
            lines += [f"\t<{inner}>", f"\t\t<{first}>{key}</{first}>", f"\t\t<Значение>{value}</Значение>"]
            lines.append(f"\t</{inner}>")
        return [*lines, f"</{outer}>"]

    lines = [
        f"<Ид>{own}</Ид>", "<НомерВерсии>AAAAAQAAAAE=</НомерВерсии>",
        "<ПометкаУдаления>false</ПометкаУдаления>", f"<Штрихкод>{2000000000000 + number}</Штрихкод>",
        f"<Артикул>A-{number}</Артикул>", f"<Наименование>{name}</Наименование>",
        '<БазоваяЕдиница Код="796 " НаименованиеПолное="Штука">шт</БазоваяЕдиница>',
        "<Группы>", f"\t<Ид>{uuid.UUID(int=dice.randrange(GROUPS))}</Ид>", "</Группы>",
        f"<Описание>{about}</Описание>", f"<Картинка>import_files/{own}.jpg</Картинка>",
        *rows("ЗначенияСвойств", "ЗначенияСвойства", "Ид", [
            (str(uuid.UUID(int=i)), dice.choice(WORDS)) for i in range(dice.randint(2, PROPERTIES))
        ]),
        "<СтавкиНалогов>", "\t<СтавкаНалога>", "\t\t<Наименование>НДС</Наименование>",
        "\t\t<Ставка>20</Ставка>", "\t</СтавкаНалога>", "</СтавкиНалогов>",
        *rows("ЗначенияРеквизитов", "ЗначениеРеквизита", "Наименование", [
            ("ВидНоменклатуры", "Мебель"), ("ТипНоменклатуры", "Товар"), ("Полное наименование", name),
        ]),
    ]  # fmt: skip
    inner = "\n".join(f"\t\t\t\t{line}" for line in lines)
    return f"\t\t\t<Товар>\n{inner}\n\t\t\t</Товар>\n"
