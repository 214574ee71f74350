"""The result files of a command line, which come before its flags."""

from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

import msgspec

from chassis.settings import SettingError
from loadtest import result_file
from loadtest.decode_error import one_line
from loadtest.report.conditions import scenario_of
from loadtest.result import RunResult


def results_and_flags(argv: Sequence[str]) -> tuple[list[RunResult], Sequence[str]]:
    """Raises SettingError of a file that is no result."""
    paths = list(takewhile(lambda argument: not argument.startswith("-"), argv))
    return [_read(Path(path)) for path in paths], argv[len(paths) :]


def _read(path: Path) -> RunResult:
    try:
        result = result_file.read(path)
        scenario_of(result)
    except result_file.ResultFileError as error:
        raise SettingError(str(error)) from error
    except msgspec.ValidationError as error:
        raise SettingError(f"{path}: scenario: {one_line(error)}") from error
    return result
