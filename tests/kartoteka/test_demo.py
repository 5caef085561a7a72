"""The demo shows a filled console and takes everything away again, however it is ended."""

import re
import shutil
import signal
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest
from sqlalchemy import text

from foundation import embedded
from foundation.clock import monotonic
from foundation.database import make_engine
from tests.kartoteka.processes import Program, gone, naming

ROOT = Path(__file__).parents[2]


@pytest.fixture
def reachable():
    """A folder for throw-away folders that the servers' account can pass through."""
    folder = throw_away()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def throw_away():
    folder = Path(tempfile.mkdtemp(prefix="kartoteka-tmp-"))
    folder.chmod(0o711)
    return folder


class Opened:
    """A demo that is up, in a folder of its own."""

    def __init__(self):
        self.folder = throw_away()
        self.demo = Program("demo", "--people", "25", "--orders", "30", "--every", "0.2", "--port", "0",
                            cwd=ROOT, TMPDIR=str(self.folder))  # fmt: skip
        try:
            self.shop = self.demo.wait_for(r"walk around in: (http://\S+)").group(1)
            self.demo.wait_for(r"Watch visitors live: http://\S+/sites")
            self.link = re.search(r"Sign in .*: (http://\S+)", "".join(self.demo.lines)).group(1)
        except BaseException:
            self.demo.end()
            raise

    def end(self, number=signal.SIGINT):
        """End it, however; nothing runs on, and where it could it has tidied up."""
        status = self.demo.end(number)
        try:
            assert not gone(str(self.folder))
            if number != signal.SIGKILL:
                assert status == 0
                assert not list(self.folder.iterdir())
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def opened():
    """A demo that is up: what a test before has left, which the first test that ends one takes away."""
    left = []

    def one(*, leave):
        found = left.pop() if left else Opened()
        if leave:
            left.append(found)
        return found

    yield one
    for each in left:
        each.end()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_demo_stopped_half_way_leaves_nothing(ending, reachable):
    demo = Program("demo", "--people", "25", "--orders", "30", "--port", "0", cwd=ROOT, TMPDIR=str(reachable))
    try:
        demo.wait_for("database_upgraded")
    finally:
        demo.end(ending)
    assert not gone(str(reachable))
    assert not list(reachable.iterdir())


def asked(data, question):
    """The first row of the answer that the demo's own database gives."""
    servers = embedded.attach(data)
    assert servers is not None
    engine = make_engine(servers.database_url, pool_size=1)
    try:
        with engine.connect() as connection:
            return connection.execute(text(question)).one()
    finally:
        engine.dispose()


def grows(data, question, beyond, seconds=30.0):
    """Whether a number gets larger than `beyond` in time."""
    deadline = monotonic() + seconds
    while (found := asked(data, question)[0]) <= beyond and monotonic() < deadline:
        time.sleep(0.2)
    return found > beyond


def told(data):
    """Whether every row of the ledger, journeys' too, has come to its end, each letter as one file."""
    ended = "state IN ('accepted', 'skipped', 'holdout')"
    sent, others = asked(data, "SELECT count(*) FILTER (WHERE state = 'accepted'),"
                         f" count(*) FILTER (WHERE NOT {ended}) FROM deliveries")  # fmt: skip
    return sent > 50 and others == 0 and len(list((data / "letters").glob("*.eml"))) == sent


def soon(holds, seconds=30.0):
    """Whether it comes to hold: journeys go on writing while the demo stands."""
    until = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < until:
        time.sleep(0.2)
    return found


def test_demo_captures_its_visitors_and_writes_to_them(opened):
    demo = opened(leave=True)
    data = next(path for path in demo.folder.glob("kartoteka-demo-*") if path.is_dir())
    known = asked(data, "SELECT domain, currency, key FROM sites")
    assert known[:2] == ("127.0.0.1", "KZT")
    with urllib.request.urlopen(demo.shop, timeout=10) as page:
        assert f"/k/{known.key}.js" in page.read().decode()
    kinds = asked(data, "SELECT array_agg(DISTINCT kind) FROM timeline WHERE kind LIKE 'web.%'")[0]
    assert {"web.page", "web.product_viewed", "web.cart_viewed", "web.identify", "web.lead"} <= set(kinds)
    days = "SELECT (max(occurred_at) - min(occurred_at)) > interval '10 days' FROM timeline"
    assert asked(data, f"{days} WHERE kind LIKE 'web.%'")[0]
    on_cards = "SELECT count(DISTINCT customer_id) FROM timeline WHERE kind LIKE 'web.%'"
    assert asked(data, on_cards)[0] >= 1
    assert asked(data, "SELECT array_agg(kind ORDER BY kind) FROM forms WHERE state = 'live'")[0] == [
        "embedded",
        "slide",
    ]
    assert grows(data, "SELECT count(*) FROM mailings WHERE state = 'done'", 0)
    assert soon(lambda: told(data))
    assert asked(data, "SELECT array_agg(DISTINCT state) FROM journeys")[0] == ["on"]
    events = "SELECT count(*) FROM timeline WHERE kind LIKE 'web.%'"
    assert grows(data, events, asked(data, events)[0])


def test_demo_has_an_accountants_half(opened):
    demo = opened(leave=True)
    data = next(path for path in demo.folder.glob("kartoteka-demo-*") if path.is_dir())
    kinds = asked(data, "SELECT array_agg(kind ORDER BY kind) FROM sources WHERE role = 'accounting'")[0]
    assert kinds == ["commerceml", "onec_odata"]
    counts = "count(*) FILTER (WHERE state = 'linked'), count(*) FILTER (WHERE state = 'waiting')"
    kept = asked(data, f"SELECT {counts} FROM links")
    assert kept[0] > 30 and kept[1] >= 1
    assert asked(data, "SELECT count(*) FROM invoices WHERE customer_id IS NOT NULL")[0] > 3
    assert asked(data, "SELECT count(*) FROM payments WHERE invoice_id IS NOT NULL")[0] > 2
    billed = "FROM links l JOIN directories d ON d.id = l.directory_id WHERE d.what = 'invoices'"
    assert asked(data, f"SELECT count(*) FILTER (WHERE l.state = 'linked') {billed}")[0] > 3
    plans = asked(data, "SELECT array_agg(state ORDER BY made_at) FROM directory_plans")[0]
    assert plans[0] == "applied" and len(plans) == 2
    assert asked(data, "SELECT count(*) FROM pushes WHERE state <> 'done'")[0] == 0
    asked_of_1c = asked(data, "SELECT array_agg(DISTINCT type || ' ' || mode) FROM exchange_requests")[0]
    assert {"catalog import", "sale query", "sale success"} <= set(asked_of_1c)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_demo_leaves_nothing_behind(ending, opened):
    demo = opened(leave=False)
    try:
        with urllib.request.urlopen(demo.link, timeout=10) as page:
            assert page.status == 200
        assert len(naming(str(demo.folder))) >= 5
    finally:
        demo.end(ending)
