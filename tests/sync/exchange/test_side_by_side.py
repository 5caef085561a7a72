"""Requests of one base that come at the same time, and two bases that come together."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from foundation import jobs
from tests import onec


def test_the_same_chunk_twice_at_once_counts_once(base, settings):
    base.sign_in()
    body = onec.catalogue(range(50))
    with ThreadPoolExecutor(4) as threads:
        asked = [
            threads.submit(replace(base).ask, "catalog", "file", body, filename="a.xml") for _ in range(4)
        ]
    assert {one.result() for one in asked} == {b"success"}
    (file,) = [path for path in (settings.data / "exchange").rglob("*") if path.is_file()]
    assert file.read_bytes() == body


def test_pages_asked_for_at_once_share_no_order(base, shop, shopping, monkeypatch):
    monkeypatch.setattr("sync.exchange.outgoing.PAGE", 3)
    for number in range(9):
        shop.order(number)
    shopping()
    base.sign_in("sale")
    with ThreadPoolExecutor(3) as threads:
        asked = [threads.submit(replace(base).ask, "sale", "query") for _ in range(3)]
    pages = [one.result().decode("utf-8-sig") for one in asked]
    numbers = [f"R{n}" for n in range(9) for page in pages if f"<Номер>R{n}</Номер>" in page]
    assert sorted(numbers) == sorted(set(numbers)) and len(numbers) == 9


def test_two_bases_import_side_by_side(base, engine, sealer, client):
    _id, other = onec.connect(engine, sealer, client, "Other")
    for one, name in ((base, "a"), (other, "b")):
        one.sign_in()
        one.send("catalog", "import.xml", onec.catalogue(range(30), name))
        one.ask("catalog", "import", filename="import.xml")
    jobs.run_until_idle(engine)
    with engine.connect() as db:
        rows = db.exec_driver_sql("SELECT source_id, count(*) FROM products GROUP BY 1").all()
    assert [row[1] for row in rows] == [30, 30]
