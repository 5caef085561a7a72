"""What jobs need beside the database: the settings in force and the sealer of stored credentials."""

from dataclasses import dataclass

from foundation import sealing, settings
from foundation.sealing import Sealer
from foundation.settings import Settings


@dataclass(frozen=True)
class Context:
    """Handed to functions that open connectors."""

    settings: Settings
    sealer: Sealer


_held: Context | None = None


def use(context: Context | None) -> None:
    """Set what jobs of this process work with; the door calls it once, tests with their own."""
    global _held
    _held = context


def current() -> Context:
    """The context in force; read from the environment when nobody has set one."""
    global _held
    if _held is None:
        loaded = settings.load()
        _held = Context(loaded, sealing.open_sealer(loaded))
    return _held
