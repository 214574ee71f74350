"""The pods of one tier in one region: which start, serve, drain, and what they cost."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from loadtest.simulation.core.placing import close_pod, open_pod
from loadtest.simulation.core.state import State

Pods = NDArray[np.int64]
"""Numbers of pods, in the core."""


class PodState(IntEnum):
    ABSENT = 0
    STARTING = 1
    READY = 2
    DRAINING = 3


class Pool:
    """Pods `first` to `first + most` of the core are its own.

    Every method takes the time, which never goes back.
    """

    def __init__(self, state: State, first: int, most: int, room: int, cores: float) -> None:
        """`room`: sessions that a pod takes; `cores` are a pod's."""
        self._core = state
        self._first = first
        self._room = room
        self._cores = cores
        self._states = np.zeros(most, np.int8)
        self._ready_at = np.zeros(most)
        self._drained_at = np.zeros(most)
        self._counts = [most, 0, 0, 0]
        self._paid_until = 0.0
        self.core_seconds = 0.0
        self.peak_pods = 0
        self.lost = False
        """Whether its region is gone: nothing starts there."""

    @property
    def starting(self) -> int:
        return self._counts[PodState.STARTING]

    @property
    def ready(self) -> int:
        return self._counts[PodState.READY]

    @property
    def draining(self) -> int:
        return self._counts[PodState.DRAINING]

    @property
    def sessions(self) -> int:
        """Of all its pods, those that drain included."""
        return int(self._records()["sessions"].sum())

    @property
    def busy(self) -> float:
        """The share of its ready pods' room that is taken; 1 where there is none."""
        room = self.ready * self._room
        taken = int(self._records()["sessions"][self._states == PodState.READY].sum())
        return taken / room if room else 1.0

    def start(self, now: float, number: int, ready_at: float) -> Pods:
        """Begin to start so many, or as many as there may be."""
        if self.lost:
            return np.empty(0, np.int64)
        chosen = np.flatnonzero(self._states == PodState.ABSENT)[:number]
        self._turn(now, chosen, PodState.STARTING)
        self._ready_at[chosen] = ready_at
        return chosen + self._first

    def make_ready(self, now: float) -> int:
        """Open those whose start is over; says how many were."""
        due = (self._states == PodState.STARTING) & (self._ready_at <= now)
        chosen = np.flatnonzero(due)
        self._turn(now, chosen, PodState.READY)
        for pod in chosen + self._first:
            self._core.pods[pod]["room"] = self._room
            open_pod(self._core, int(pod))
        return len(chosen)

    def drain(self, now: float, number: int) -> Pods:
        """So many serve no new calls: those that start first, and then those of the least calls."""
        starting = np.flatnonzero(self._states == PodState.STARTING)[:number]
        self._turn(now, starting, PodState.ABSENT)
        ready = np.flatnonzero(self._states == PodState.READY)
        by_calls = np.argsort(self._records()["sessions"][ready], kind="stable")
        chosen = ready[by_calls[: number - len(starting)]]
        self._turn(now, chosen, PodState.DRAINING)
        self._drained_at[chosen] = now
        self._close(chosen)
        return chosen + self._first

    def still_draining(self, pods: Pods, *, since: float) -> Pods:
        """Those of them that are not gone, nor there anew."""
        chosen = pods - self._first
        draining = self._states[chosen] == PodState.DRAINING
        left: Pods = pods[draining & (self._drained_at[chosen] == since)]
        return left

    def let_empty_ones_go(self, now: float) -> None:
        empty = (self._states == PodState.DRAINING) & (self._records()["sessions"] == 0)
        self._turn(now, np.flatnonzero(empty), PodState.ABSENT)

    def serving(self) -> Pods:
        """Those that are ready or drain."""
        states = self._states
        found = (states == PodState.READY) | (states == PodState.DRAINING)
        return np.flatnonzero(found) + self._first

    def pod(self, index: int) -> int:
        """The core's number of one of those that may be."""
        return self._first + index

    def everything(self) -> Pods:
        return np.flatnonzero(self._states != PodState.ABSENT) + self._first

    def die(self, now: float, pods: Pods) -> None:
        """They are gone; what becomes of their calls is the caller's business."""
        chosen = pods - self._first
        self._turn(now, chosen, PodState.ABSENT)
        self._close(chosen)

    def pay(self, now: float) -> None:
        """Bring `core_seconds` up to now."""
        running = self.starting + self.ready + self.draining
        self.core_seconds += running * self._cores * (now - self._paid_until)
        self.peak_pods = max(self.peak_pods, running)
        self._paid_until = now

    def _turn(self, now: float, chosen: Pods, into: PodState) -> None:
        self.pay(now)
        for was, number in zip(*np.unique(self._states[chosen], return_counts=True), strict=True):
            self._counts[was] -= int(number)
        self._states[chosen] = into
        self._counts[into] += len(chosen)
        self.pay(now)

    def _close(self, chosen: Pods) -> None:
        for pod in chosen + self._first:
            self._core.pods[pod]["room"] = 0
            close_pod(self._core, int(pod))

    def _records(self) -> NDArray[np.void]:
        return self._core.pods[self._first : self._first + len(self._states)]
