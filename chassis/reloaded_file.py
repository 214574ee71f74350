"""A file that is read again while the process runs, such as keys during their rotation."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

ContentT = TypeVar("ContentT")

POLL_S = 2.0

logger = logging.getLogger(__name__)


class ReloadedFile(Generic[ContentT]):
    """Watches what a file says. Whatever happens to the file, the last good content stands.

    A file that cannot be used costs one line of log a change, which never quotes it.
    """

    def __init__(self, path: str, parse: Callable[[str], ContentT], current: ContentT) -> None:
        """`current` is what is in use; `parse` raises ValueError, whose text quotes nothing."""
        self._path = Path(path)
        self._parse = parse
        self._current = current
        self._seen: bytes | str | None = None
        """The bytes read last, or why they could not be."""

    def changed(self) -> ContentT | None:
        """Read the file; what it says, if that is not what is in use already."""
        seen = self._read()
        if seen == self._seen:
            return None
        self._seen = seen
        try:
            content = self._understand(seen)
        except ValueError as error:
            # One line: the file is at fault, a traceback through this code tells nothing.
            logger.error("%s: %s; keeping what it said", self._path, error)  # noqa: TRY400
            return None
        if content == self._current:
            return None
        self._current = content
        logger.info("%s: read again", self._path)
        return content

    def _read(self) -> bytes | str:
        try:
            return self._path.read_bytes()
        except OSError as error:
            return error.strerror or type(error).__name__

    def _understand(self, seen: bytes | str) -> ContentT:
        """Raises ValueError, which says why it cannot be used."""
        if isinstance(seen, str):
            raise ValueError(seen)
        try:
            text = seen.decode()
        except UnicodeDecodeError as error:
            raise ValueError("not a text file") from error
        return self._parse(text)
