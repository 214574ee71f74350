"""A deployment that a run can watch and break."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from loadtest.callers.fleet import Target
from loadtest.scenario.scenario import Fault


class DeploymentError(Exception):
    """It cannot be started, or a fault cannot be done to it; one line that says why."""


@dataclass(frozen=True, slots=True)
class TierUse:
    """What each tier used of the machine since it was last asked."""

    cpu: Mapping[str, float] = field(default_factory=dict)
    """Cores, by tier: `relay`, `transceiver`, `inference`, `reflector`, or what else there is."""
    memory: Mapping[str, int] = field(default_factory=dict)
    """Resident bytes of all of a tier's processes, by tier."""


class Deployment(Protocol):
    """Something that callers call, on this machine. One event loop has it."""

    @property
    def target(self) -> Target:
        """How callers reach it, once it was started."""

    async def start(self) -> None:
        """Bring it up; returns when it takes calls. Raises DeploymentError."""

    async def stop(self) -> None:
        """End every process of it, also where `start` failed or was cancelled."""

    async def carry_out(self, fault: Fault) -> str:
        """Do this to it now; every action but `command`.

        Returns what was done, for the report, when it is over: a tier that was restarted is
        ready, one that was paused goes on. Raises DeploymentError.
        """

    def use(self) -> TierUse:
        """What its processes used since the last time, as asked once a second; does not block."""


@asynccontextmanager
async def running(deployment: Deployment) -> AsyncIterator[Deployment]:
    """It takes calls within, and is gone behind. Raises DeploymentError."""
    try:
        await deployment.start()
        yield deployment
    finally:
        await deployment.stop()
