"""What a run shows while it goes on: a moving table on a terminal, else a line now and then."""

import sys
from types import TracebackType
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from loadtest.glimpse import Glimpse

PLAIN_SECONDS = 5
"""Between two lines of a run, where there is no terminal."""


class Display(Protocol):
    def line(self, text: str) -> None:
        """Show a finished line."""

    def glimpse(self, glimpse: Glimpse) -> None:
        """Show how it goes."""


class PlainDisplay:
    """Lines alone, for pipes and logs; to standard error, which leaves the other to results."""

    def __init__(self) -> None:
        self._shown = -PLAIN_SECONDS

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def line(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def glimpse(self, glimpse: Glimpse) -> None:
        if glimpse.second >= self._shown + PLAIN_SECONDS:
            self._shown = glimpse.second
            texts = ", ".join(f"{name} {text}" for name, text in rows(glimpse))
            self.line(f"{glimpse.second:5} s  {texts}")


class TerminalDisplay:
    """Lines above a table that moves."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._live = Live(console=self._console, transient=True, auto_refresh=False)

    def __enter__(self) -> Display:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)

    def glimpse(self, glimpse: Glimpse) -> None:
        bar = ProgressBar(total=max(1.0, glimpse.length_s), completed=glimpse.second + 1)
        table = Table.grid(padding=(0, 2))
        for name, text in rows(glimpse):
            bad = name == "failed" and glimpse.calls_failed > 0
            table.add_row(Text(name, "dim"), Text(text, "bold red" if bad else "bold"))
        passed = Text(f"{glimpse.second + 1} of {glimpse.length_s:.0f} s")
        self._live.update(Group(passed, bar, table), refresh=True)


def rows(glimpse: Glimpse) -> list[tuple[str, str]]:
    """What is shown of it, by name."""
    return [
        ("sessions", f"{glimpse.sessions} of {glimpse.planned_sessions}"),
        ("calls/s", f"{glimpse.calls_per_second:.1f}"),
        ("failed", str(glimpse.calls_failed)),
        ("set-up", _ms(p50=glimpse.set_up_p50_s, p99=glimpse.set_up_p99_s)),
        ("frames late", _ms(p99=glimpse.frame_lateness_p99_s)),
        ("begun late", _ms(p99=glimpse.arrival_lateness_p99_s)),
        ("workers", str(glimpse.workers)),
    ]


def progress_display() -> PlainDisplay | TerminalDisplay:
    """The one that suits standard error."""
    return TerminalDisplay() if sys.stderr.isatty() else PlainDisplay()


def _ms(**percentiles: float | None) -> str:
    """A dash where there was nothing to measure."""
    known = {name: seconds for name, seconds in percentiles.items() if seconds is not None}
    return ", ".join(f"{each * 1000:.1f} ms {name}" for name, each in known.items()) or "-"
