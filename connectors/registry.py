"""Finding connectors, and turning what a person typed into the settings of one.

Built-in connectors are found by looking into their folders, others through the entry point group
`kartoteka.connectors`. One that can't be loaded is reported by `broken()`, and the others work on.
"""

import dataclasses
import importlib
import inspect
import pkgutil
import types
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from connectors.base import Connector
from foundation.errors import BadInput, Misconfigured

GROUP = "kartoteka.connectors"
FOLDERS = ("connectors.shops", "connectors.accounting", "connectors.mailboxes", "connectors.files")

_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"0", "false", "no", "off", ""})


@dataclasses.dataclass(frozen=True)
class Broken:
    """A connector that could not be loaded, and why."""

    name: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Field:
    """One setting as a form shows it."""

    name: str
    label: str
    help: str
    secret: bool
    default: Any
    choices: tuple[tuple[str, str], ...]
    required: bool
    placeholder: str
    type: type


def all_connectors() -> dict[str, type[Connector]]:
    """Every connector that could be loaded, by kind."""
    return dict(_discover()[0])


def broken() -> tuple[Broken, ...]:
    """Connectors that could not be loaded; they are shown, and stop nothing."""
    return _discover()[1]


def find(kind: str) -> type[Connector]:
    """The connector of a kind; Misconfigured names those there are."""
    known = all_connectors()
    if kind in known:
        return known[kind]
    for failed in broken():
        if failed.name.rpartition(".")[2] == kind:
            raise Misconfigured(f"The connector “{kind}” can't be loaded: {failed.reason}", "kind")
    raise Misconfigured(
        f"There is no connector “{kind}”; there are: {', '.join(sorted(known)) or 'none'}.", "kind"
    )


@cache
def _discover() -> tuple[dict[str, type[Connector]], tuple[Broken, ...]]:
    found: dict[str, type[Connector]] = {}
    failed: list[Broken] = []
    for name, load in _sources():
        try:
            for connector in load():
                if found.setdefault(connector.kind, connector) is not connector:
                    failed.append(Broken(name, f"the kind “{connector.kind}” is taken already"))
        except Exception as error:  # noqa: BLE001 - a stranger's plug-in may raise anything
            failed.append(Broken(name, f"{type(error).__name__}: {error}"))
    return found, tuple(failed)


def _sources() -> Iterator[tuple[str, Any]]:
    """Names of things that may hold connectors, each with the call that loads them; built-ins first."""
    for folder in FOLDERS:
        try:
            package = importlib.import_module(folder)
        except ModuleNotFoundError:
            continue  # a folder nobody has filled yet
        # a package that can't be imported is still named here, and fails again where it is reported
        for module in pkgutil.walk_packages(package.__path__, f"{folder}.", onerror=lambda _: None):
            yield module.name, lambda name=module.name: list(_in_module(importlib.import_module(name)))
    for point in entry_points(group=GROUP):
        yield point.name, lambda point=point: [_checked(point.load())]


def _in_module(module: types.ModuleType) -> Iterator[type[Connector]]:
    for thing in vars(module).values():
        own = inspect.isclass(thing) and thing.__module__ == module.__name__
        if own and issubclass(thing, Connector) and not inspect.isabstract(thing):
            yield _checked(thing)


def _checked(thing: Any) -> type[Connector]:
    if not (inspect.isclass(thing) and issubclass(thing, Connector)) or inspect.isabstract(thing):
        raise TypeError(f"{thing!r} is no whole Connector class")
    missing = [
        n for n in ("kind", "title", "role", "summary", "Settings", "streams") if not hasattr(thing, n)
    ]
    if missing:
        raise TypeError(f"{thing.__name__} lacks {', '.join(missing)}")
    return thing


def form_fields(connector: type[Connector]) -> list[Field]:
    """The settings of a connector in the order of its form."""
    hints = typing.get_type_hints(connector.Settings)
    return [_field(field, hints[field.name]) for field in dataclasses.fields(connector.Settings)]


def _field(field: dataclasses.Field[Any], hint: type) -> Field:
    required = field.default is dataclasses.MISSING
    meta = field.metadata
    return Field(
        name=field.name,
        label=meta["label"],
        help=meta["help"],
        secret=meta["secret"],
        default=None if required else field.default,
        choices=meta["choices"],
        required=required,
        placeholder=meta["placeholder"],
        type=hint,
    )


def parse_settings(connector: type[Connector], typed: Mapping[str, Any]) -> Any:
    """The connector's Settings from a form or `--set` pairs; BadInput names the field that is wrong."""
    fields = {field.name: field for field in form_fields(connector)}
    for name in typed:
        if name not in fields:
            raise BadInput(f"{connector.title} has no such setting; it has: {', '.join(fields)}.", name)
    values = {name: _value(field, typed[name]) for name, field in fields.items() if _given(field, typed)}
    for name, field in fields.items():
        if field.required and values.get(name) in (None, ""):
            raise BadInput(f"“{field.label}” is needed.", name)
    try:
        return connector.Settings(**values)
    except (ValueError, TypeError) as error:
        raise BadInput(f"{error}", connector.kind) from error


def split_settings(connector: type[Connector], settings: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings as two mappings: those that may be shown, and those to be sealed."""
    public: dict[str, Any] = {}
    secret: dict[str, Any] = {}
    for field in form_fields(connector):
        (secret if field.secret else public)[field.name] = getattr(settings, field.name)
    return public, secret


def _given(field: Field, typed: Mapping[str, Any]) -> bool:
    if field.name not in typed or typed[field.name] is None:
        return False
    blank = isinstance(typed[field.name], str) and not typed[field.name].strip()
    return not blank or field.type is bool  # a form sends "" for what was left empty


def _value(field: Field, typed: Any) -> Any:
    """One value in its field's type; BadInput when it can't be."""
    if isinstance(typed, str):
        typed = typed.strip()
        if "\x00" in typed or len(typed) > 10_000:
            raise BadInput("This can't be used as a value.", field.name)
    if field.choices and str(typed) not in {value for value, _ in field.choices}:
        raise BadInput(f"Choose one of: {', '.join(value for value, _ in field.choices)}.", field.name)
    if field.type is bool:
        return _flag(field, typed)
    if field.type is int:
        try:
            return int(typed)
        except (ValueError, TypeError) as error:
            raise BadInput("A whole number is needed.", field.name) from error
    if field.type is str and not isinstance(typed, str):
        raise BadInput("Text is needed.", field.name)
    return typed


def _flag(field: Field, typed: Any) -> bool:
    text = str(typed).strip().lower()
    if text not in _YES | _NO:
        raise BadInput("Say yes or no.", field.name)
    return text in _YES
