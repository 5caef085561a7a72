"""A copied data folder pulls nothing until a person says that the other one is no more."""

import shutil

import pytest

from foundation import embedded
from foundation.database import make_engine, transaction
from kartoteka import copies
from migrations.run import upgrade
from sync import connections
from sync.tables import Connection


@pytest.fixture
def connected(engine, sealer):
    with transaction(engine) as session:
        connections.create(session, sealer, "spreadsheet", "List", {})
    return engine


def states(engine):
    with transaction(engine) as session:
        return [row.state for row in session.query(Connection)]


def test_first_and_later_starts_hold_nothing(connected, tmp_path):
    assert [copies.hold(connected, tmp_path) for _ in range(3)] == [0, 0, 0]
    assert states(connected) == ["active"]


def test_renamed_folder_is_no_copy(connected, tmp_path):
    (tmp_path / "one").mkdir()
    copies.hold(connected, tmp_path / "one")
    (tmp_path / "one").rename(tmp_path / "two")
    assert copies.hold(connected, tmp_path / "two") == 0


def test_copy_is_held_once_and_can_be_resumed(connected, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    copies.hold(connected, tmp_path / "one")
    assert copies.hold(connected, tmp_path / "two") == 1
    assert states(connected) == ["paused"]
    with transaction(connected) as session:
        connections.resume(session, session.query(Connection).one())
    assert copies.hold(connected, tmp_path / "two") == 0
    assert states(connected) == ["active"]


def test_real_copy_of_a_stopped_folder_is_noticed(data_folder, sealer):
    first, second = data_folder / "one", data_folder / "two"
    data_folder.chmod(0o711)

    def visit(folder, fill):
        servers = embedded.start(folder, durable=False)
        engine = make_engine(servers.database_url)
        try:
            upgrade(engine)
            if fill:
                with transaction(engine) as session:
                    connections.create(session, sealer, "spreadsheet", "List", {})
            return copies.hold(engine, folder)
        finally:
            engine.dispose()
            servers.stop()

    assert visit(first, fill=True) == 0
    shutil.copytree(first, second, copy_function=shutil.copy2)
    for path in (second, *second.rglob("*")):  # as root the servers' account owns parts of it
        original = first / path.relative_to(second)
        shutil.chown(path, original.stat().st_uid, original.stat().st_gid)
        path.chmod(original.stat().st_mode)
    assert visit(second, fill=False) == 1
    assert visit(first, fill=False) == 0
