"""Which CPU each worker keeps to."""

from collections.abc import Sequence
from dataclasses import dataclass

LAST_CPU = 1023
"""The kernel's affinity masks, as Python reads them, end here on common machines."""


@dataclass(frozen=True, slots=True)
class CpuPinning:
    """`auto`: a CPU for each worker where there are enough; a list; or none of it."""

    auto: bool
    cpus: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "CpuPinning":
        """Read `auto`, `off`, or CPU numbers and ranges such as `2,4-7`. Raises ValueError."""
        if text in ("auto", "off"):
            return cls(text == "auto")
        cpus = tuple(cpu for part in text.split(",") for cpu in _range(part.strip()))
        if len(set(cpus)) < len(cpus):
            raise ValueError("names a CPU twice")
        return cls(False, cpus)

    def cpu_of(self, worker: int, workers: int, allowed: Sequence[int]) -> int | None:
        """The CPU of worker number `worker` of `workers`; None when the kernel shall choose.

        `allowed` are the CPUs that this process may run on.
        """
        if self.cpus:
            return self.cpus[worker]
        return sorted(allowed)[worker] if self.auto and workers <= len(allowed) else None

    def __str__(self) -> str:
        return ",".join(map(str, self.cpus)) or ("auto" if self.auto else "off")


def _range(text: str) -> range:
    first, _, last = text.partition("-")
    ends = [first, last or first]
    if not all(end.isascii() and end.isdigit() for end in ends):
        raise ValueError(f"expected auto, off, or CPU numbers such as 2,4-7, not {text!r}")
    low, high = map(int, ends)
    if not low <= high <= LAST_CPU:
        raise ValueError(f"no such CPUs: {text}")
    return range(low, high + 1)
