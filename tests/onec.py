"""A stock 1C that asks our own door in the words of the protocol, and the files it would bring."""

import io
import zipfile
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import UUID

from starlette.testclient import TestClient

from foundation.database import transaction
from sync import connections
from sync.exchange import partners
from sync.exchange.tables import Partner

CHUNK = 1_000


@dataclass
class OneC:
    """One base: what was typed into it, and the session it is in."""

    client: TestClient
    path: str
    user: str
    password: str
    cookie: str = ""
    sessid: str = ""
    timestamp: str = ""
    said: list[bytes] = field(default_factory=list)

    def ask(self, kind: str, mode: str, body: bytes | None = None, glue: str = "?", **more: Any) -> bytes:
        """One request and the bytes of its answer."""
        query = "".join(f"&{name}={quote(str(value))}" for name, value in more.items())
        headers = {"Cookie": self.cookie} if self.cookie else {}
        if mode == "checkauth":
            pair = f"{self.user}:{self.password}".encode()
            headers = {"Authorization": "Basic " + b64encode(pair).decode()}
        self.client.cookies.clear()
        answer = self.client.request(
            "GET" if body is None else "POST", f"{self.path}{glue}type={kind}&mode={mode}{query}",
            content=body, headers=headers,
        )  # fmt: skip
        assert answer.status_code == 200
        self.said.append(answer.content)
        return answer.content

    def sign_in(self, kind: str = "catalog", version: str = "") -> "OneC":
        """checkauth and init; the cookie is taken from the body, as 1C does."""
        lines = self.ask(kind, "checkauth").decode().split("\n")
        assert lines[0] == "success", lines
        self.cookie, self.sessid = f"{lines[1]}={lines[2]}", lines[3]
        if kind == "catalog":
            self.timestamp = lines[4].removeprefix("timestamp=")
        self.ask(kind, "init", **({"version": version} if version else {}))
        return self

    def send(self, kind: str, name: str, body: bytes, chunk: int = CHUNK) -> bytes:
        """A file in chunks; the last answer."""
        answer = b""
        for start in range(0, len(body), chunk):
            answer = self.ask(kind, "file", body[start : start + chunk], filename=name)
        return answer


def connect(engine, sealer, client: TestClient, name: str = "Бухгалтерия", **typed: Any) -> tuple[UUID, OneC]:
    """A connection that 1C calls, and the base that calls it; English is spoken unless told otherwise."""
    with transaction(engine) as session:
        made = connections.create(session, sealer, "commerceml", name, {"country": "GB", **typed})
        partner = session.get_one(Partner, made.id)
        password = sealer.unseal(partner.password)
        return made.id, OneC(client, f"/exchange/1c/{made.id}", partner.user, password)


def catalogue(numbers: Sequence[int], suffix: str = "") -> bytes:
    """A catalogue of invented goods."""
    goods = "".join(
        f"<Товар><Ид>{good_id(n)}</Ид><Артикул>A-{n}</Артикул><Наименование>Чайник {n}{suffix}</Наименование>"
        f'<БазоваяЕдиница Код="796 " НаименованиеПолное="Штука">шт</БазоваяЕдиница></Товар>'
        for n in numbers
    )
    return _document(
        '<Каталог СодержитТолькоИзменения="false"><Ид>c1</Ид><Наименование>Каталог</Наименование>'
        f"<Товары>{goods}</Товары></Каталог>"
    )


def offers(prices: dict[int, str]) -> bytes:
    """Prices of such goods."""
    things = "".join(
        f"<Предложение><Ид>{good_id(n)}</Ид><Цены><Цена><ИдТипаЦены>p1</ИдТипаЦены>"
        f"<ЦенаЗаЕдиницу>{price}</ЦенаЗаЕдиницу><Валюта>RUB</Валюта></Цена></Цены></Предложение>"
        for n, price in prices.items()
    )
    return _document(
        "<ПакетПредложений><Ид>c1#</Ид><ТипыЦен><ТипЦены><Ид>p1</Ид><Наименование>Розничная</Наименование>"
        f"<Валюта>RUB</Валюта></ТипЦены></ТипыЦен><Предложения>{things}</Предложения></ПакетПредложений>"
    )


def returned_order(number: str, total: str, order_id: str = "", **requisites: str) -> bytes:
    """An order as 1C sends it back."""
    values = "".join(
        f"<ЗначениеРеквизита><Наименование>{name}</Наименование><Значение>{value}</Значение></ЗначениеРеквизита>"
        for name, value in requisites.items()
    )
    known = f"<Ид>{order_id}</Ид>" if order_id else ""
    return _document(
        f"<Документ>{known}<Номер>{number}</Номер><Дата>2026-03-02</Дата>"
        "<ХозОперация>Заказ товара</ХозОперация>"
        "<Роль>Продавец</Роль><Валюта>RUB</Валюта><Курс>1</Курс>"
        f"<Сумма>{total}</Сумма><Контрагенты><Контрагент><Ид>k1</Ид><Наименование>Ирина</Наименование>"
        "<ПолноеНаименование>Ирина Пример</ПолноеНаименование><Роль>Покупатель</Роль></Контрагент>"
        "</Контрагенты>"
        f"<Время>12:00:00</Время><Товары/><ЗначенияРеквизитов>{values}</ЗначенияРеквизитов></Документ>"
    )


def good_id(number: int) -> str:
    """The id of a good."""
    return f"{number:08d}-aaaa-11e6-8d1e-00155d000001"


def packed(files: dict[str, bytes]) -> bytes:
    """A zip of files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return made.getvalue()


def chunks(body: bytes, size: int = CHUNK) -> Iterator[bytes]:
    """The pieces of a file."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


def _document(inside: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<КоммерческаяИнформация ВерсияСхемы="2.08" '
        f'ДатаФормирования="2026-03-02T12:00:00">{inside}</КоммерческаяИнформация>'
    ).encode()


__all__ = [
    "CHUNK", "OneC", "catalogue", "chunks", "connect", "good_id", "offers", "packed", "partners",
    "returned_order",
]  # fmt: skip
