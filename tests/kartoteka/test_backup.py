"""A backup holds everything but the key; a restored copy sends nothing until somebody says so."""

import json
import zipfile

import pytest

from foundation import embedded
from foundation.database import make_engine, transaction
from kartoteka import backup
from migrations.run import upgrade
from sync import connections
from sync.tables import Connection
from tests.serving import open_shop


@pytest.fixture
def filled(kartoteka):
    """A connected and pulled shop."""
    with open_shop(people=10, orders=12) as there:
        pairs = [word for key, value in there.settings.items() for word in ("--set", f"{key}={value}")]
        kartoteka("connect", "woocommerce", "--name", "Shop", *pairs)
        kartoteka("pull", "Shop")


@pytest.fixture
def elsewhere(data_folder):
    """An empty installation of its own."""
    servers = embedded.start(data_folder, durable=False)
    engine = make_engine(servers.database_url)
    upgrade(engine)
    yield engine
    engine.dispose()
    servers.stop()
    embedded.discard(data_folder)


def dump(engine):
    with engine.connect() as connection:
        return {
            name: sorted(map(str, connection.exec_driver_sql(f"SELECT * FROM {name}")))
            for name in backup.tables()
            if name not in ("connections", "leases")
        }


def test_restored_copy_is_equal_and_held_back(kartoteka, filled, engine, elsewhere, tmp_path, sealer):
    path = tmp_path / "kartoteka.zip"
    written = kartoteka("backup", path, "--json").json
    assert written["tables"]["orders"] == 12
    assert path.stat().st_mode & 0o077 == 0
    counts = backup.restore(elsewhere, path)
    assert counts == written["tables"]
    assert dump(elsewhere) == dump(engine)
    with transaction(elsewhere) as session:
        assert {row.state for row in session.query(Connection)} == {"paused"}
        made = connections.create(
            session, sealer, "spreadsheet", "New", {}
        )  # numbers go on after the restored
        assert made.id


def test_key_is_not_in_the_file(kartoteka, filled, settings, tmp_path):
    kartoteka("backup", tmp_path / "kartoteka.zip")
    with zipfile.ZipFile(tmp_path / "kartoteka.zip") as file:
        everything = b"".join(file.read(name) for name in file.namelist())
    assert settings.key.encode() not in everything
    assert b"cs_demo" not in everything  # the shop's secret is sealed


def test_restore_refuses_a_filled_installation(kartoteka, filled, tmp_path):
    kartoteka("backup", tmp_path / "kartoteka.zip")
    answer = kartoteka("restore", tmp_path / "kartoteka.zip", "--json")
    assert answer.status == 1
    assert "empty data folder" in answer.json["error"]


def test_backup_never_overwrites(kartoteka, filled, tmp_path):
    kartoteka("backup", tmp_path / "kartoteka.zip")
    assert kartoteka("backup", tmp_path / "kartoteka.zip").status == 2


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all"])
def test_restore_names_a_foreign_file(kartoteka, tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    assert "no backup" in kartoteka("restore", tmp_path / "x.zip", "--json").json["error"]


def test_restore_refuses_another_format(kartoteka, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr(backup.MANIFEST, json.dumps({"format": 99}))
    assert "another version" in kartoteka("restore", tmp_path / "x.zip", "--json").json["error"]
