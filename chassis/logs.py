"""Logging set-up shared by the processes, and the wrapper that keeps secrets out of it."""

import json
import logging
import sys
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_TEXT = 16 * 1024
"""Characters of a message, and of a traceback, in a line of JSON."""


class Redacted(Generic[T]):
    """Personal or secret data on its way through a log call.

    Formats as `[redacted]` unless `Redacted.reveal` was set.
    Wrap addresses, ufrags and transcripts; never log keys at all.
    """

    __slots__ = ("value",)
    reveal = False

    def __init__(self, value: T) -> None:
        self.value = value

    def __str__(self) -> str:
        return str(self.value) if Redacted.reveal else "[redacted]"

    __repr__ = __str__


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """What a line of JSON says of the call that it is about; neither is personal data."""

    call_id: str
    trace_id: str = ""
    """32 hexadecimal digits; empty for a call that is not traced."""

    @property
    def extra(self) -> dict[str, "LoggedCall"]:
        """For `extra` of a log call: this line is about this call."""
        return {"call": self}


current_call: ContextVar[LoggedCall | None] = ContextVar("current_call", default=None)
"""The call that a task works for: its lines need no `extra`."""


def configure_logging(
    tier: str, level: str, log_format: LogFormat = LogFormat.TEXT, *, worker: int | None = None
) -> None:
    """Send this process's logs to standard error, one line a record."""
    logging.basicConfig(stream=sys.stderr, level=level.upper(), force=True)
    process = tier if worker is None else f"{tier}-{worker}"
    formatter: logging.Formatter = logging.Formatter(
        f"%(asctime)s {process} %(levelname)s %(name)s: %(message)s"
    )
    if log_format is LogFormat.JSON:
        formatter = JsonFormatter(tier, worker)
        sys.excepthook = _log_uncaught
        logging.captureWarnings(capture=True)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(formatter)


def log_format_in_use() -> LogFormat:
    """For processes that this one starts."""
    formatters = (handler.formatter for handler in logging.getLogger().handlers)
    by_json = any(isinstance(formatter, JsonFormatter) for formatter in formatters)
    return LogFormat.JSON if by_json else LogFormat.TEXT


class JsonFormatter(logging.Formatter):
    """A record as one JSON object on one line.

    Members: `time` (RFC 3339, UTC, milliseconds), `level`, `tier`, `worker` where the tier has
    several, `logger`, `message`; `call_id` and `trace_id` of a line about a call; `exception`, a
    traceback.
    """

    def __init__(self, tier: str, worker: int | None = None) -> None:
        super().__init__()
        self._process: dict[str, str | int] = {"tier": tier}
        if worker is not None:
            self._process["worker"] = worker

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, str | int] = {
            "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            **self._process,
            "logger": record.name,
            "message": record.getMessage()[:MAX_TEXT],
        }
        call = getattr(record, "call", None) or current_call.get()
        if isinstance(call, LoggedCall):
            line["call_id"] = call.call_id
            if call.trace_id:
                line["trace_id"] = call.trace_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)[-MAX_TEXT:]
        return json.dumps(line)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """What ends the process is a line like others."""
    logging.getLogger().critical("uncaught exception", exc_info=(kind, error, traceback))


def log_level(text: str) -> str:
    """Parse a level's name. Raises ValueError for an unknown one."""
    if text.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError(f"expected debug, info, warning or error, not {text!r}")
    return text.lower()


def log_format(text: str) -> LogFormat:
    """Parse a format's name. Raises ValueError for an unknown one."""
    try:
        return LogFormat(text)
    except ValueError:
        raise ValueError(f"expected text or json, not {text!r}") from None
