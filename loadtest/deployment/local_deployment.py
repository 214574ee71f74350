"""Antiphon's own tiers as child processes of this one, on loopback, on ports of the system's choice.

They end with this process, however that ends.
"""

from loadtest.callers.fleet import Target
from loadtest.deployment.deployment import TierUse
from loadtest.deployment.local_settings import LocalSettings
from loadtest.scenario.scenario import Fault


class LocalDeployment:
    """A `Deployment`."""

    def __init__(self, settings: LocalSettings | None = None) -> None:
        self._settings = settings or LocalSettings()

    @property
    def target(self) -> Target:
        raise NotImplementedError

    async def start(self) -> None:
        raise NotImplementedError

    async def stop(self) -> None:
        raise NotImplementedError

    async def carry_out(self, fault: Fault) -> str:
        raise NotImplementedError

    def use(self) -> TierUse:
        raise NotImplementedError
