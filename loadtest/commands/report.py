"""`antiphon-loadtest report`: draws runs again from their JSON files, several side by side."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chassis.settings import SettingError, load, setting
from loadtest.report.html_report import render
from loadtest.report.result_arguments import results_and_flags
from loadtest.report.terminal import show

PROG = "antiphon-loadtest report"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """RESULT.json ... first: the files that runs wrote."""

    out: Path = setting(Path("loadtest-report.html"), help="the page to write", parse=Path)


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Returns 0, or 2 where the page cannot be written. Raises SettingError."""
    results, flags = results_and_flags(argv)
    settings = load(Settings, flags, environ, prog=f"{PROG} RESULT.json ...")
    if not results:
        raise SettingError("give result files, the JSON that runs wrote")
    try:
        settings.out.write_text(render(results))
    except OSError as error:
        print(f"{PROG}: --out: {settings.out}: {error.strerror}", file=sys.stderr)
        return 2
    for result in results:
        show(result)
        print()
    print(settings.out)
    return 0
