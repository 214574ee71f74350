"""The timers of one session."""

from collections.abc import Iterable
from dataclasses import dataclass

from inference.engines.cascade.number_words import number_words

UNIT_SECONDS = {"second": 1, "minute": 60, "hour": 3600}


@dataclass(frozen=True, slots=True)
class Timer:
    label: str
    """For example "five minute"."""
    due: float


class Timers:
    """Times are seconds on any clock that only grows."""

    def __init__(self, timers: Iterable[Timer] = ()) -> None:
        self._timers = list(timers)

    def copy(self) -> "Timers":
        return Timers(self._timers)

    @property
    def running(self) -> int:
        return len(self._timers)

    def set(self, number: int, unit: str, now: float) -> Timer:
        """`unit`: a key of UNIT_SECONDS."""
        timer = Timer(f"{number_words(number)} {unit}", now + number * UNIT_SECONDS[unit])
        self._timers.append(timer)
        return timer

    def take_due(self, now: float) -> list[Timer]:
        """Timers that have run out, the first one first; they are gone then."""
        due = sorted((timer for timer in self._timers if timer.due <= now), key=_due)
        self._timers = [timer for timer in self._timers if timer.due > now]
        return due

    def next(self) -> Timer | None:
        """The timer that runs out first."""
        return min(self._timers, key=_due, default=None)

    def cancel_all(self) -> int:
        """Give the number of timers that were running."""
        count = len(self._timers)
        self._timers.clear()
        return count


def duration_words(seconds: float) -> str:
    """For example "one minute and ten seconds"; rounded up to seconds."""
    whole = max(1, int(-(-seconds // 1)))
    parts = []
    for unit, size in (("hour", 3600), ("minute", 60), ("second", 1)):
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{number_words(count)} {unit}{'' if count == 1 else 's'}")
    return " and ".join(parts)


def _due(timer: Timer) -> float:
    return timer.due
