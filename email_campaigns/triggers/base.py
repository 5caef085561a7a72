"""What every trigger promises: who it concerns, when it fires, and when there is no need any more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

Select = tuple[str, dict[str, Any]]  # SQL and its parameters
Words = Callable[[], str]


def _no_words() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Field:
    """A setting of a trigger: what its form shows and what is taken."""

    name: str
    kind: str  # number hours days choice text segment skus
    default: Any
    label: Words
    help: Words = _no_words
    lowest: int | None = None
    highest: int | None = None
    choices: Callable[[], Mapping[str, str]] | None = None  # of a choice: value -> words
    required: bool = False  # there is no default that could do


@dataclass(frozen=True, slots=True)
class Window:
    """Which moments are asked about: those in (since, until], of rows that came in after `arrived_since`."""

    settings: Mapping[str, Any]
    since: datetime
    until: datetime
    arrived_since: datetime | None = None


@dataclass(frozen=True)
class Trigger:
    """One way a journey begins. Knows no journeys: it only says who, when, about what, and when it is over.

    `entries` answers SQL whose rows are customer_id, profile_id, key, at, context, cause. `customer_id` may
    be NULL, `at` lies in (since, until], and an occurrence has the same `key` each time it is asked about.
    `over` answers a condition over the alias `r` (profile_id, customer_id, entered_at, context, cause) and
    the parameter :now. All SQL names tables without a schema and takes time from parameters only.
    """

    key: str  # the name of its file and of its starter letter
    name: Words
    about: Words
    purpose: str  # marketing transactional
    fields: tuple[Field, ...]
    kinds: frozenset[str]  # timeline kinds that bring it about; empty: time does
    entries: Callable[[Window], Select]
    over: Callable[[], str] | None = None
    reentry: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({"kind": "never"}))
    first_wait: tuple[int, str] | None = None
    needless: Words = _no_words  # what `over` means, as the end of "No longer needed: …"
