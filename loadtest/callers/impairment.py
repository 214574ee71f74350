"""What a network does to packets on their way: loss, delay, jitter, reordering."""

import random

from loadtest.scenario.scenario import Network


class Impairment:
    """One direction of a caller's path; the same seed does the same to the same packets.

    Hand each datagram to `pass_on`; those that come through are handed back by `due`, some of
    them later. Where `transparent` there is no need to.
    """

    def __init__(self, network: Network, chance: random.Random) -> None:
        raise NotImplementedError

    @property
    def transparent(self) -> bool:
        """Whether it does nothing to any packet."""
        raise NotImplementedError

    def pass_on(self, datagram: bytes, now: float) -> bool:
        """Take one. False: it is lost."""
        raise NotImplementedError

    def due(self, now: float) -> list[tuple[float, bytes]]:
        """Those that are through by now, with when each was, in that order."""
        raise NotImplementedError

    @property
    def next_at(self) -> float | None:
        """When the next one will be through; None where none is on its way."""
        raise NotImplementedError
