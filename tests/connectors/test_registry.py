"""Finding connectors, and reading settings by their fields."""

import dataclasses
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from connectors import registry
from connectors.base import setting
from connectors.shops.vendure.connector import Vendure
from foundation.errors import BadInput, Misconfigured


@dataclasses.dataclass(frozen=True)
class Settings:
    address: str = setting("Address", placeholder="https://shop.example")
    key: str = setting("Key", secret=True)
    region: str = setting("Region", default="eu", choices=(("eu", "Europe"), ("us", "America")))
    pages: int = setting("Pages", default=10)
    drafts: bool = setting("Drafts", default=False)

    def __post_init__(self) -> None:
        if self.pages > 100:
            raise ValueError("no more than 100 pages")


class Plugged(Vendure):
    """A stranger's connector."""

    kind = "plugged"
    title = "Plugged"
    Settings = Settings  # type: ignore[assignment]


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Answers a function that plugs entry points in."""

    def put(*points: EntryPoint) -> None:
        monkeypatch.setattr(registry, "entry_points", lambda group: points)
        registry._discover.cache_clear()

    yield put
    registry._discover.cache_clear()


def point(name: str, target: str) -> EntryPoint:
    return EntryPoint(name, target, registry.GROUP)


def test_built_in_connectors_are_found() -> None:
    assert {"vendure", "woocommerce"} <= set(registry.all_connectors())
    assert registry.broken() == ()
    assert registry.find("vendure") is Vendure


def test_unknown_kind_names_the_known() -> None:
    with pytest.raises(Misconfigured, match="vendure"):
        registry.find("shopware")


def test_plugged_connector_is_found(plug: Any) -> None:
    plug(point("plugged", f"{__name__}:Plugged"))
    assert registry.find("plugged").__name__ == "Plugged"


@pytest.mark.parametrize("target", ["no_such_module:X", f"{__name__}:Settings", f"{__name__}:missing"])
def test_broken_plug_in_stops_nothing(plug: Any, target: str) -> None:
    plug(point("sick", target))
    assert registry.find("vendure") is Vendure
    assert [broken.name for broken in registry.broken()] == ["sick"]
    with pytest.raises(Misconfigured, match="can't be loaded"):
        registry.find("sick")


def test_taken_kind_is_reported(plug: Any) -> None:
    class Thief(Plugged):
        kind = "vendure"

    plug(point("thief", f"{__name__}:Thief"))
    globals()["Thief"] = Thief
    assert registry.find("vendure") is Vendure
    assert "taken" in registry.broken()[0].reason


def test_form_follows_the_settings() -> None:
    fields = {field.name: field for field in registry.form_fields(Plugged)}
    assert list(fields) == ["address", "key", "region", "pages", "drafts"]
    assert fields["address"].required and not fields["pages"].required
    assert fields["key"].secret and fields["region"].choices[0] == ("eu", "Europe")


def test_typed_values_get_their_types() -> None:
    read = registry.parse_settings(
        Plugged, {"address": " https://a.example ", "key": "k", "pages": "7", "drafts": "on", "region": "us"}
    )
    assert read == Settings("https://a.example", "k", "us", 7, True)


def test_empty_fields_take_the_default() -> None:
    read = registry.parse_settings(
        Plugged, {"address": "a", "key": "k", "pages": "", "region": "", "drafts": ""}
    )
    assert (read.pages, read.region, read.drafts) == (10, "eu", False)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"address": " "}, "address"),
        ({"key": None}, "key"),
        ({"pages": "many"}, "pages"),
        ({"drafts": "perhaps"}, "drafts"),
        ({"region": "moon"}, "region"),
        ({"colour": "red"}, "colour"),
        ({"address": "a\x00b"}, "address"),
        ({"address": "a" * 20_000}, "address"),
        ({"address": 5}, "address"),
        ({"pages": "101"}, "plugged"),
    ],
)
def test_bad_value_names_its_field(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        registry.parse_settings(Plugged, {"address": "a", "key": "k", **changed})
    assert caught.value.at == field


def test_secrets_are_set_apart() -> None:
    public, secret = registry.split_settings(Plugged, Settings("a", "k"))
    assert secret == {"key": "k"}
    assert "key" not in public and public["address"] == "a"
