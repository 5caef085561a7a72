"""What jobs need beside the database: the settings in force and the sealer of stored credentials."""

from dataclasses import dataclass

from foundation import sealing, settings
from foundation.sealing import Sealer
from foundation.settings import Settings


@dataclass(frozen=True)
class Context:
    """Handed to functions that open connectors, sign letters or build public addresses."""

    settings: Settings
    sealer: Sealer

    @property
    def public_url(self) -> str:
        """The address people reach this installation by, without a slash at its end."""
        return self.settings.public_url or f"http://{self.settings.host}:{self.settings.port}"


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
