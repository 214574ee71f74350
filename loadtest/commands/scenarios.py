"""`antiphon-loadtest scenarios`: lists those that come with the harness, or shows one."""

import sys
from collections.abc import Mapping, Sequence

from loadtest.scenario.reading import read_scenario, shipped_scenarios, shipped_text

USAGE = """\
usage: antiphon-loadtest scenarios [NAME]

Without a name, lists the scenarios that `antiphon-loadtest run NAME` knows; with one, prints its
file, to be changed and run by its path."""


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Returns the exit code."""
    if any(each in ("-h", "--help") for each in argv):
        print(USAGE)
        return 0
    if len(argv) > 1:
        return _complain("give one name, or none")
    if not argv:
        print(_list())
        return 0
    if argv[0] not in shipped_scenarios():
        known = ", ".join(shipped_scenarios())
        return _complain(f"no scenario {argv[0]!r}; there are {known}")
    print(shipped_text(argv[0]), end="")
    return 0


def _list() -> str:
    names = shipped_scenarios()
    width = max(map(len, names))
    return "\n".join(f"{name:{width}}  {read_scenario(name).description}" for name in names)


def _complain(text: str) -> int:
    print(f"antiphon-loadtest scenarios: {text}", file=sys.stderr)
    return 2
