"""What is uploaded: invented goods, the same for the same seed, or the files of a folder."""

import random
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from connectors.accounting.commerceml.writing import Profile
from connectors.accounting.commerceml.writing_goods import Part, catalogue_document, offers_document
from foundation.errors import BadInput
from foundation.records import Product

PER_FILE = 1000
TOGETHER: dict[str, tuple[Part, ...]] = {"offers": ("offer", "price", "rest")}
SPLIT: dict[str, tuple[Part, ...]] = {"offers": ("offer",), "prices": ("price",), "rests": ("rest",)}
_WHAT = ("Чай", "Кофе", "Мёд", "Сыр", "Хлеб", "Сок", "Рис", "Соль", "Масло «Экстра»", "Печенье & Ко")
_WHICH = ("зелёный", "чёрный", "крупный", "мелкий", "свежий", "№ 1", "<новый>", "домашний")
_GROUPS = ("Бакалея / Крупы", "Бакалея / Чай и кофе", "Молочное", "Выпечка / Хлеб / Ржаной")

Packet = Mapping[str, bytes]  # files that go up together, in the order they are to be read


def invented(count: int, seed: int, profile: Profile, at: datetime, whole: bool) -> Iterator[Packet]:
    """Packets of a catalogue and its offers, a thousand goods each."""
    dice = random.Random(seed)  # noqa: S311 - chance that can be repeated, no secret
    for number, start in enumerate(range(0, count, PER_FILE)):
        goods = [_good(dice, index) for index in range(start, min(start + PER_FILE, count))]
        files = {"import": catalogue_document(goods, profile, at, whole=whole)}
        for name, parts in (SPLIT if profile.numbers >= (2, 9) else TOGETHER).items():
            files[name] = offers_document(goods, profile, at, whole=whole, parts=parts)
        yield {f"{name}0_{number + 1}.xml": content for name, content in files.items()}


def _good(dice: random.Random, index: int) -> Product:
    return Product(
        external_id=str(UUID(int=dice.getrandbits(128), version=4)),
        name=f"{dice.choice(_WHAT)} {dice.choice(_WHICH)}, {dice.randint(1, 50) * 50} г",
        sku=f"EM-{index + 1:06}",
        barcode=f"{dice.randrange(10**12, 10**13)}",
        price=Decimal(dice.randint(1000, 999_999)) / 100,
        currency="RUB",
        stock=Decimal(dice.randint(0, 500)),
        category=dice.choice(_GROUPS),
    )


def check_folder(folder: Path) -> None:
    """`BadInput` when there is nothing in a folder that a site could read."""
    if not any(path.suffix.lower() == ".xml" for path in folder.rglob("*") if path.is_file()):
        raise BadInput("There are no XML files in this folder.", str(folder))


def from_folder(folder: Path) -> Iterator[Packet]:
    """All files of a folder as one packet, pictures first as 1C sends them, then imports, offers, others."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    found.sort(key=lambda path: (path.suffix.lower() == ".xml", _rank(path.name.lower())))
    yield {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def _rank(name: str) -> int:
    kinds = ("import", "goods", "offers", "prices", "rests")
    return next((rank for rank, kind in enumerate(kinds) if name.startswith(kind)), len(kinds))
