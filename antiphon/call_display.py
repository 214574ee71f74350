"""What a call shows while it runs: lines, and on a terminal a moving bar below them."""

import sys
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


class CallDisplay(Protocol):
    def line(self, text: str) -> None:
        """Show a finished line."""

    def stage(self, text: str, done: float) -> None:
        """Show what is going on, and how much of the call's longest duration is over."""


class PlainDisplay:
    """Lines alone, for pipes and logs."""

    def __enter__(self) -> CallDisplay:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def line(self, text: str) -> None:
        print(text, flush=True)

    def stage(self, text: str, done: float) -> None:
        pass


class TerminalDisplay:
    """Lines with a bar that shows the stage of the call."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._progress = Progress(
            TextColumn("{task.description:12}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._progress.add_task("connecting", total=1.0)

    def __enter__(self) -> CallDisplay:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def line(self, text: str) -> None:
        self._console.print(text, markup=False)

    def stage(self, text: str, done: float) -> None:
        self._progress.update(self._task, description=text, completed=done)


def display() -> PlainDisplay | TerminalDisplay:
    """The one that suits standard output."""
    return TerminalDisplay() if sys.stdout.isatty() else PlainDisplay()
