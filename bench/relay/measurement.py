"""One measured run of one relay, and what it yields."""

import time
from dataclasses import dataclass

import numpy as np

from bench.measured_process import ProcessFailedError
from bench.relay.endpoints import Endpoints
from bench.relay.load import Answer, Count, Traffic, Watch
from bench.relay.relay_process import Measured, real_time

WINDOW = 1024

_SECOND_NS = 1_000_000_000

SATURATED = {
    "up": Traffic(up_window=WINDOW),
    "down": Traffic(down_window=WINDOW),
    "both": Traffic(up_window=WINDOW, answer=Answer.AS_IT_CAME),
    "both_single": Traffic(up_window=WINDOW, answer=Answer.FRAME_BY_FRAME),
}
PACED = {
    "paced10k.both": Traffic(up_gap_ns=_SECOND_NS // 10_000, down_gap_ns=_SECOND_NS // 10_000),
    "paced20k.both": Traffic(up_gap_ns=_SECOND_NS // 20_000, down_gap_ns=_SECOND_NS // 20_000),
}
LATENCY = Traffic(up_gap_ns=_SECOND_NS // 20_000, watch=Watch.OWNERS)
TWO_WORKERS = Traffic(up_window=2 * WINDOW, answer=Answer.AS_IT_CAME)

WARM_UP_SECONDS = 0.2
REAL_TIME_WARM_UP_SECONDS = 0.1
REAL_TIME_SECONDS = 0.7
"""With the warm-up short enough for real-time threads, which may use 0.95 of each second."""
REST_SECONDS = 0.5
"""Before them, so that two such periods do not fall into one second."""

LOSS_TOLERANCE = 0.001
PACE_TOLERANCE = 0.02
LAG_TOLERANCE = 0.05


@dataclass(frozen=True, slots=True)
class Cost:
    """Packets in both directions, and the CPU time of the relay for them."""

    packets: int
    seconds: float
    cpu_seconds: float
    sent: int
    lost: int
    wrong: int
    offered: int
    """Packets sent in the measured time, of `sent` in all."""
    pace: float = 0
    """Packets a second that a paced load sends."""

    @property
    def cpu_seconds_per_million(self) -> float:
        return self.cpu_seconds / self.packets * 1e6

    @property
    def packets_per_second(self) -> float:
        return self.packets / self.seconds

    @property
    def busy(self) -> float:
        """Cores that the relay used."""
        return self.cpu_seconds / self.seconds

    @property
    def fault(self) -> str:
        """Why this run says nothing; empty when it is valid."""
        if self.wrong:
            return f"{self.wrong} packets wrong"
        # Less than none: what an earlier run gave up on came late.
        if abs(self.lost) > LOSS_TOLERANCE * self.sent:
            return f"{self.lost} of {self.sent} packets lost"
        wanted = self.pace * self.seconds
        if self.offered < (1 - PACE_TOLERANCE) * wanted:
            return f"{self.offered} of {wanted:.0f} paced packets sent"
        if self.pace and self.packets < (1 - LAG_TOLERANCE) * self.offered:
            return f"{self.packets} of {self.offered} paced packets carried in time"
        return "" if self.packets else "no packet carried"


@dataclass(frozen=True, slots=True)
class Latency:
    """One way, through a relay or directly, in seconds."""

    p50: float
    p99: float
    real_time: bool
    """Whether relay and generator ran before all ordinary threads."""

    def added_to(self, direct: "Latency") -> "Latency":
        """What is left of this without the way that the packets go anyhow."""
        return Latency(
            self.p50 - direct.p50, self.p99 - direct.p99, self.real_time and direct.real_time
        )


def measure_cost(ends: Endpoints, relay: Measured, traffic: Traffic, seconds: float) -> Cost:
    """Load the relay for that long, after a warm-up.

    Under a paced load relay and sender go before all ordinary threads, where that is allowed: a
    relay that has to wait for its core finds more to do in one go, and seems cheaper.
    """
    _start(ends)
    gaps = [gap for gap in (traffic.up_gap_ns, traffic.down_gap_ns) if gap]
    if not gaps:
        return _loaded(ends, relay, traffic, (WARM_UP_SECONDS, seconds), 0)
    time.sleep(REST_SECONDS)
    periods = REAL_TIME_WARM_UP_SECONDS, min(seconds, REAL_TIME_SECONDS)
    with real_time(relay):
        return _loaded(ends, relay, traffic, periods, sum(_SECOND_NS / gap for gap in gaps))


def _loaded(
    ends: Endpoints,
    relay: Measured,
    traffic: Traffic,
    periods: tuple[float, float],
    pace: float,
) -> Cost:
    """`periods` are the seconds before and in the measurement, `pace` the packets a second."""
    clock = relay.cpu_clock()
    ends.run(traffic, periods[0])
    received, sent, used = ends.received, ends.sent, clock()
    took = ends.run(traffic, periods[1])
    packets, offered, used = ends.received - received, ends.sent - sent, clock() - used
    ends.settle()
    return Cost(
        packets=packets,
        seconds=took,
        cpu_seconds=used,
        sent=ends.sent,
        lost=ends.sent - ends.received,
        wrong=int(ends.counts[Count.WRONG]),
        offered=offered,
        pace=pace,
    )


def measure_latency(ends: Endpoints, relay: Measured | None) -> Latency:
    """Of packets up, 20,000 a second; without a relay, of the way straight to the owner."""
    _start(ends)
    time.sleep(REST_SECONDS)
    with real_time(relay) as granted:
        ends.run(LATENCY, REAL_TIME_WARM_UP_SECONDS)
        ends.counts[Count.LATENCIES] = 0
        ends.run(LATENCY, REAL_TIME_SECONDS)
    ends.settle()
    if ends.counts[Count.WRONG] or ends.sent - ends.received > LOSS_TOLERANCE * ends.sent:
        raise ProcessFailedError("lost or misdirected packets whose latency was measured")
    p50, p99 = np.percentile(ends.latencies(), [50, 99]) / 1e9
    return Latency(float(p50), float(p99), granted)


def _start(ends: Endpoints) -> None:
    ends.settle()
    ends.counts[:] = 0
