"""Results of runs as JSON files."""

from pathlib import Path

import msgspec

from loadtest.decode_error import one_line
from loadtest.measures.histogram import Histogram
from loadtest.result import RunResult

SCHEMA = 1


class ResultFileError(ValueError):
    """No result of a run; the text names the file and the member, on one line."""


def write(path: Path, result: RunResult) -> None:
    """Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")


def read(path: Path) -> RunResult:
    """Raises ResultFileError."""
    try:
        return parse(path.read_bytes())
    except (OSError, ResultFileError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ResultFileError(f"{path}: {reason}") from error


def parse(encoded: bytes) -> RunResult:
    """Raises ResultFileError."""
    try:
        result = msgspec.json.decode(encoded, type=RunResult)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ResultFileError(one_line(error)) from error
    if result.schema != SCHEMA:
        raise ResultFileError(f"schema: is {result.schema}, and this reads {SCHEMA}")
    for name, spread in result.latencies.items():
        try:
            Histogram.decode(spread.histogram.encode())
        except ValueError as error:
            raise ResultFileError(f"latencies.{name}.histogram: {error}") from error
    return result
