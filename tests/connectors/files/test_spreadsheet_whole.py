"""Files through the whole way, onto the cards and back out."""

import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from foundation.database import transaction
from foundation.jobs import run_until_idle
from foundation.sealing import Sealer
from kartoteka import export
from sync import context, imports, resolve
from sync.tables import Run

assert resolve  # imported for the duty it registers
Import = Callable[..., Run]


@pytest.fixture
def imported(engine: Engine, sealer: Sealer, settings: Any, clock: Any, tmp_path: Path) -> Iterator[Import]:
    """Import some text as a file, to the end."""

    def run(content: bytes, what: str = "customers", name: str = "Old customers", **options: Any) -> Run:
        clock.advance(timedelta(minutes=1))
        path = tmp_path / "upload.csv"
        path.write_bytes(content)
        with transaction(engine) as session:
            connection = imports.connection_for(session, sealer, name)
            run_id = imports.start(session, settings, connection.id, path, what, "anna", options=options).id
        run_until_idle(engine)
        with transaction(engine) as session:
            return session.get_one(Run, run_id)

    context.use(context.Context(settings, sealer))
    yield run
    context.use(None)


def exported(engine: Engine) -> str:
    file = io.StringIO()
    export.write(engine, "customers", "csv", file)
    return file.getvalue()


def column(engine: Engine, query: str) -> list[Any]:
    with engine.connect() as db:
        return list(db.scalars(text(query)))


OLD = (
    "Код;ФИО;E-mail;Телефон;Город;Дата рождения;Согласие на рассылку;Скидка\n"
    "1;Анна Иванова;anna@example.kz;8 (701) 123-45-67;Алматы;31.12.1990;да;5%\n"
    "2;=1+1;boris@example.kz;+7 702 222 33 44;Астана;;нет;\n"
    "3;Дана;dana@example.kz;7.7011E+10;;00.00.0000;;\n"
    ";;;;;;;\n"
    "5;;\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1251", "utf-16"])
def test_old_customers_become_cards(engine: Engine, imported: Import, encoding: str) -> None:
    run = imported(OLD.encode(encoding), country="KZ")
    assert (run.state, run.read, run.new, run.problems) == ("done", 4, 3, 1)
    assert column(engine, "SELECT name FROM customers ORDER BY email") == ["Анна Иванова", "=1+1", "Дана"]
    assert column(engine, "SELECT phone FROM customers ORDER BY email") == [
        "+77011234567",
        "+77022223344",
        None,
    ]
    assert column(engine, "SELECT email_consent FROM customers ORDER BY email") == [
        "given",
        "withdrawn",
        None,
    ]


def test_the_same_file_changes_nothing(engine: Engine, imported: Import) -> None:
    imported(OLD.encode())
    before = exported(engine)
    again = imported(OLD.encode("windows-1251"))
    assert (again.new, again.changed, again.problems) == (0, 0, 1)
    assert exported(engine) == before


def test_our_export_changes_no_card(engine: Engine, imported: Import) -> None:
    imported(OLD.encode(), country="KZ")
    before = exported(engine)
    first = imported(before.encode("utf-8-sig"), name="Export")
    assert (first.new, first.problems) == (3, 0)
    assert exported(engine) == before
    again = imported(before.encode(), name="Export")
    assert (again.new, again.changed) == (0, 0)


def test_an_old_export_raises_no_permission(engine: Engine, imported: Import) -> None:
    imported(OLD.encode(), country="KZ")
    old = exported(engine)
    imported(OLD.replace(";да;", ";нет;").encode(), country="KZ")
    imported(old.encode(), name="Export")
    assert column(engine, "SELECT email_consent FROM customers WHERE email = 'anna@example.kz'") == [
        "withdrawn"
    ]


def test_old_orders_hang_on_their_cards(engine: Engine, imported: Import) -> None:
    imported(OLD.encode(), country="KZ")
    orders = (
        "Номер заказа;Дата;Сумма;Код клиента;E-mail;Товар;Количество;Цена\n"
        "1001;05.06.2024;1 500,50;1;;Чай;2;500\n"
        "1001;05.06.2024;1 500,50;1;;Кофе;1;500,50\n"
        "1002;13.06.2024;700 руб.;;boris@example.kz;;;\n"
        "1003;14.06.2024;много;1;;;;\n"
    )
    run = imported(orders.encode("cp1251"), "orders", currency="KZT", zone="Asia/Almaty")
    assert (run.new, run.problems) == (2, 1)
    joined = "FROM orders o JOIN customers c ON c.id = o.customer_id"
    found = column(engine, f"SELECT c.email || ' ' || round(o.total, 2) || ' ' || o.currency {joined}")
    assert sorted(found) == ["anna@example.kz 1500.50 KZT", "boris@example.kz 700.00 RUB"]
    assert column(engine, "SELECT count(*) FROM order_lines") == [2]
