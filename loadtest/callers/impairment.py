"""What a network does to packets on their way: loss, delay, jitter, reordering."""

import random
from collections import deque
from typing import Generic, TypeVar

from loadtest.scenario.scenario import Network

PacketT = TypeVar("PacketT")

HELD_S = 0.1
"""How long a packet waits to be overtaken where no other one comes."""


class Impairment(Generic[PacketT]):
    """One direction of a caller's path; the same seed does the same to the same packets.

    Hand each packet to `pass_on`; those that come through are handed back by `due`, some of
    them later. Where `transparent` there is no need to.
    """

    def __init__(self, network: Network, chance: random.Random) -> None:
        self._chance = chance
        self._delay_s = network.delay_ms / 1000
        self._jitter_s = network.jitter_ms / 1000
        self._reorder = network.reorder
        self._loss = _GilbertLoss(network.loss, network.loss_burst, chance)
        self._held: tuple[float, PacketT] | None = None
        self._on_their_way: deque[tuple[float, PacketT]] = deque()
        self._last_at = 0.0
        self.transparent = not (
            network.loss or network.delay_ms or network.jitter_ms or network.reorder
        )
        """Whether it does nothing to any packet."""

    def pass_on(self, packet: PacketT, now: float) -> bool:
        """Take one. False: it is lost."""
        if self._loss.takes_next():
            return False
        at = now + self._delay_s
        if self._jitter_s:
            # Its standard deviation is its mean.
            at += self._chance.expovariate(1 / self._jitter_s)
        if self._held is None and self._reorder and self._chance.random() < self._reorder:
            self._held = at, packet
            return True
        self._send(at, packet)
        if self._held is not None:
            (_at, held), self._held = self._held, None
            self._send(at, held)
        return True

    def due(self, now: float) -> list[tuple[float, PacketT]]:
        """Those that are through by now, with when each was, in that order."""
        through = []
        while (packet := self.due_next(now)) is not None:
            through.append(packet)
        return through

    def due_next(self, now: float) -> tuple[float, PacketT] | None:
        """The first of those that are through by now, and when it was."""
        if self._held is not None and self._held[0] + HELD_S <= now:
            (at, held), self._held = self._held, None
            self._send(at + HELD_S, held)
        if self._on_their_way and self._on_their_way[0][0] <= now:
            return self._on_their_way.popleft()
        return None

    @property
    def next_at(self) -> float | None:
        """When the next one will be through; None where none is on its way."""
        if self._on_their_way:
            return self._on_their_way[0][0]
        return None if self._held is None else self._held[0] + HELD_S

    def _send(self, at: float, packet: PacketT) -> None:
        """Behind all that are on their way."""
        self._last_at = max(self._last_at, at)
        self._on_their_way.append((self._last_at, packet))


class _GilbertLoss:
    """Whether each next packet is lost: E. N. Gilbert, Capacity of a Burst-Noise Channel, 1960.

    Losses without a memory come in bursts of 1 / (1 - loss) on the average; shorter ones are
    not made.
    """

    def __init__(self, loss: float, burst: float, chance: random.Random) -> None:
        self._chance = chance
        self._losing = False
        self._always = loss >= 1
        self._begins = self._ends = 0.0
        if 0 < loss < 1:
            burst = max(burst, 1 / (1 - loss))
            self._begins, self._ends = loss / (burst * (1 - loss)), 1 / burst

    def takes_next(self) -> bool:
        if not self._begins:
            return self._always
        changes = self._ends if self._losing else self._begins
        if self._chance.random() < changes:
            self._losing = not self._losing
        return self._losing
