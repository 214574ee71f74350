"""What the callers of one process note, cut into seconds of the run."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from loadtest.measures.detail import shown
from loadtest.measures.histogram import Histogram
from loadtest.measures.interval import FailedCall, Interval, bounded
from loadtest.measures.names import Count, Failure, Latency


class Measures:
    """Callers note here; the worker takes an `Interval` each second. Not for several threads."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """`secrets` are shown in no failure's detail."""
        self._secrets = tuple(filter(None, secrets))
        self._sessions = 0
        self._noted = {latency: array("d") for latency in Latency}
        self._arrays: dict[Latency, list[npt.NDArray[np.float64]]] = defaultdict(list)
        self._counts: Counter[Count] = Counter()
        self._failures: list[FailedCall] = []

    @property
    def sessions(self) -> int:
        """Calls that are up."""
        return self._sessions

    def note(self, latency: Latency, seconds: float) -> None:
        self._noted[latency].append(seconds)

    def note_many(self, latency: Latency, seconds: Iterable[float]) -> None:
        """Also takes a numpy array, which must stay as it is."""
        if isinstance(seconds, np.ndarray):
            if len(seconds):
                self._arrays[latency].append(seconds)
        else:
            self._noted[latency].extend(seconds)

    def count(self, what: Count, number: int = 1) -> None:
        self._counts[what] += number

    def opened(self) -> None:
        """A call is up: counts it as set up, and among the sessions until `closed`."""
        self._sessions += 1
        self._counts[Count.CALLS_SET_UP] += 1

    def closed(self) -> None:
        """A call that was up is over; whether it ended or failed is counted apart."""
        self._sessions -= 1

    def failed(self, number: int, reason: Failure, detail: str = "") -> None:
        """Count a failed call; some of each reason are kept with their details."""
        self._counts[Count.CALLS_FAILED] += 1
        self._failures.append(FailedCall(number, reason, shown(detail, self._secrets)))

    def take(self, second: int, cpu_seconds: float = 0.0) -> Interval:
        """What was noted since the last time."""
        counts, self._counts = self._counts, Counter()
        failures, self._failures = self._failures, []
        return Interval(
            second,
            {what: number for what, number in counts.items() if number},
            self._sessions,
            self._histograms(),
            bounded(failures),
            cpu_seconds,
            Counter(each.reason for each in failures),
        )

    def _histograms(self) -> dict[Latency, Histogram]:
        found: dict[Latency, Histogram] = {}
        for latency, noted in self._noted.items():
            arrays = self._arrays.pop(latency, [])
            if noted:
                arrays.append(np.frombuffer(noted, float))
                self._noted[latency] = array("d")
            if arrays:
                found[latency] = Histogram()
                found[latency].record_many(np.concatenate(arrays))
        return found
