"""The one tree of errors: each says whether to retry, to stop, or to ask a person.

KartotekaError
├── Temporary       try again later (the network, a busy server)
├── Permanent       trying again can't help; show it
│   └── BadInput    what somebody sent can't be used; says where and why
└── Misconfigured   a person must change a setting; names it
"""


class KartotekaError(Exception):
    """Base of everything we raise on purpose; `str()` is fit to be shown to a person."""


class Temporary(KartotekaError):
    """Worth another try. `retry_after` is in seconds when the other side named a wait."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Permanent(KartotekaError):
    """Will fail the same way next time."""


class BadInput(Permanent):
    """What was sent can't be used. `at` points to the place: a JSON path, a line, a field."""

    def __init__(self, message: str, at: str = "") -> None:
        super().__init__(f"{at}: {message}" if at else message)
        self.at = at
        self.message = message


class Misconfigured(KartotekaError):
    """A person must act. `setting` names what to change."""

    def __init__(self, message: str, setting: str = "") -> None:
        super().__init__(message)
        self.setting = setting
