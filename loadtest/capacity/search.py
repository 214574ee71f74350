"""The search for the largest load that holds: asks for one load after another."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a search begins and when it is content."""

    start: int = 10
    """Sessions of the first step."""
    growth: float = 2.0
    """From one step to the next, for as long as nothing fails; above 1."""
    resolution: float = 0.05
    """Of the answer: the least load known to fail is at most so much above the answer."""
    most: int = 10_000_000
    """More is never tried."""


class CapacitySearch:
    """Grows the load until it fails, then halves what lies between.

    A load that fails is asked for once more, and has failed when it does so again: on a machine
    that others use too, one bad second is no limit.
    """

    def __init__(self, bounds: Bounds = Bounds()) -> None:
        self._bounds = bounds
        self._next: int | None = max(1, min(bounds.start, bounds.most))
        self._failed_once = False
        self.largest = 0
        """The largest load that held; 0: none yet."""
        self.failing: int | None = None
        """The smallest one that failed twice."""

    @property
    def next(self) -> int | None:
        """The load to try next, in sessions; None: the search is over."""
        return self._next

    @property
    def repeats(self) -> bool:
        """Whether the next load failed once already."""
        return self._failed_once

    def tell(self, held: bool) -> None:
        """What came of `next`. Raises ValueError where nothing was asked."""
        if self._next is None:
            raise ValueError("the search is over")
        if not held and not self._failed_once:
            self._failed_once = True
            return
        if held:
            self.largest = self._next
        else:
            self.failing = self._next
        self._failed_once = False
        self._next = self._following()

    def _following(self) -> int | None:
        if self.failing is None:
            return self._grown()
        if self.largest == 0:
            return self._shrunk(self.failing)
        step = max(1, int(self.largest * self._bounds.resolution))
        if self.failing - self.largest <= step:
            return None
        return (self.largest + self.failing) // 2

    def _grown(self) -> int | None:
        if self.largest >= self._bounds.most:
            return None
        grown = max(self.largest + 1, int(self.largest * self._bounds.growth))
        return min(grown, self._bounds.most)

    def _shrunk(self, failing: int) -> int | None:
        """Nothing held yet: downwards as fast as upwards, and by half at least."""
        if failing == 1:
            return None
        return max(1, int(failing / max(2.0, self._bounds.growth)))
