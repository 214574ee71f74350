"""The `antiphon` command: finds the subcommand's module and runs it."""

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from chassis.settings import SettingError


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand: module `antiphon.<name>` has `run(argv, environ) -> exit code`."""

    help: str
    extra: str
    """The packaging extra that brings what the module imports."""


COMMANDS = {
    "up": Command("run relay, inference and transceiver on this machine", "all"),
    "call": Command("place a call from a WAV file and record the answer", "call"),
    "keys": Command("make keys and passwords, and what stands for them in files", "relay"),
    "doctor": Command("check this machine, and a running deployment", "all"),
    "address": Command("wait for the address of a Service of Kubernetes", "transceiver"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit code: 2 when it could not be understood."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if arguments else 2
    name, *rest = arguments
    if name not in COMMANDS:
        return complain("antiphon", f"no command {name!r}; there are {', '.join(COMMANDS)}")
    try:
        module = importlib.import_module(f"antiphon.{name}")
    except ModuleNotFoundError as error:
        extra = COMMANDS[name].extra
        return complain(f"antiphon {name}", f"{error}; pip install 'antiphon[{extra}]'")
    try:
        code: int = module.run(rest, os.environ)
    except SettingError as error:
        return complain(f"antiphon {name}", str(error))
    except KeyboardInterrupt:
        return 130
    return code


def usage() -> str:
    lines = [f"  {name:8} {command.help}" for name, command in COMMANDS.items()]
    return "\n".join(["usage: antiphon COMMAND [--help]", "", *lines])


def complain(prog: str, text: str) -> int:
    """One clear line on standard error, and the exit code that goes with it."""
    print(f"{prog}: {text}", file=sys.stderr)
    return 2
