"""One installation per data folder, and a lock that explains itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from foundation import folder
from foundation.errors import Misconfigured

HOLD = """
import sys, pathlib
from foundation import folder
lock = folder.Lock(pathlib.Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def _holder(data: Path) -> "subprocess.Popen[bytes]":
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


def test_new_folder_is_private(tmp_path: Path) -> None:
    data = folder.prepare(tmp_path / "a" / "data")
    assert data.stat().st_mode & 0o777 == 0o700


def test_enterable_folder_can_not_be_listed(tmp_path: Path) -> None:
    data = folder.prepare(tmp_path / "data", enterable=True)
    assert data.stat().st_mode & 0o777 == 0o711


def test_folder_with_a_key_is_ours(tmp_path: Path) -> None:
    (tmp_path / folder.KEY).write_text("sealing came first", encoding="utf-8")
    tmp_path.chmod(0o700)
    folder.prepare(tmp_path, enterable=True)
    assert tmp_path.stat().st_mode & 0o777 == 0o711


def test_folder_of_others_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("not ours", encoding="utf-8")
    tmp_path.chmod(0o755)
    folder.prepare(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_file_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file", encoding="utf-8")
    with pytest.raises(Misconfigured, match="can't be used") as caught:
        folder.prepare(tmp_path / "data")
    assert caught.value.setting == "KARTOTEKA_DATA"


def test_two_copies_never_share(tmp_path: Path) -> None:
    with _holder(tmp_path) as holder:
        assert folder.held(tmp_path)
        with pytest.raises(Misconfigured, match=f"in use by process {holder.pid} on "):
            folder.Lock(tmp_path)
        holder.communicate()


def test_killed_holder_leaves_stale_lock(tmp_path: Path) -> None:
    with _holder(tmp_path) as holder:
        holder.kill()
        holder.communicate()
    explained = folder.explain(tmp_path)
    assert f"left by process {holder.pid}" in explained
    assert "nothing to do" in explained
    folder.Lock(tmp_path).release()


def test_released_folder_is_free(tmp_path: Path) -> None:
    folder.Lock(tmp_path).release()
    assert not folder.held(tmp_path)
    assert folder.explain(tmp_path) == f"Nobody holds the data folder {tmp_path}."


def test_release_twice_is_harmless(tmp_path: Path) -> None:
    lock = folder.Lock(tmp_path)
    lock.release()
    lock.release()


def test_broken_lock_file_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / folder.LOCK).write_text('["not a holder"]', encoding="utf-8")
    assert "Nobody holds" in folder.explain(tmp_path)
    folder.Lock(tmp_path).release()
