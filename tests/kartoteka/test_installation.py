"""Which installation a command means: a folder that nobody has made is no place to look into."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from foundation import embedded
from foundation.errors import Misconfigured
from kartoteka.cli import main

ID = "01a206b9-c0de-76f8-84d6-efc6170e5669"


@pytest.fixture
def started(monkeypatch) -> list[Path]:
    """The folders that servers were wanted for; none is started."""
    found: list[Path] = []

    def start(data: Path, **_options: object) -> None:
        found.append(data)
        raise Misconfigured("enough", "KARTOTEKA_DATA")

    monkeypatch.setattr(embedded, "start", start)
    for name in ("DATABASE_URL", "REDIS_URL", "DATA"):
        monkeypatch.delenv(f"KARTOTEKA_{name}", raising=False)
    return found


def run(*words: object) -> str:
    """What a refused command says."""
    answer = CliRunner().invoke(main, [str(word) for word in words])
    assert answer.exit_code
    return answer.output


@pytest.mark.parametrize(
    "words",
    [("dedupe",), ("dedupe", "plan"), ("dedupe", "evaluate"), ("undo", ID), ("connections",),
     ("pull", "Shop"), ("user", "list"), ("backup", "/nowhere/file")],
)  # fmt: skip
def test_mistyped_folder_is_refused(started, tmp_path: Path, words: tuple[str, ...]) -> None:
    typo = tmp_path / "kartoteka-dta"
    said = run(*words, "--data", typo)
    assert f"There is no installation in {typo}" in said and "kartoteka up" in said
    assert started == [] and not typo.exists()


def test_folder_of_something_else_is_refused(started, tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    assert "There is no installation" in run("dedupe", "--data", tmp_path)
    assert started == []


@pytest.mark.parametrize(
    "words",
    [("migrate",), ("connect", "spreadsheet"), ("user", "add", "a@example.org"),
     ("site", "add", "a.example"), ("token", "create", "--name", "t", "--scope", "read"),
     ("import", "customers", __file__, "--name", "List", "--plan")],
)  # fmt: skip
def test_what_begins_an_installation_makes_its_folder(started, tmp_path: Path, words) -> None:
    assert "enough" in run(*words, "--data", tmp_path / "new")
    assert started == [tmp_path / "new"]


@pytest.mark.parametrize("mark", ["kartoteka.lock", "secret.key"])
def test_stopped_installation_is_found(started, tmp_path: Path, mark: str) -> None:
    (tmp_path / mark).touch()
    assert "enough" in run("dedupe", "--data", tmp_path)
    assert started == [tmp_path]


def test_database_of_ones_own_needs_no_folder(started, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("KARTOTEKA_DATABASE_URL", "postgresql://nobody@/none?host=/nowhere")
    assert "enough" in run("dedupe", "--data", tmp_path / "new")
