"""The demo shows a filled console and takes everything away again, however it is ended."""

import shutil
import signal
import tempfile
import urllib.request
from pathlib import Path

import pytest

from tests.kartoteka.processes import Program, gone, naming

ROOT = Path(__file__).parents[2]


@pytest.fixture
def reachable():
    """A folder for throw-away folders that the servers' account can pass through."""
    folder = Path(tempfile.mkdtemp(prefix="kartoteka-tmp-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_demo_stopped_half_way_leaves_nothing(ending, reachable):
    demo = Program("demo", "--people", "25", "--orders", "30", "--port", "0", cwd=ROOT, TMPDIR=str(reachable))
    try:
        demo.wait_for("database_upgraded")
    finally:
        demo.end(ending)
    assert not gone(str(reachable))
    assert not list(reachable.iterdir())


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_demo_leaves_nothing_behind(ending, reachable):
    demo = Program("demo", "--people", "25", "--orders", "30", "--every", "0.5", "--port", "0", cwd=ROOT,
                   TMPDIR=str(reachable))  # fmt: skip
    try:
        link = demo.wait_for(r"Sign in .*: (http://\S+)").group(1)
        with urllib.request.urlopen(link, timeout=10) as page:
            assert page.status == 200
        assert len(naming(str(reachable))) >= 5
    finally:
        status = demo.end(ending)
    assert not gone(str(reachable))
    if ending != signal.SIGKILL:
        assert status == 0
        assert not list(reachable.iterdir())
