"""Runs every contender in turn, round by round, and then what is measured once."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import uvloop

from bench.figures import percentile
from bench.measured_process import ProcessFailedError
from bench.transceiver import speech
from bench.transceiver.codec_floor import codec_calls_per_core
from bench.transceiver.contender import Contender, Cores, aiortc, antiphon
from bench.transceiver.load_client import Habits
from bench.transceiver.load_run import HIGHEST_LOAD, LoadRun, run_load
from bench.transceiver.memory import memory_per_call
from bench.transceiver.noted_run import NotedRun, run_noted
from bench.transceiver.redundancy_run import Recovery, run_with_losses
from bench.transceiver.set_up import Start, set_up_cpu_seconds, time_to_media
from transceiver.audio.opus_mode import OpusMode

TARGET_LOAD = 0.65
"""Of the measured core; what the number of calls is chosen for."""
HELPERS_LOAD = 0.75
"""Of the other cores at most, or those who work for the measured process hold it up."""
CALIBRATION_SECONDS = 4.0
CALIBRATIONS = 3
ENOUGH_LOAD = 0.60
"""Calls cost less each, the more there are: few say little of how many are needed."""

NOTED = ("voip.antiphon", "voip.aiortc")
LOST_SHARE, LOSSY_CALLS = 0.05, 40
SET_UPS, STARTS, CALLS_IN_MEMORY = 40, 10, 40


@dataclass(frozen=True, slots=True)
class Load:
    """A contender under the load that it is compared by."""

    start: Callable[..., AbstractContextManager[Contender]]
    """Takes the cores, and optionally `notes`."""
    coding: speech.Coding
    calibration_calls: int

    @property
    def habits(self) -> Habits:
        return Habits(speech.packets(self.coding))


LOADS = {
    "voip.antiphon": Load(partial(antiphon, flags=("--opus=voip",)), speech.VOIP, 15),
    "voip.aiortc": Load(aiortc, speech.VOIP, 5),
    "celt.antiphon": Load(partial(antiphon, flags=("--opus=celt",)), speech.CELT, 15),
}
"""As `summary.LOADS` names them."""

FLOORS = {"voip": (speech.VOIP, OpusMode.VOIP), "celt": (speech.CELT, OpusMode.CELT)}


@dataclass(slots=True)
class Results:
    """What was measured; the lists hold an entry a valid run."""

    loads: dict[str, list[LoadRun]] = field(default_factory=dict)
    floors: dict[str, list[float]] = field(default_factory=dict)
    noted: dict[str, NotedRun] = field(default_factory=dict)
    starts: dict[str, list[Start]] = field(default_factory=dict)
    set_up_cpu_seconds: dict[str, float] = field(default_factory=dict)
    recovery: Recovery | None = None
    bytes_per_call: float | None = None
    faults: list[str] = field(default_factory=list)


class Rounds:
    """Measures into `results`, and says what it found as it goes."""

    def __init__(self, cores: Cores, only: frozenset[str], seconds: float) -> None:
        """`only` names the loads that are wanted; `seconds` is the length of a run."""
        self.results = Results()
        self._cores = cores
        self._only = only
        self._seconds = seconds
        self._calls: dict[str, int] = {}

    def run(self) -> None:
        """One round: every load once."""
        for name, (coding, mode) in FLOORS.items():
            floor = codec_calls_per_core(speech.packets(coding), mode)
            self.results.floors.setdefault(name, []).append(floor)
        for name, load in self._wanted():
            with self._tried(name):
                self._run_load(name, load)

    def run_noted(self) -> None:
        """When frames reach the engine, and what one lost packet does, at the same load."""
        for name, load in self._wanted():
            if name not in NOTED or name not in self._calls:
                continue
            with self._tried(f"{name}, noted"), tempfile.TemporaryDirectory() as directory:
                notes = Path(directory) / "notes"
                habits = Habits(speech.packets(load.coding), named=True)
                with load.start(self._cores, notes=notes) as contender:
                    self.results.noted[name] = uvloop.run(
                        run_noted(contender, habits, notes, self._calls[name], self._seconds / 2)
                    )

    def run_once(self) -> None:
        """Set-up, memory and redundancy."""
        for name, load in self._wanted():
            if name not in NOTED:
                continue
            with self._tried(f"{name}, set-up"), load.start(self._cores) as contender:
                uvloop.run(self._set_up(name, load, contender))
            if name == "voip.antiphon":
                with self._tried(f"{name}, loss"), load.start(self._cores) as contender:
                    uvloop.run(self._lose(load, contender))

    def _run_load(self, name: str, load: Load) -> None:
        with load.start(self._cores) as contender:
            print(f"{name}: measuring process {contender.measured.pid}", flush=True)
            if name not in self._calls:
                self._calls[name] = uvloop.run(self._calibrate(load, contender))
            run = uvloop.run(run_load(contender, load.habits, self._calls[name], self._seconds))
        print(described(name, run), flush=True)
        if run.fault:
            self._faulty(name, run.fault)
            self._calls[name] = calls_for(run, len(self._cores.others))
        else:
            self.results.loads.setdefault(name, []).append(run)

    async def _calibrate(self, load: Load, contender: Contender) -> int:
        """How many calls to measure with."""
        calls = load.calibration_calls
        for _ in range(CALIBRATIONS):
            run = await run_load(contender, load.habits, calls, CALIBRATION_SECONDS)
            calls = calls_for(run, len(self._cores.others))
            if ENOUGH_LOAD <= run.busy <= HIGHEST_LOAD:
                break
        return calls

    async def _set_up(self, name: str, load: Load, contender: Contender) -> None:
        results, speaks = self.results, speech.packets(load.coding)
        if name == "voip.antiphon":
            results.bytes_per_call = await memory_per_call(contender, load.habits, CALLS_IN_MEMORY)
            results.set_up_cpu_seconds["data_channel"] = await set_up_cpu_seconds(
                contender, SET_UPS, data_channel=True
            )
        key = "no_data_channel" if name == "voip.antiphon" else "aiortc"
        results.set_up_cpu_seconds[key] = await set_up_cpu_seconds(
            contender, SET_UPS, data_channel=False
        )
        results.starts[name] = await time_to_media(contender, speaks, STARTS)

    async def _lose(self, load: Load, contender: Contender) -> None:
        self.results.recovery = await run_with_losses(
            contender, speech.packets(load.coding), LOSSY_CALLS, self._seconds, LOST_SHARE
        )

    def _wanted(self) -> Iterator[tuple[str, Load]]:
        return ((name, load) for name, load in LOADS.items() if name in self._only)

    @contextmanager
    def _tried(self, name: str) -> Iterator[None]:
        try:
            yield
        except (ProcessFailedError, TimeoutError, OSError) as error:
            self._faulty(name, f"{error or type(error).__name__}")

    def _faulty(self, name: str, fault: str) -> None:
        print(f"not counted: {name}: {fault}", flush=True)
        self.results.faults.append(f"{name}: {fault}")


def calls_for(run: LoadRun, other_cores: int) -> int:
    """How many calls load the measured core as wanted, and the others not too much."""
    helping = sum(run.other_cpu_seconds.values()) / run.seconds / run.calls
    most = HELPERS_LOAD * other_cores / helping
    return max(1, int(min(TARGET_LOAD * run.calls_per_core, most)))


def described(name: str, run: LoadRun) -> str:
    """A run in a line, for whoever watches."""
    late = [percentile(run.lateness_seconds, percent) * 1000 for percent in (50, 95, 99, 99.9)]
    shares = {who: used / run.seconds for who, used in run.other_cpu_seconds.items()}
    return (
        f"{name}: {run.calls} calls, {run.busy:.1%} of a core, {run.calls_per_core:.1f} a core, "
        f"{run.cpu_seconds / run.expected * 1e6:.0f} us a frame both ways; as clients see it late "
        f"p50, p95, p99, p99.9: {', '.join(f'{each:.2f}' for each in late)} ms; "
        + ", ".join(f"{who} {share:.0%}" for who, share in shares.items())
    )
