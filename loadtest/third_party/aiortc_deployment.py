"""Stock aiortc on this machine, in the place of Antiphon."""

import os
import tempfile
from pathlib import Path

from loadtest.callers.fleet import Target
from loadtest.deployment.deployment import DeploymentError, TierUse
from loadtest.deployment.part import Part
from loadtest.deployment.process_use import ProcessUse
from loadtest.deployment.tier_command import TierCommand, local_address
from loadtest.scenario.scenario import Fault

TIER = "aiortc"


class AiortcDeployment:
    """A `Deployment` of one process, which takes no faults."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="antiphon-loadtest-")
        command = TierCommand(TIER, "loadtest.third_party.aiortc_echo", {"http": local_address()})
        self._part = Part(command, Path(self._directory.name), os.environ)
        self._use = ProcessUse()

    @property
    def target(self) -> Target:
        if not self._part.report:
            raise DeploymentError("the deployment is not up")
        return Target(http=f"http://{self._part.report['http']}", api_key="any")

    async def start(self) -> None:
        await self._part.start()
        self.use()

    async def stop(self) -> None:
        await self._part.stop()
        self._directory.cleanup()

    async def carry_out(self, fault: Fault) -> str:
        raise DeploymentError(f"{fault.action} is not to be done to a server of others")

    def use(self) -> TierUse:
        return self._use.take(dict.fromkeys(self._part.sessions, TIER))
