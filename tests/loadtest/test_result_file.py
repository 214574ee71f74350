import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from loadtest.measures.histogram import Histogram
from loadtest.measures.interval import Interval
from loadtest.measures.names import Count, Latency
from loadtest.recording import Recording
from loadtest.result import RunResult
from loadtest.result_file import ResultFileError, read, write
from loadtest.scenario.reading import read_scenario


def a_result() -> RunResult:
    run = Recording(
        read_scenario("faults"), workers=1, started_at=datetime.now(UTC), machine={"cores": 2.0}
    )
    set_up = Histogram()
    set_up.record(0.08)
    run.add(Interval(0, {Count.CALLS_SET_UP: 1}, 1, {Latency.SET_UP: set_up}))
    run.add(Interval(9, {}, 1, {Latency.SET_UP: set_up}))
    return run.result()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "new" / "run.json"
    write(file, a_result())
    result = read(file)
    write(tmp_path / "again.json", result)
    assert result.latencies["set_up"].count == 1
    assert (tmp_path / "again.json").read_bytes() == file.read_bytes()


def set_member(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(table: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        for name in parents:
            table = table[name]
        table[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (set_member("seconds", "nine"), "seconds: Expected `float`, got `str`"),
        (set_member("latencies.set_up.p99", None), "latencies[...].p99: Expected `float`, got `nu"),
        (
            set_member("latencies.set_up.histogram", "abc"),
            "latencies.set_up.histogram: no histogram",
        ),
        (set_member("schema", 2), "schema: is 2, and this reads 1"),
        (lambda table: table.pop("series"), "series: is missing"),
    ],
    ids=["kind", "nested", "histogram", "schema", "missing"],
)
def test_what_is_no_result_is_refused_by_name_in_one_line(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], complaint: str
) -> None:
    file = tmp_path / "run.json"
    write(file, a_result())
    table = json.loads(file.read_bytes())
    change(table)
    file.write_text(json.dumps(table))
    with pytest.raises(ResultFileError) as refused:
        read(file)
    assert str(refused.value).startswith(f"{file}: {complaint}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b"null"])
def test_what_is_no_json_object_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "run.json"
    file.write_bytes(content)
    with pytest.raises(ResultFileError, match=str(file)):
        read(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultFileError, match=r"run.json: No such file or directory"):
        read(tmp_path / "run.json")
