"""How a started process tells its parent that it is ready, and on which addresses.

The parent passes the write end of a pipe as `--ready-fd`; the process writes
one JSON object and closes it. The parent reads end-of-file without an object
when the process dies first.
"""

import json
import os
from collections.abc import Mapping

ReadyReport = Mapping[str, str | int | list[str]]


def report_ready(fd: int | None, report: ReadyReport) -> None:
    """Write `report` to the parent's pipe; does nothing when there is none."""
    if fd is None:
        return
    with os.fdopen(fd, "w") as pipe:
        json.dump(dict(report), pipe)


def parse_ready(text: str) -> ReadyReport:
    """Read what `report_ready` wrote. Raises ValueError when it is not one JSON object."""
    report = json.loads(text)
    if not isinstance(report, dict):
        raise ValueError("a ready report is a JSON object")
    return report
