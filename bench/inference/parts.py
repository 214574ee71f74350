"""What `make bench-inference` runs, one after the other, each in processes of its own."""

import json
import math
import subprocess
import sys
from dataclasses import dataclass

from bench.figures import OUT

TIMEOUT_S = 400

Figures = dict[str, float | str]


class PartFailedError(Exception):
    """A measurement ended without its figures."""


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    """Of its file in `bench/out`."""
    module: str
    arguments: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    """Arguments for a quick look."""
    prefix: str = ""
    """Of its figures' names here, instead of `prefix_there`."""
    prefix_there: str = ""

    def run(self, *, quick: bool) -> Figures:
        """Raises PartFailedError."""
        path = OUT / f"{self.name}.json"
        path.unlink(missing_ok=True)
        command = [sys.executable, "-m", self.module, *(self.quick if quick else self.arguments)]
        try:
            subprocess.run(command, check=True, timeout=TIMEOUT_S)
            measured: Figures = json.loads(path.read_text())
        except (subprocess.SubprocessError, OSError, ValueError) as error:
            raise PartFailedError(f"{self.name}: {error}") from error
        return {
            f"{self.prefix}{key.removeprefix(self.prefix_there)}": value
            for key, value in measured.items()
            if not key.startswith("machine.") and not _is_nan(value)
        }


def _is_nan(value: float | str) -> bool:
    """Of a figure that nothing was counted for."""
    return isinstance(value, float) and math.isnan(value)


PARTS = (
    Part(
        "turn_latency",
        "bench.inference.turn_latency",
        ("--turns=24", "--only", "rules", "llm300."),
        ("--turns=2", "--only", "rules", "llm300."),
    ),
    Part("vad_cost", "bench.inference.vad_cost", ("--seconds=5",), ("--seconds=1",)),
    Part("cancel", "bench.inference.cancel", ("--seconds=20",), ("--seconds=4",)),
    Part(
        "stale_audio",
        "bench.inference.stale_audio",
        ("--rounds=4",),
        ("--rounds=1", "--stall-seconds=2"),
    ),
    Part("interruptions", "bench.inference.interruptions", (), ("--step=9",)),
    Part(
        "hand_off",
        "bench.inference.hand_off",
        ("--rounds=5",),
        ("--rounds=1",),
        prefix="hand_off.",
    ),
    Part(
        "native_cpu",
        "bench.native_cpu",
        quick=("--seconds=5",),
        prefix="native_cpu.",
        prefix_there="native.",
    ),
    Part(
        "turn_detection",
        "bench.inference.turn_detection",
        quick=("--count=3",),
        prefix="turn_detection.",
    ),
    Part("answers", "bench.inference.answers", (), ("--count=10",)),
)
