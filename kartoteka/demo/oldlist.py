"""The spreadsheet every shop has: customers of the years before the web shop, typed in by several hands."""

import csv
import random
from datetime import date, timedelta
from pathlib import Path

from kartoteka.demo.company import Company
from kartoteka.demo.people import careless, person

HEADERS = (
    "Фамилия",
    "Имя",
    "E-mail",
    "Телефон",
    "Город",
    "День рождения",
    "Согласие на рассылку",
    "Дата согласия",
    "Примечание",
)
NOTES = (
    "",
    "",
    "",
    "просит звонить после шести",
    "постоянный покупатель",
    "ярмарка 2019",
    "любит чай с чабрецом",
)
AGREED = ("да", "да", "да", "нет", "")


def write(company: Company, path: Path, rows: int = 900, seed: int = 7) -> int:
    """Write the list, half of it people the shop knows, two of its rows beyond repair; answers how many."""
    dice = random.Random(seed)  # noqa: S311 - invented people, not secrets
    fair = random.Random(seed + 1)  # noqa: S311 - the day of the fair where they signed
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        sheet = csv.writer(file, delimiter=";")
        sheet.writerow(HEADERS)
        for row in range(rows):
            known = dice.random() < 0.5
            human = careless(dice.choice(company.humans) if known else person(dice), dice)
            born = date(1950, 1, 1) + timedelta(days=dice.randrange(20_000))
            birthday = born.strftime("%d.%m.%Y") if dice.random() < 0.6 else ""
            email = human.email if dice.random() < 0.8 else ""
            phone = human.phone if dice.random() < 0.7 or not email else ""
            agreed = dice.choice(AGREED)
            signed = (date(2022, 3, 1) + timedelta(days=fair.randrange(900))).strftime("%d.%m.%Y")
            note = dice.choice(NOTES)
            if row in (rows // 3, rows // 2):  # a line somebody began and left
                sheet.writerow(("", "", "нет", "", human.city, "31.02.1988", "", "", note))
                continue
            told = (agreed, signed if agreed else "")
            sheet.writerow((human.family, human.given, email, phone, human.city, birthday, *told, note))
    return rows
