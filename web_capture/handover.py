"""A visitor stays the same one from a company's site to its next: a sealed token, good for two minutes."""

from datetime import timedelta

from foundation import clock
from foundation.errors import KartotekaError
from foundation.sealing import Sealer

GOOD_FOR = timedelta(minutes=2)
LONGEST = 100  # characters of an anonymous id
_MARK = "hand-over"  # so that nothing else that was sealed passes for a token


def make_token(sealer: Sealer, device: str, address: str) -> str:
    """A token that names a device to our own sites and to nobody else; `address` is the visitor's."""
    until = (clock.now() + GOOD_FOR).timestamp()
    return sealer.seal(f"{_MARK} {until:.0f} {address or '-'} {device}")


def open_token(sealer: Sealer, token: str, address: str) -> str | None:
    """The device a token names; None when it is too old, not ours, or shown from elsewhere.

    A link with somebody's token in it, sent to somebody else, must not make the two one visitor.
    """
    try:
        mark, until, made_at, device = sealer.unseal(token).split(" ", 3)
    except (KartotekaError, ValueError):
        return None
    good = mark == _MARK and made_at == (address or "-") and float(until) > clock.now().timestamp()
    return device if good else None
