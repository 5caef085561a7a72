"""Settings refuse to lie: what is wrong is named, secrets come from files too."""

from pathlib import Path

import pytest

from foundation.errors import Misconfigured
from foundation.settings import SECRETS, Settings, load, variable


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
        monkeypatch.delenv(f"{variable(field)}_FILE", raising=False)


def test_nothing_set_is_enough() -> None:
    settings = load()
    assert settings.data == Path("kartoteka-data")
    assert settings.database_url is None
    assert settings.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "many"),
        ("PORT", "70000"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("DATABASE_URL", "mysql://root@localhost/shop"),
        ("DATABASE_URL", "sqlite:///kartoteka.db"),
        ("REDIS_URL", "http://localhost"),
        ("PUBLIC_URL", "crm.example.org"),
        ("PUBLIC_URL", "https://crm.example.org/?a=b"),
        ("TRUSTED_PROXIES", "-1"),
        ("WORKER_THREADS", "0"),
        ("ALLOW_PRIVATE_ADDRESSES", "perhaps"),
        ("SECURE_COOKIES", "2"),
    ],
)
def test_bad_value_names_its_setting(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"KARTOTEKA_{name}", value)
    with pytest.raises(Misconfigured) as caught:
        load()
    assert caught.value.setting == f"KARTOTEKA_{name}"
    assert str(caught.value).startswith(f"KARTOTEKA_{name}: ")


def test_bad_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KARTOTEKA_DATABASE_URL", "mysql://root:hunter2@db/shop")
    with pytest.raises(Misconfigured) as caught:
        load()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("field", sorted(SECRETS))
def test_secret_comes_from_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, field: str) -> None:
    value = {"database_url": "postgresql://db/shop", "redis_url": "redis://cache", "key": "abc"}[field]
    file = tmp_path / "secret"
    file.write_text(f"{value}\n", encoding="utf-8")
    monkeypatch.setenv(f"{variable(field)}_FILE", str(file))
    assert getattr(load(), field) == value


def test_secret_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("abc", encoding="utf-8")
    monkeypatch.setenv("KARTOTEKA_KEY", "def")
    monkeypatch.setenv("KARTOTEKA_KEY_FILE", str(file))
    with pytest.raises(Misconfigured, match="both set"):
        load()


def test_missing_secret_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KARTOTEKA_KEY_FILE", str(tmp_path / "nothing"))
    with pytest.raises(Misconfigured) as caught:
        load()
    assert caught.value.setting == "KARTOTEKA_KEY_FILE"


def test_misspelt_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KARTOTEKA_PORTS", "80")
    with pytest.raises(Misconfigured, match="did you mean KARTOTEKA_PORT"):
        load()


def test_unrelated_variable_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KARTOTEKA_TEST_DATABASE_URL", "postgresql://elsewhere")
    assert load().database_url is None


def test_override_beats_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KARTOTEKA_PORT", "81")
    assert load(port=82).port == 82
    assert load(port=None).port == 81


def test_bad_override_names_its_setting() -> None:
    with pytest.raises(Misconfigured) as caught:
        load(port=-1)
    assert caught.value.setting == "KARTOTEKA_PORT"


def test_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KARTOTEKA_DATABASE_URL", "")
    assert load().database_url is None


def test_secure_cookies_follow_public_address() -> None:
    assert not load().cookies_are_secure
    assert load(public_url="https://crm.example.org/").cookies_are_secure
    assert not load(public_url="https://crm.example.org", secure_cookies=False).cookies_are_secure


def test_secrets_are_not_in_repr() -> None:
    shown = repr(load(key="canary-key", database_url="postgresql://u:canary-word@db/x"))
    assert "canary" not in shown


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
