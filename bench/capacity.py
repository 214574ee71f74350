"""How many calls fit, worked out from what docs/benchmarks.md says was measured.

Reads the page and not the files that benchmarks leave: the page is what is kept, and the
two cannot differ then.
"""

import math
import re
from dataclasses import dataclass

from bench.tables import Table, as_markdown

PACKETS_A_CALL = 100
"""A second, both ways, while both speak."""
RELAY_BUSY, TRANSCEIVER_BUSY = 0.85, 0.8
"""Shares of a core: beyond the first the alert fires, beyond the second calls are refused."""
SESSIONS_A_REPLICA = 32
"""What `--max-sessions` is unless set."""
CALLS = (100, 1000, 10_000)


class MissingFigureError(ValueError):
    """The page has no such row or column."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one core, on the machine of the benchmarks."""

    relay_seconds_a_packet: float
    flow_bytes: float
    voip_calls: float
    celt_calls: float
    call_kilobytes: float
    websocket_calls: float
    websocket_kilobytes: float


def measured(page: str) -> Measured:
    """Raises MissingFigureError."""
    paced = cell(page, "Antiphon", "paced 20k/s")
    websocket = re.search(r"\*\*([\d.]+) ms of\s+CPU a session and second\*\*, (\d+) kB", page)
    if websocket is None:
        raise MissingFigureError("docs/benchmarks.md: sessions over WebSockets")
    return Measured(
        relay_seconds_a_packet=number(paced) / 1e6,
        flow_bytes=number(cell(page, "flow table, a flow", "measured")),
        voip_calls=number(cell(page, "Antiphon, Opus VOIP", "calls a core")),
        celt_calls=number(cell(page, "Antiphon, Opus CELT", "calls a core")),
        call_kilobytes=number(cell(page, "memory of a call", "measured")),
        websocket_calls=1000 / float(websocket[1]),
        websocket_kilobytes=float(websocket[2]),
    )


def section(page: str) -> str:
    """The tables of docs/capacity.md, from the text of docs/benchmarks.md."""
    of_core = measured(page)
    return "\n".join(
        [
            "What one core carries while everybody speaks all the time, both ways:",
            "",
            *as_markdown(core_table(of_core)),
            "",
            f"For so many calls at once, relays at {RELAY_BUSY:.0%} of their cores, transceivers "
            f"at a load of {TRANSCEIVER_BUSY:g}:",
            "",
            *as_markdown(calls_table(of_core)),
        ]
    )


def core_table(of_core: Measured) -> Table:
    relay = 1 / (PACKETS_A_CALL * of_core.relay_seconds_a_packet)
    flow = f"{of_core.flow_bytes / 1000:.1f} kB for each worker"
    call = f"{of_core.call_kilobytes:.0f} kB"
    return [
        ["", "calls on a whole core", "as it should be loaded", "memory of a call"],
        ["relay", _whole(relay), _whole(RELAY_BUSY * relay), flow],
        _transceiver("transceiver, Opus as browsers speak it (`voip`)", of_core.voip_calls, call),
        _transceiver("transceiver, `--opus celt`", of_core.celt_calls, call),
        _transceiver(
            "transceiver, over WebSockets",
            of_core.websocket_calls,
            f"{of_core.websocket_kilobytes:.0f} kB",
        ),
    ]


def calls_table(of_core: Measured) -> Table:
    head = ["calls", "relay workers", "transceiver workers, `voip`", "`celt`", "replicas"]
    relay = RELAY_BUSY / (PACKETS_A_CALL * of_core.relay_seconds_a_packet)
    rows = [
        [
            f"{calls:,}",
            _at_least(calls / relay),
            _at_least(calls / (TRANSCEIVER_BUSY * of_core.voip_calls)),
            _at_least(calls / (TRANSCEIVER_BUSY * of_core.celt_calls)),
            f"{math.ceil(calls / SESSIONS_A_REPLICA)} + 1",
        ]
        for calls in CALLS
    ]
    return [head, *rows]


def _transceiver(name: str, calls: float, memory: str) -> list[str]:
    return [name, _whole(calls), _whole(TRANSCEIVER_BUSY * calls), memory]


def _whole(number: float) -> str:
    """Two digits that count, as more would promise too much."""
    digits = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return f"{math.floor(number / digits) * digits:,}"


def _at_least(number: float) -> str:
    return str(math.ceil(number))


def cell(page: str, row: str, column: str) -> str:
    """Of the first table that has both. Raises MissingFigureError."""
    for table in re.findall(r"(?:^\|.*\|\n)+", page, re.M):
        head, _line, *rows = (
            [cell.strip() for cell in line.strip().strip("|").split("|")]
            for line in table.splitlines()
        )
        found = [cells for cells in rows if cells[0] == row]
        if column in head and found:
            return found[0][head.index(column)]
    raise MissingFigureError(f"docs/benchmarks.md: {row}, {column}")


def number(cell: str) -> float:
    """That a cell begins with. Raises MissingFigureError."""
    match = re.match(r"[\d.]+", cell)
    if match is None:
        raise MissingFigureError(f"docs/benchmarks.md: {cell!r} is no number")
    return float(match[0])
