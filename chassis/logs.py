"""Logging set-up shared by the processes, and the wrapper that keeps secrets out of it."""

import logging
import sys
from typing import Generic, TypeVar

T = TypeVar("T")


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


def configure_logging(tier: str, level: str) -> None:
    """Send this process's logs to standard error, one line a record."""
    logging.basicConfig(
        stream=sys.stderr,
        level=level.upper(),
        format=f"%(asctime)s {tier} %(levelname)s %(name)s: %(message)s",
        force=True,
    )


def log_level(text: str) -> str:
    """Parse a level's name. Raises ValueError for an unknown one."""
    if text.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError(f"expected debug, info, warning or error, not {text!r}")
    return text.lower()
