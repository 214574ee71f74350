"""The `antiphon-loadtest` command: finds the subcommand's module and runs it."""

import importlib
import os
import sys
from collections.abc import Sequence

from chassis.settings import SettingError

COMMANDS = {
    "run": "carry a scenario out, and say whether its service levels held",
    "scenarios": "list the scenarios that come with this, or show one",
    "capacity": "search for the largest load that holds the service levels",
    "simulate": "simulate a deployment of a size that no machine here can hold",
    "report": "draw the report of runs from their JSON files, several side by side",
    "compare": "say what changed between two runs",
    "coordinator": "carry a scenario out by workers on other hosts",
    "worker": "place the calls that a coordinator orders",
}
"""Each is a module of `loadtest.commands` with `run(argv, environ) -> exit code`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit code: 2 when it could not be understood."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if arguments else 2
    name, *rest = arguments
    if name not in COMMANDS:
        return complain(
            "antiphon-loadtest", f"no command {name!r}; there are {', '.join(COMMANDS)}"
        )
    prog = f"antiphon-loadtest {name}"
    try:
        module = importlib.import_module(f"loadtest.commands.{name}")
    except ModuleNotFoundError as error:
        return complain(prog, f"{error}; pip install 'antiphon[loadtest]'")
    try:
        code: int = module.run(rest, os.environ)
    except SettingError as error:
        return complain(prog, str(error))
    except KeyboardInterrupt:
        return 130
    return code


def usage() -> str:
    lines = [f"  {name:12} {help_text}" for name, help_text in COMMANDS.items()]
    return "\n".join(["usage: antiphon-loadtest COMMAND [--help]", "", *lines])


def complain(prog: str, text: str) -> int:
    """One clear line on standard error, and the exit code that goes with it."""
    print(f"{prog}: {text}", file=sys.stderr)
    return 2
