"""Which processes run which tests: a file's in one, and those that want the machine in one, too.

The latter are one unit of work, early on: they follow each other, instead of waiting each for
what the other processes are at. Before them come the files that want calm, in all processes.
"""

from functools import cache
from pathlib import Path

from xdist.scheduler import LoadFileScheduling

ROOT = Path(__file__).parents[1]


class Scheduling(LoadFileScheduling):
    """Of `pytest --numprocesses`."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "alone" if has_tests_alone(file) else file


@cache
def has_tests_alone(file: str) -> bool:
    """Whether some test of the file is marked so; `file` is relative to the root."""
    return "pytest.mark.alone" in (ROOT / file).read_text()
