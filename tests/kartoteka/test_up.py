"""The whole program as it is started: it serves, outlives the death of its parts, leaves nothing behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from foundation.clock import monotonic
from tests.kartoteka.processes import Program, gone, naming
from tests.serving import open_shop

ROOT = Path(__file__).parents[2]


def get(url, token=""):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def command(data, *words):
    """A command in another terminal, as JSON."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("KARTOTEKA_")}
    done = subprocess.run(
        [sys.executable, "-m", "kartoteka", *words, "--data", str(data), "--json"],
        cwd=ROOT, env=plain, capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def eventually(question, seconds=60.0):
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        try:
            if answer := question():
                return answer
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("it did not come true in time")


@pytest.fixture
def up(data_folder):
    started = []

    def start():
        program = Program("up", "--data", data_folder, "--port", "0", cwd=ROOT,
                          KARTOTEKA_ALLOW_PRIVATE_ADDRESSES="true")  # fmt: skip
        started.append(program)
        program.address = program.wait_for(r"Kartoteka is at (http://\S+)").group(1)
        return program

    yield start
    for program in started:
        program.end(signal.SIGKILL)
    assert not gone(str(data_folder))


def test_shop_is_pulled_through_kills_and_restarts(up, data_folder):
    program = up()
    assert program.wait_for(r"/set-up/\S+")
    with open_shop(people=20, orders=30) as there:
        pairs = [word for key, value in there.settings.items() for word in ("--set", f"{key}={value}")]
        made = command(data_folder, "connect", "woocommerce", "--name", "Shop", *pairs, "--hooks")
        assert made["webhook"]["address"].startswith(program.address)
        assert command(data_folder, "pull", "Shop")["state"] == "done"
        token = command(data_folder, "token", "create", "--name", "t", "--scope", "read")["token"]
        assert get(f"{program.address}/api/v1/counts", token)["orders"] == 30

        # a part dies: it is started again, the web part at its address
        for part in ("kartoteka web", "kartoteka worker", "kartoteka beat"):
            pid = next(pid for pid, words in naming(str(data_folder)).items() if part in words)
            os.kill(pid, signal.SIGKILL)
            eventually(lambda dead=pid: dead not in naming(str(data_folder)))
        eventually(lambda: get(f"{program.address}/readyz")["ready"])
        sold = there.shop.place_order()
        there.shop.hooks.settle()
        orders = f"{program.address}/api/v1/orders?number={sold['number']}"
        assert eventually(lambda: get(orders, token)["data"])[0]["customer_id"]

        program.tell(signal.SIGKILL)  # everything goes with the first process, and comes back with the data
        program.process.wait(10)
        assert not gone(str(data_folder))
        again = up()
        assert get(f"{again.address}/api/v1/counts", token)["orders"] == 31
        assert again.end(signal.SIGINT) == 0
    assert not gone(str(data_folder))


@pytest.fixture(scope="module")
def standing():
    """The program as it stands there, and its folder; for tests that let another copy meet it."""
    folder = Path(tempfile.mkdtemp(prefix="kartoteka-data-"))
    program = Program("up", "--data", folder, "--port", "0", cwd=ROOT)
    try:
        program.address = program.wait_for(r"Kartoteka is at (http://\S+)").group(1)
        yield program, folder
    finally:
        program.end(signal.SIGKILL)
        left = gone(str(folder))
        shutil.rmtree(folder, ignore_errors=True)
    assert not left


def test_second_copy_on_a_folder_is_refused(standing):
    second = Program("up", "--data", standing[1], "--port", "0", cwd=ROOT)
    second.process.wait(60)
    assert second.end() == 1
    assert "in use by process" in "".join(second.lines)


def test_taken_port_is_named(standing, tmp_path):
    port = standing[0].address.rpartition(":")[2]
    second = Program("up", "--data", tmp_path / "other", "--port", port, cwd=ROOT)
    second.process.wait(60)
    assert second.end() == 1
    assert f":{port}" in "".join(second.lines)
