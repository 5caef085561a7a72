"""The doctor names what is wrong and what to do, and changes nothing."""

import pytest

from foundation.settings import load
from kartoteka import doctor


def levels(found):
    return {one.about: one.level for one in found}


def test_running_servers_without_workers_are_a_warning(kartoteka):
    answer = kartoteka("doctor", "--json")
    assert answer.status == 3
    found = {one["about"]: one for one in answer.json["data"]}
    assert found["database"]["level"] == "ok"
    assert found["tables"]["level"] == "ok"
    assert found["broker"]["level"] == "ok"
    assert found["workers"]["level"] == "warning"
    assert "kartoteka" in found["workers"]["advice"]


def test_unreachable_database_is_bad(kartoteka, monkeypatch, tmp_path):
    monkeypatch.setenv("KARTOTEKA_DATABASE_URL", f"postgresql://nobody@/none?host={tmp_path}")
    answer = kartoteka("doctor", "--json")
    assert answer.status == 1
    assert {one["about"]: one["level"] for one in answer.json["data"]}["database"] == "bad"


def test_readable_key_is_bad(tmp_path, settings):
    path = tmp_path / "secret.key"
    path.write_text("x")
    path.chmod(0o644)
    found = levels(doctor.examine(settings.model_copy(update={"key": None, "data": tmp_path})))
    assert found["key"] == "bad"


def test_installation_not_yet_made_is_explained(tmp_path, monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL", "KEY"):
        monkeypatch.delenv(f"KARTOTEKA_{name}", raising=False)
    found = doctor.examine(load(data=tmp_path / "none"))
    assert levels(found)["data folder"] == "warning"
    assert levels(found)["database"] == "warning"
    assert not (tmp_path / "none").exists()


def test_full_disk_is_a_warning(settings, monkeypatch):
    monkeypatch.setattr(doctor, "LOW_DISK", 1 << 62)
    assert levels(doctor.examine(settings))["disk"] == "warning"


def test_taken_name_is_bad(settings, monkeypatch):
    monkeypatch.setattr(doctor, "packages_distributions", lambda: {"sync": ["sync", "kartoteka"]})
    found = [one for one in doctor.examine(settings) if one.level == "bad"]
    assert [one.about for one in found] == ["names"]


@pytest.mark.parametrize(("apart", "level"), [(0.0, "ok"), (600.0, "warning"), (-600.0, "warning")])
def test_clocks_apart_are_a_warning(clock, apart, level):
    assert doctor.clock_beside(clock.now().timestamp() + apart).level == level
