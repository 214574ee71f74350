"""Whether the harness itself was what was slow."""

from collections import Counter
from collections.abc import Iterator, Mapping

from loadtest.measures.histogram import Histogram
from loadtest.measures.names import Latency

MAX_ARRIVAL_SECONDS = 0.05
"""p99 of how late calls were begun: more of it would be seen in set-up times."""
MAX_SEND_SECONDS = 0.01
"""p99 of how late frames were sent: half of a frame."""
MAX_CORES = 0.9
"""That one worker uses: it runs Python on one core, and beyond this nothing is on time."""


class HarnessLateness:
    """What a reader of a result must be told of the processes that measured it."""

    def __init__(self) -> None:
        self._busy: Counter[int] = Counter()
        self._told: dict[int, int] = {}

    def add(self, worker: int, second: int, cpu_seconds: float) -> None:
        """What one used since it last told of a second; one that was held up skips some."""
        passed = max(1, second - self._told.get(worker, -1))
        self._told[worker] = max(second, self._told.get(worker, -1))
        if cpu_seconds > MAX_CORES * passed:
            self._busy[worker] += passed

    def notes(self, latencies: Mapping[Latency, Histogram]) -> Iterator[str]:
        """One sentence each; `latencies` of the whole run."""
        limits = (
            (Latency.ARRIVAL_LATENESS, MAX_ARRIVAL_SECONDS, "began calls", "set-up times"),
            (Latency.SEND_LATENESS, MAX_SEND_SECONDS, "sent frames", "delays and answers"),
        )
        for latency, limit, what, where in limits:
            p99 = latencies[latency].percentile(99) if latency in latencies else None
            if p99 is not None and p99 > limit:
                yield (
                    f"The harness itself {what} late: p99 {p99 * 1000:.1f} ms, over "
                    f"{limit * 1000:.0f} ms. It shows in {where}: take more workers, fewer calls, "
                    "or a quieter machine."
                )
        for worker, busy in sorted(self._busy.items()):
            yield (
                f"Worker {worker} used more than {MAX_CORES:.0%} of a core in {busy} of "
                f"{self._told[worker] + 1} seconds."
            )
