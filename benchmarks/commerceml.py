"""A catalogue of 1C through reading and merging, beside lxml's bare iterparse over the same file.

    python -m benchmarks.commerceml [--size 60] [--rounds 5]

A file of so many MB is written, then read in turns: by `lxml.etree.iterparse` that is shown goods only and
clears them, by our reading and merging as at the first import, and again with what that import kept. CPU
seconds count: what else a busy machine does says nothing about us. The bars are 30 % of the bare speed at
first and 60 % when nothing has changed. What memory grows by is the peak of a process of its own (bar 64 MB).
"""

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from lxml import etree

from connectors.accounting.commerceml.parts import Names, Piece, merge
from connectors.accounting.commerceml.reading import read

BARS = {"at first": 30, "nothing changed": 60}
BAR_MEGABYTES = 64
WORDS = ["стол", "стул", "шкаф", "дуб", "берёза", "ясень", "белый", "синий", "большой", "детский", "для дома"]
HEAD = (
    '\ufeff<?xml version="1.0" encoding="UTF-8"?>\n<КоммерческаяИнформация xmlns="urn:1C.ru:commerceml_2"'
    ' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' ВерсияСхемы="2.09" ДатаФормирования="2026-01-02T03:04:05">\n'
)
GROUPS, PROPERTIES = 200, 12


def write(path: Path, megabytes: float) -> int:
    """A catalogue of so many megabytes in the shape of 1C's own exports; answers how many goods it has."""
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


def bare(path: Path, known: dict[str, str]) -> int:
    """What nobody can be faster than: lxml alone, each good cleared."""
    count = 0
    for _, element in etree.iterparse(str(path), tag="{*}Товар"):
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]
        count += 1
    return count


def ours(path: Path, known: dict[str, str]) -> int:
    """Reading and merging; `known` are the payloads there were, empty at the first import."""
    names, count = Names(), 0
    with path.open("rb") as file:
        for piece in read(file, names):
            if isinstance(piece, Piece):
                merge(known.get(piece.external_id), [piece], names)
                count += 1
    return count


def kept(path: Path) -> dict[str, bytes]:
    """The payloads a first import leaves, as a database has them."""
    names, found = Names(), {}
    with path.open("rb") as file:
        for piece in read(file, names):
            if isinstance(piece, Piece):
                found[piece.external_id] = merge(None, [piece], names).payload.encode()
    return found


def speed(run: Callable[[Path, dict[str, str]], int], path: Path, known: dict[str, str], goods: int) -> float:
    """Megabytes a CPU second."""
    began = time.process_time()
    count = run(path, known)
    took = time.process_time() - began
    assert count == goods, (count, goods)
    return path.stat().st_size / 1e6 / took


def peak() -> float:
    """The most memory this process held, in megabytes."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def growth(path: Path) -> float:
    """What memory grows by while a process of its own reads the file."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.commerceml", "--grow", str(path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(run.stdout)


def compare(path: Path, goods: int, rounds: int) -> bool:
    """Print medians and ratios; False when a bar is missed."""
    stored = kept(path)
    found: dict[str, list[float]] = {"bare iterparse": [], **{name: [] for name in BARS}}
    for _ in range(rounds):
        known = {
            key: payload.decode() for key, payload in stored.items()
        }  # fresh, as a driver hands them out
        for name, run, there in (
            ("bare iterparse", bare, {}), ("at first", ours, {}), ("nothing changed", ours, known),
        ):  # fmt: skip
            found[name].append(speed(run, path, there, goods))
    print(f"{path.stat().st_size / 1e6:.0f} MB, {goods:,} goods, medians of {rounds}, MB per CPU second")
    good = True
    for name, speeds in found.items():
        pairs = zip(speeds, found["bare iterparse"], strict=True)
        share = 100 * statistics.median(own / theirs for own, theirs in pairs)
        bar = f"{share:7.1f} % (bar {BARS[name]} %)" if name in BARS else ""
        print(f"  {name:<16}{statistics.median(speeds):7.1f}{bar}")
        good = good and share >= BARS.get(name, 0)
    grown = growth(path)
    print(f"  memory grew by  {grown:7.1f} MB (bar {BAR_MEGABYTES} MB)")
    return good and grown <= BAR_MEGABYTES


def main() -> int:
    """Write the file, measure, and say whether the bars are met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=float, default=60, help="MB of the file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--grow", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.grow:
        before = peak()
        ours(asked.grow, {})
        print(peak() - before)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "import0_1.xml")
        goods = write(path, asked.size)
        return 0 if compare(path, goods, asked.rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
