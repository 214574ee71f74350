"""How long a fault was felt."""

from collections.abc import Sequence

from loadtest.result import FaultRecord, Second


def healed(faults: Sequence[FaultRecord], series: Sequence[Second]) -> list[FaultRecord]:
    """The same faults with `healed_seconds`, by what callers noted until the next fault.

    A fault is healed in the first second from its own on in which sessions receive frames
    at 95 % or more of the rate that they had before, as the median of the five seconds
    before it tells. Callers note `Latency.HEALING`, a call's longest time without a packet that
    was due, in the second in which the packet came after all: the longest of those until then
    is how long it took. Where none noted any, it is the time until that second began,
    and 0 where no second was worse.
    """
    raise NotImplementedError
