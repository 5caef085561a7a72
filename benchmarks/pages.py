"""Pages at a million customers beside an authenticated page that renders an empty layout.

    python benchmarks/pages.py [--size 1000000] [--rounds 15] [--keep FOLDER]

The real application, served on loopback. In each round every page is asked once, each time for another
customer, after the empty page; ratios are taken within the round, medians are printed. `--keep` fills a
folder once and uses it again.
"""

import argparse
import contextlib
import http.client
import random
import re
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import uvicorn
from jinja2 import ChoiceLoader, DictLoader
from sqlalchemy import Engine, event, text
from starlette.applications import Starlette

from benchmarks import million
from benchmarks.rig import Rig, installation
from console import auth
from console.roles import READ
from console.serving import get
from console.templating import environment
from foundation.database import transaction
from foundation.sealing import Sealer, new_key
from kartoteka import app as application
from sync.context import Context

MOST_RATIO, MOST_QUERIES = 10, 8
EMPTY = "{% extends 'base.html' %}{% block room %}{% endblock %}"


class Meter:
    """CPU of this process, which serves and asks, and of the database's processes that work for it."""

    def __init__(self, engine: Engine) -> None:
        with engine.connect() as db:
            self.server = db.scalar(text("SELECT pg_backend_pid()"))
        self.postmaster = _parent(int(self.server or 0))

    def seconds(self) -> float:
        """CPU used so far."""
        used = 0
        for process in Path(f"/proc/{self.postmaster}/task/{self.postmaster}/children").read_text().split():
            with contextlib.suppress(OSError):
                used += int(Path(f"/proc/{process}/schedstat").read_text().split()[0])
        return used / 1e9 + time.process_time()


def _parent(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


class Browser:
    """A signed-in owner on a connection that stays open."""

    def __init__(self, port: int) -> None:
        self.line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.cookie = ""

    def ask(self, path: str, form: dict[str, str] | None = None) -> tuple[float, str]:
        """Seconds until the whole answer is here, and the page."""
        headers = {"Cookie": self.cookie}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.perf_counter()
        body = urlencode(form) if form is not None else None
        self.line.request("GET" if form is None else "POST", path, body, headers)
        answer = self.line.getresponse()
        page = answer.read().decode()
        took = time.perf_counter() - began
        if answer.status >= 400:
            raise RuntimeError(f"{path}: {answer.status} {page[-500:]}")
        for given in answer.headers.get_all("set-cookie") or ():
            self.cookie = f"{self.cookie}; {given.split(';')[0]}".lstrip("; ")
        return took, page

    def sign_in(self, engine: Engine) -> None:
        """Come in by a link."""
        with transaction(engine) as session:
            session.execute(text("DELETE FROM user_sessions"))
            session.execute(text("DELETE FROM one_time_links"))
            session.execute(text("DELETE FROM users"))
            owner = auth.create_user(session, "olga@example.org", "Olga Owner", "correct horse battery")
            path = auth.make_link(session, owner)
        token = re.search(r'name="csrf" value="([^"]+)"', self.ask(path)[1])
        self.ask(path, {"csrf": token[1] if token else ""})


@contextlib.contextmanager
def served(app: Starlette) -> Iterator[int]:
    """The port of an application that is served in a thread until the block ends."""
    bound = socket.create_server(("127.0.0.1", 0))
    with socket.socket(fileno=bound.detach()) as listener:  # knows it is TCP: else asyncio leaves Nagle on
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)


@contextlib.contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements sent inside the block."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def make_app(rig: Rig) -> Starlette:
    """The real application and one page more, that shows nothing inside the frame."""
    jinja = environment()
    jinja.loader = ChoiceLoader(
        [DictLoader({"empty.html": EMPTY}), *([jinja.loader] if jinja.loader else [])]
    )
    app = application.make(Context(rig.settings, Sealer([new_key()])), rig.engine)
    app.router.routes.insert(0, get("/empty", lambda call: call.page("empty.html"), READ))
    return app


def questions(engine: Engine, size: int) -> dict[str, Callable[[], str]]:
    """The address of each page for a customer drawn anew."""
    dice = random.Random(3)
    with engine.connect() as db:
        query = "SELECT id, email, phone FROM customers WHERE id = ANY(:ids)"
        ids = "SELECT bench_id(n) FROM unnest(CAST(:numbers AS bigint[])) n"
        numbers = [dice.randrange(1, size) // 60 * 60 + 1 for _ in range(400)]  # with an e-mail and a phone
        found = db.scalars(text(ids), {"numbers": numbers}).all()
        people = db.execute(text(query), {"ids": list(found)}).all()
        rare = "SELECT name FROM customers WHERE identified GROUP BY name ORDER BY count(*), name LIMIT 200"
        rarest = list(db.scalars(text(rare)))
    many = million.heavy(engine)

    def find(words: str) -> str:
        return "/customers?q=" + quote(words)

    def local(phone: str) -> str:
        return re.sub(r"^\+(49|7|82|30|995)", "0", phone)

    def spaced(phone: str) -> str:
        return f"{phone[:-7]} {phone[-7:-4]}-{phone[-4:]}"

    def one() -> tuple[str, str, str]:
        person = dice.choice(people)
        return str(person.id), person.email, person.phone

    return {
        "card of 1,000 orders": lambda: f"/customers/{many}",
        "its orders": lambda: f"/customers/{many}?tab=orders",
        "its profiles": lambda: f"/customers/{many}?tab=profiles",
        "card": lambda: f"/customers/{one()[0]}",
        "list": lambda: "/customers",
        "list by what was spent": lambda: "/customers?sort=spent",
        "list by last seen, one city": lambda: "/customers?sort=last_seen&city=Berlin",
        "list of a consent and buyers": lambda: "/customers?consent=given&bought=yes",
        "search: rare name": lambda: find(dice.choice(rarest)),
        "search: common beginning": lambda: find(dice.choice(("an", "mar", "Иван", "김", "pet"))),
        "search: two common names": lambda: find(dice.choice(("maria nik", "anna web", "мария пет"))),
        "search: part of an e-mail": lambda: find(one()[1].split("@")[0][-6:] + "@"),
        "search: whole e-mail": lambda: find(one()[1]),
        "search: phone, local": lambda: find(local(one()[2])),
        "search: phone, international": lambda: find(spaced(one()[2])),
        "search: last digits of a phone": lambda: find(one()[2][-7:]),
        "search: order number": lambda: find(f"R-{dice.randrange(1, size)}"),
        "search: nothing found": lambda: find("qwxyzzy"),
        "overview": lambda: "/",
    }


def measure(browser: Browser, engine: Engine, size: int, rounds: int) -> bool:
    """Print the figures; answers whether all pages hold their bars."""
    pages, meter = questions(engine, size), Meter(engine)
    wall: dict[str, list[float]] = {name: [] for name in pages}
    cpu: dict[str, list[float]] = {name: [] for name in pages}
    took: dict[str, list[float]] = {name: [] for name in pages}
    asked: dict[str, int] = dict.fromkeys(pages, 0)
    empty: list[float] = []

    def ask(path: str) -> tuple[float, float]:
        before = meter.seconds()
        seconds = browser.ask(path)[0]
        return seconds, meter.seconds() - before

    for path in pages.values():
        browser.ask(path())
    for _ in range(rounds):
        for name, path in pages.items():
            base = [ask("/empty") for _ in range(3)]
            with counted(engine) as sent:
                seconds, used = ask(path())
            empty.append(statistics.median(one for one, _ in base))
            wall[name].append(seconds / empty[-1])
            cpu[name].append(used / statistics.median(one for _, one in base))
            took[name].append(seconds)
            asked[name] = max(asked[name], len(sent))
    print(f"{size} customers; the empty layout takes {statistics.median(empty) * 1000:.1f} ms")
    held = True
    for name in pages:
        ratio, of_cpu = statistics.median(wall[name]), statistics.median(cpu[name])
        good = ratio <= MOST_RATIO and asked[name] <= MOST_QUERIES
        held = held and good
        spread = f"{of_cpu:4.1f} by CPU; {min(wall[name]):.1f} to {max(wall[name]):.1f}"
        shown = f"{statistics.median(took[name]) * 1000:6.1f} ms, {asked[name]} queries"
        print(f"{name:32} {ratio:5.1f} times ({spread}), {shown}{'' if good else '  MISSED'}")
    print(f"bars: {MOST_RATIO} times, {MOST_QUERIES} queries")
    return held


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--keep", type=Path, help="a folder to fill once and use again")
    options = parser.parse_args()
    with installation(keep=options.keep) as rig:
        with rig.engine.connect() as db:
            filled = db.scalar(text("SELECT EXISTS (SELECT FROM customers)"))
        if not filled:
            began = time.perf_counter()
            million.fill(rig.engine, options.size)
            print(f"filled in {time.perf_counter() - began:.0f} s", flush=True)
        with served(make_app(rig)) as port:
            browser = Browser(port)
            browser.sign_in(rig.engine)
            measure(browser, rig.engine, options.size, options.rounds)


if __name__ == "__main__":
    main()
