"""Triggers: what journeys begin with, one file each. A new file here is a new trigger."""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from email_campaigns.triggers.base import Trigger
from foundation.errors import BadInput
from foundation.text import _


@cache
def everything() -> Mapping[str, Trigger]:
    """All triggers by their keys: each module of this package that has a `TRIGGER`."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        one = getattr(import_module(f"{__name__}.{module.name}"), "TRIGGER", None)
        if isinstance(one, Trigger):
            found[one.key] = one
    return MappingProxyType(found)


def of(key: str) -> Trigger:
    """The trigger of a key; BadInput for one there is not."""
    if (found := everything().get(key)) is None:
        raise BadInput(_("There is no trigger {key!r}.").format(key=key))
    return found
