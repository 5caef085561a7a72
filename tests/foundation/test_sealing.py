"""Credentials at rest: sealed, opened by old keys, resealed under a new one, never half rotated."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from foundation import sealing
from foundation.database import transaction
from foundation.errors import Misconfigured
from foundation.sealing import Sealer, new_key, open_sealer
from foundation.settings import Settings, load


@pytest.fixture
def file_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("KARTOTEKA_KEY", raising=False)
    return load(data=tmp_path / "data")


def test_sealed_text_hides_and_opens(sealer: Sealer) -> None:
    sealed = sealer.seal("ключ-от-магазина")
    assert "ключ" not in sealed
    assert sealed != sealer.seal("ключ-от-магазина")
    assert sealer.unseal(sealed) == "ключ-от-магазина"


def test_foreign_key_is_a_setting_to_correct(sealer: Sealer) -> None:
    with pytest.raises(Misconfigured) as caught:
        Sealer([new_key()]).unseal(sealer.seal("hunter2"))
    assert caught.value.setting == "KARTOTEKA_KEY"


@pytest.mark.parametrize("key", ["", "too-short", "ü" * 44])
def test_bad_key_is_refused(key: str) -> None:
    with pytest.raises(Misconfigured):
        Sealer([key])


def test_key_file_is_made_once_and_private(file_settings: Settings) -> None:
    sealed = open_sealer(file_settings).seal("hunter2")
    path = file_settings.data / sealing.KEY_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_sealer(file_settings).unseal(sealed) == "hunter2"


def test_key_file_open_to_others_is_refused(file_settings: Settings) -> None:
    open_sealer(file_settings)
    (file_settings.data / sealing.KEY_FILE).chmod(0o644)
    with pytest.raises(Misconfigured, match="chmod 600"):
        open_sealer(file_settings)


def test_setting_beats_key_file(tmp_path: Path) -> None:
    key = new_key()
    sealed = Sealer([key]).seal("hunter2")
    assert open_sealer(load(data=tmp_path, key=f"{new_key()}, {key}")).unseal(sealed) == "hunter2"
    assert not (tmp_path / sealing.KEY_FILE).exists()


def test_rotation_reseals_every_column(engine: Engine, file_settings: Settings) -> None:
    old = open_sealer(file_settings)
    with transaction(engine) as session:
        session.execute(text("CREATE TABLE vault (id bigint PRIMARY KEY, first text, second text)"))
        values = [
            {"id": n, "one": old.seal(f"one {n}"), "two": old.seal("two") if n % 2 else None}
            for n in range(6)
        ]
        session.execute(text("INSERT INTO vault VALUES (:id, :one, :two)"), values)
    fresh = sealing.begin_rotation(file_settings)
    columns = [("vault", "id", "first"), ("vault", "id", "second")]
    with transaction(engine) as session:
        assert sealing.rotate(session, fresh, columns) == 9
    sealing.end_rotation(file_settings)
    only_new = open_sealer(file_settings)
    with Session(engine) as session:
        rows = session.execute(text("SELECT id, first, second FROM vault ORDER BY id")).all()
        session.rollback()
        session.execute(text("DROP TABLE vault"))
        session.commit()
    assert [only_new.unseal(row.first) for row in rows] == [f"one {n}" for n in range(6)]
    with pytest.raises(Misconfigured):
        old.unseal(rows[0].first)


def test_interrupted_rotation_keeps_both_keys(file_settings: Settings) -> None:
    sealed_before = open_sealer(file_settings).seal("before")
    sealed_between = sealing.begin_rotation(file_settings).seal("between")
    reopened = open_sealer(file_settings)
    assert (reopened.unseal(sealed_before), reopened.unseal(sealed_between)) == ("before", "between")


def test_rotation_of_an_outside_key_needs_both(tmp_path: Path) -> None:
    key = new_key()
    with pytest.raises(Misconfigured, match="before the old one"):
        sealing.begin_rotation(load(data=tmp_path, key=key))
    both = sealing.begin_rotation(load(data=tmp_path, key=f"{new_key()},{key}"))
    assert both.reseal(Sealer([key]).seal("hunter2"))
    sealing.end_rotation(load(data=tmp_path, key=key))


def test_simultaneous_first_starts_share_one_key(file_settings: Settings) -> None:
    settings = file_settings
    together = threading.Barrier(8)

    def seal(number: int) -> str:
        together.wait()
        return open_sealer(settings).seal(str(number))

    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(seal, range(8)))
    assert [open_sealer(settings).unseal(one) for one in sealed] == [str(number) for number in range(8)]
    assert [one.name for one in settings.data.iterdir()] == ["secret.key"]
