"""The documents that 1C is answered with, in the shape its side reads."""

from collections.abc import Sequence
from typing import Any

import msgspec

from connectors.accounting.commerceml.writing import Profile, info_document, orders_document
from foundation import clock
from foundation.records import Order

OLD = "2.05"  # what sites answer to those who don't name a version
USUAL = "2.09"
NEWEST = "3.1"


def orders(found: Sequence[Order], settings: Any, asked: str) -> bytes:
    """Orders, for a 1C that asked for a version at init, or for none."""
    return orders_document(found, _profile(settings, asked), clock.now())


def info(settings: Any) -> bytes:
    """The states and ways that 1C lets a person map."""
    return info_document(_profile(settings, ""))


def version_of(settings: Any, asked: str) -> str:
    """The version that is spoken with a 1C which said `asked`; empty: it said nothing."""
    chosen = str(getattr(settings, "version", "") or "")
    if chosen or not asked:
        return chosen or OLD
    return NEWEST if asked.startswith("3") else USUAL


def _profile(settings: Any, asked: str) -> Profile:
    """Orders stand in containers, when that goes by itself, for those who speak the newest version."""
    version = version_of(settings, asked)
    profile = msgspec.structs.replace(Profile.of(settings), version=version)
    if getattr(settings, "container", "") == "auto":
        profile = msgspec.structs.replace(profile, container=version.startswith("3"))
    return profile
