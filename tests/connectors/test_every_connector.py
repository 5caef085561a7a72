"""What every connector owes, run over all that are found: built in and plugged in."""

import dataclasses
import inspect
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors import registry
from connectors.base import Connector, Raw, Stream, raw_json
from foundation.records import AnyRecord, Order, Record

FIXTURES = Path(__file__).parents[1] / "fixtures"
CANARY = "canary-5f2b"
CURRENCIES = """
AED AMD ARS AUD AZN BGN BHD BRL BYN CAD CHF CLP CNY CZK DKK EGP EUR GBP GEL HKD HUF IDR ILS INR ISK JOD JPY
KGS KRW KWD KZT MAD MDL MXN MYR NOK NZD OMR PHP PKR PLN QAR RON RSD RUB SAR SEK SGD THB TJS TMT TND TRY TWD
UAH USD UYU UZS VND ZAR
"""
KINDS = {
    "person": "Person", "order": "Order", "product": "Product", "invoice": "Invoice", "payment": "Payment",
    "message": "Message",
}  # fmt: skip

CONNECTORS = sorted(registry.all_connectors().values(), key=lambda connector: connector.kind)
STREAMS = [(connector, stream) for connector in CONNECTORS for stream in connector.streams]

each_connector = pytest.mark.parametrize("connector", CONNECTORS, ids=lambda c: c.kind)
each_stream = pytest.mark.parametrize(
    ("connector", "stream"), STREAMS, ids=[f"{c.kind}-{s.name}" for c, s in STREAMS]
)


def example_settings(connector: type[Connector]) -> Any:
    """Settings with every needed field filled in, and a canary in every secret one."""
    typed: dict[str, Any] = {}
    for field in registry.form_fields(connector):
        if field.secret:
            typed[field.name] = CANARY
        elif field.choices:
            typed[field.name] = field.choices[0][0]
        elif field.required:
            typed[field.name] = field.placeholder or "example"
    return registry.parse_settings(connector, typed)


def payloads(connector: type[Connector], stream: Stream) -> list[Raw]:
    """The recorded-shape objects of a stream; a missing file says where to put one."""
    folder = FIXTURES / connector.fixtures
    files = sorted(folder.glob(f"{stream.name}*.json"))
    assert connector.fixtures and files, (
        f"{connector.kind} has no fixture for {stream.name}: "
        f"add tests/fixtures/{connector.fixtures or connector.kind}/{stream.name}.json, a list of objects"
    )
    raws = []
    for file in files:
        things = json.loads(file.read_text("utf-8"))
        for thing in things if isinstance(things, list) else [things]:
            raws.append(raw_json(str(thing.get("id", len(raws) + 1)), thing))
    return raws


def normalised(connector: type[Connector], stream: Stream) -> list[AnyRecord]:
    settings = example_settings(connector)
    found = [
        r for raw in payloads(connector, stream) for r in connector.normalise(stream.name, raw, settings)
    ]
    assert found, f"no fixture of {connector.kind} {stream.name} gives a record"
    return found


def parts(thing: Any) -> Iterator[tuple[str, Any]]:
    """Every value inside a record, with the name of its field."""
    if isinstance(thing, Record):
        for name in thing.__struct_fields__:
            value = getattr(thing, name)
            yield name, value
            for inner in value if isinstance(value, tuple) else (value,):
                yield from parts(inner)


@each_connector
def test_names_itself_for_people(connector: type[Connector]) -> None:
    assert connector.kind.isidentifier() and connector.kind == connector.kind.lower()
    assert connector.title and connector.summary.endswith(".")
    assert connector.streams and len({s.name for s in connector.streams}) == len(connector.streams)


@each_connector
def test_settings_make_a_form(connector: type[Connector]) -> None:
    assert dataclasses.is_dataclass(connector.Settings)
    for field in registry.form_fields(connector):
        assert field.label.strip(), f"{connector.kind}.{field.name} has no label"
        assert field.type in (str, int, bool) or not field.required, f"{field.name}: {field.type}"


@each_connector
def test_settings_cannot_be_changed(connector: type[Connector]) -> None:
    settings = example_settings(connector)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(settings, dataclasses.fields(settings)[0].name, "other")


@each_connector
def test_secrets_never_show(connector: type[Connector]) -> None:
    settings = example_settings(connector)
    assert CANARY not in repr(settings) and CANARY not in str(settings)
    public, secret = registry.split_settings(connector, settings)
    assert CANARY not in str(public)
    assert all(value == CANARY for value in secret.values())


@each_connector
def test_says_what_it_is(connector: type[Connector]) -> None:
    module = inspect.getmodule(connector)
    assert module is not None and (module.__doc__ or "").strip()


@each_stream
def test_records_are_of_the_stream(connector: type[Connector], stream: Stream) -> None:
    names = {type(record).__name__ for record in normalised(connector, stream)}
    assert KINDS[stream.what] in names
    assert names <= set(KINDS.values()) | {"Gone"}


@each_stream
def test_normalise_says_the_same_twice(connector: type[Connector], stream: Stream) -> None:
    first, second = normalised(connector, stream), normalised(connector, stream)
    assert first == second
    assert msgspec.json.encode(first) == msgspec.json.encode(second)


@each_stream
def test_money_is_exact(connector: type[Connector], stream: Stream) -> None:
    for record in normalised(connector, stream):
        for name, value in parts(record):
            assert not isinstance(value, float), f"{name} is a float"
            assert not isinstance(value, Decimal) or value.is_finite()
            if name == "currency" and (value or isinstance(record, Order)):
                assert value in CURRENCIES.split()


@each_stream
def test_times_are_aware(connector: type[Connector], stream: Stream) -> None:
    for record in normalised(connector, stream):
        for name, value in parts(record):
            if isinstance(value, datetime):
                assert value.tzinfo is UTC, f"{name} is {value!r}"


@each_stream
def test_ids_are_never_empty(connector: type[Connector], stream: Stream) -> None:
    for record in normalised(connector, stream):
        assert record.external_id.strip()
        if isinstance(record, Order):
            assert record.customer_id.strip() and record.number.strip()
            assert record.customer is None or record.customer.external_id == record.customer_id
            keys = [happening.key for happening in record.happenings]
            assert len(keys) == len(set(keys)) and all(keys)
            assert [line.position for line in record.lines] == sorted({x.position for x in record.lines})


@each_stream
def test_texts_carry_no_control_characters(connector: type[Connector], stream: Stream) -> None:
    for record in normalised(connector, stream):
        for name, value in parts(record):
            if isinstance(value, str) and name != "note":
                assert "\x00" not in value and value == value.strip(), f"{name} is {value!r}"


@each_stream
def test_revisited_streams_can_be_fetched(connector: type[Connector], stream: Stream) -> None:
    if stream.revisit:
        assert connector.fetch is not Connector.fetch
    if stream.listable:
        assert connector.listing is not Connector.listing and connector.fetch is not Connector.fetch


@each_connector
def test_hooks_are_whole_or_absent(connector: type[Connector]) -> None:
    has = connector.read_hook.__func__ is not Connector.read_hook.__func__  # type: ignore[attr-defined]
    assert has == connector.hooks == (connector.install_hooks is not Connector.install_hooks)
