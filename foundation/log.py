"""One-line structured logs for eyes or machines, without secrets, and without personal data above debug."""

import logging
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import structlog
from structlog.typing import EventDict, WrappedLogger

if TYPE_CHECKING:
    from foundation.settings import Settings

GONE = "[removed]"
_FIRST: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
_SECRET = re.compile(
    r"passw|secret|token|api_?key|authorization|cookie|credential|sealed|dsn|_url$|^key$", re.I
)
_PERSONAL = re.compile(r"e?mail|phone|name$|address|birthday|tax_?number|payload|^ip$", re.I)
_URL_PASSWORD = re.compile(r"(\w+://[^\s/:@]*):[^\s/@]+@")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}")
_QUERY = re.compile(r"(?i)([?&][\w-]*(?:token|key|secret|passw\w*|sig|signature)=)[^&\s\"']+")
_MAILBOX = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_PHONE = re.compile(r"\+\d[\d\s().-]{7,}\d")


def strip(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Takes secrets out of every line, and personal data out of all but debug lines."""
    return {key: _strip(key, value, method == "debug") for key, value in event.items()}


def _strip(key: str, value: Any, personal_may_stand: bool) -> Any:
    if isinstance(value, Mapping):
        return {inner: _strip(str(inner), one, personal_may_stand) for inner, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [_strip(key, one, personal_may_stand) for one in value]
    if _SECRET.search(key) and value not in (None, "", False, True):
        return GONE
    if not personal_may_stand and _PERSONAL.search(key) and value not in (None, ""):
        return GONE
    if isinstance(value, BaseException):
        value = f"{type(value).__name__}: {value}"
    return _strip_text(value, personal_may_stand) if isinstance(value, str) else value


def _strip_text(text: str, personal_may_stand: bool) -> str:
    """What stands inside texts: passwords in addresses, bearer tokens, mailboxes and phone numbers."""
    text = _BEARER.sub(r"\1 " + GONE, _URL_PASSWORD.sub(r"\1:" + GONE + "@", text))
    text = _QUERY.sub(r"\1" + GONE, text)
    if not personal_may_stand:
        text = _PHONE.sub(GONE, _MAILBOX.sub(GONE, text))
    return text


def setup(settings: "Settings") -> None:
    """Send our lines and those of libraries to standard error in the format the settings name."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    last = _configure(level, json=settings.log_format == "json")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_FIRST, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


def _configure(level: int, *, json: bool) -> list[Any]:
    """Set how our own lines are made; answers the steps that those of libraries share."""
    show = structlog.processors.JSONRenderer(ensure_ascii=False) if json else _one_line
    last: list[Any] = [structlog.processors.format_exc_info, strip, show]
    structlog.configure(
        processors=[*_FIRST, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *given: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    return last


def _one_line(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """time level event key=value …, with line breaks escaped."""
    head = f"{event.pop('timestamp', '')} {event.pop('level', method):<7} {event.pop('event', '')}"
    return " ".join([head, *(f"{key}={value}" for key, value in event.items())]).replace("\n", "\\n")


def get(name: str) -> Any:
    """A logger: `log.get(__name__).info("page_pulled", stream="orders", rows=100)`."""
    return structlog.get_logger(module=name)


_configure(logging.WARNING, json=False)  # until `setup`: standard output belongs to commands
