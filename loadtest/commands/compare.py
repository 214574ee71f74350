"""`antiphon-loadtest compare`: what changed between two runs, beyond their noise."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chassis.settings import SettingError, load, setting, switch
from loadtest.report.comparison import Change, compare
from loadtest.report.comparison_page import render
from loadtest.report.result_arguments import results_and_flags
from loadtest.report.terminal import show_comparison

PROG = "antiphon-loadtest compare"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """BEFORE.json and AFTER.json first: the files that two runs wrote."""

    out: Path | None = setting(None, help="a page of HTML to write as well", parse=Path)
    fail_on_worse: bool = switch(help="exit with 1 where anything became worse")


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Returns 0, 1 where it shall and something became worse, or 2 where the page cannot be
    written. Raises SettingError."""
    results, flags = results_and_flags(argv)
    settings = load(Settings, flags, environ, prog=f"{PROG} BEFORE.json AFTER.json")
    if len(results) != 2:
        raise SettingError("give two result files, the JSON that runs wrote")
    comparison = compare(*results)
    try:
        if settings.out is not None:
            settings.out.write_text(render(comparison))
    except OSError as error:
        print(f"{PROG}: --out: {settings.out}: {error.strerror}", file=sys.stderr)
        return 2
    show_comparison(comparison)
    return int(settings.fail_on_worse and bool(comparison.changed(Change.WORSE)))
