"""`python -m bench.cost_model`: what calls cost each tier, from docs/benchmarks.md.

Writes `loadtest/capacity/measured_model.json` for as long as no load test on a quiet machine has:
`python -m bench.fitted_costs` makes the better one, of whole runs.
"""

import re
from pathlib import Path

from bench.capacity import PACKETS_A_CALL, MissingFigureError, cell, measured, number
from loadtest.capacity.cost_model import CostModel, Source, TierCost, write
from loadtest.capacity.demand import PACKET, SET_UP, SILENT, SPEAKING, of_kind

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "docs" / "benchmarks.md"
SILENT_USERS = ROOT / "docs" / "decisions" / "0016-no-dtx.md"
MODEL = ROOT / "loadtest" / "capacity" / "measured_model.json"
WINDOWS_A_SECOND = 1000 / 32
"""Of the voice detector."""
NOTES = (
    "From benchmarks of single tiers, not from runs: a turn's own cost is not in it.",
    "A silent WebRTC session is that of a worker with 10 calls, which is more than among many.",
)


def cost_model(benchmarks: str, silent_users: str) -> CostModel:
    """From the texts of both pages. Raises MissingFigureError."""
    of_core = measured(benchmarks)
    webrtc = {
        of_kind("webrtc", SPEAKING): 1 / of_core.voip_calls,
        of_kind("webrtc", SILENT): _silent_second(silent_users),
        of_kind("webrtc", SET_UP): _number(benchmarks, "CPU of a set-up with data channel") / 1000,
    }
    websocket = {
        of_kind("websocket", unit): 1 / of_core.websocket_calls for unit in (SPEAKING, SILENT)
    }
    listening = WINDOWS_A_SECOND * _microseconds(benchmarks, "of 64 sessions, each")
    return CostModel(
        machine={"described": machine(benchmarks)},
        made_by="python -m bench.cost_model",
        sources=(Source(name="docs/benchmarks.md"), Source(name="docs/decisions/0016-no-dtx.md")),
        tiers={
            "relay": TierCost(
                cpu_seconds={PACKET: of_core.relay_seconds_a_packet},
                memory_bytes_a_session=of_core.flow_bytes,
            ),
            "transceiver": TierCost(
                cpu_seconds={**webrtc, **websocket},
                memory_bytes_a_session=1000 * of_core.call_kilobytes,
            ),
            "inference": TierCost(cpu_seconds=dict.fromkeys(_session_seconds(), listening)),
        },
        packets_a_second=dict.fromkeys(_session_seconds("webrtc"), float(PACKETS_A_CALL)),
        notes=NOTES,
    )


def machine(benchmarks: str) -> str:
    """That of the relay's benchmark, in its own words."""
    found = re.search(r"[0-9]+ cores \([^)]*\),\s+Linux \S+,", benchmarks)
    if found is None:
        raise MissingFigureError("docs/benchmarks.md: the machine of the relay's benchmark")
    return " ".join(found[0].strip(",").split())


def _session_seconds(*kinds: str) -> list[str]:
    return [
        of_kind(kind, unit)
        for kind in (kinds or ("webrtc", "websocket"))
        for unit in (SPEAKING, SILENT)
    ]


def _silent_second(page: str) -> float:
    return number(cell(page, "a quiet room", "worker")) / 1000


def _number(page: str, row: str) -> float:
    return number(cell(page, row, "measured"))


def _microseconds(page: str, row: str) -> float:
    return _number(page, row) / 1e6


if __name__ == "__main__":
    write(cost_model(BENCHMARKS.read_text(), SILENT_USERS.read_text()), MODEL)
    print(f"wrote {MODEL.relative_to(ROOT)}")
