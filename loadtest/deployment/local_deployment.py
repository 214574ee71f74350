"""Antiphon's own tiers as child processes of this one, on loopback.

They end with this process, however that ends.
"""

import asyncio
import os
import tempfile
from pathlib import Path

from chassis.readiness import ReadyReport
from loadtest.callers.fleet import Target
from loadtest.deployment.deployment import DeploymentError, TierUse
from loadtest.deployment.local_settings import LocalSettings
from loadtest.deployment.part import Part
from loadtest.deployment.process_use import ProcessUse
from loadtest.deployment.secret_files import SIP_USER, write_files
from loadtest.deployment.tier_command import (
    TierCommand,
    inference_command,
    reflector_command,
    relay_command,
    transceiver_command,
)
from loadtest.scenario.scenario import Fault, FaultAction


class LocalDeployment:
    """A `Deployment`."""

    def __init__(self, settings: LocalSettings | None = None) -> None:
        self._settings = settings or LocalSettings()
        self._directory = tempfile.TemporaryDirectory(prefix="antiphon-loadtest-")
        self._path = Path(self._directory.name)
        self._files, self._secrets = write_files(self._path)
        # What a tier that is killed leaves behind goes with this directory.
        self._environ = {**os.environ, "TMPDIR": str(self._path)}
        self._parts: list[Part] = []
        self._use = ProcessUse()
        self._target: Target | None = None

    @property
    def target(self) -> Target:
        if self._target is None:
            raise DeploymentError("the deployment is not up")
        return self._target

    async def start(self) -> None:
        settings, files = self._settings, self._files
        replicas = settings.inference_replicas if settings.transceiver_workers else 0
        relay, *inference = await asyncio.gather(
            self._start(relay_command(settings, files)),
            *(self._start(inference_command(settings)) for _ in range(replicas)),
        )
        reflectors = [
            await self._start(reflector_command(settings, files, relay))
            for _ in range(settings.reflectors)
        ]
        transceiver: ReadyReport = {}
        if settings.transceiver_workers:
            command = transceiver_command(settings, files, relay, inference)
            transceiver = await self._start(command)
        self._target = self._reached_by(transceiver, reflectors)
        self.use()

    async def stop(self) -> None:
        # The transceiver comes first: it would take the others' end for a fault, and say so.
        for part in reversed(self._parts):
            await part.stop()
        self._parts.clear()
        self._directory.cleanup()

    async def carry_out(self, fault: Fault) -> str:
        return await self._carried_out(fault, self._tier(fault.tier))

    def use(self) -> TierUse:
        return self._use.take(
            {session: part.command.tier for part in self._parts for session in part.sessions}
        )

    def pids(self, tier: str) -> list[int]:
        """The first processes of a tier."""
        return [pid for part in self._tier(tier) for pid in part.sessions]

    async def _start(self, command: TierCommand) -> ReadyReport:
        part = Part(command, self._path, self._environ)
        self._parts.append(part)
        return await part.start()

    def _reached_by(self, transceiver: ReadyReport, reflectors: list[ReadyReport]) -> Target:
        return Target(
            http=f"http://{transceiver['http']}" if transceiver else "",
            api_key=self._secrets.api_key,
            sip=str(transceiver["sip"]) if self._settings.sip else "",
            sip_user=SIP_USER if self._settings.sip else "",
            sip_password=self._secrets.sip_password if self._settings.sip else "",
            reflector=",".join(f"http://{each['http']}" for each in reflectors),
        )

    def _tier(self, name: str) -> list[Part]:
        parts = [part for part in self._parts if part.command.tier == name]
        if not parts:
            raise DeploymentError(f"there is no tier {name!r} here")
        return parts

    async def _carried_out(self, fault: Fault, parts: list[Part]) -> str:
        """To the first one of the tier; a restart to all."""
        first = parts[0]
        match fault.action:
            case FaultAction.KILL:
                return await first.kill_worker()
            case FaultAction.RESTART:
                await asyncio.gather(*(part.restart() for part in parts))
                return "killed, and started again"
            case FaultAction.HAND_OVER:
                if fault.tier != "relay":
                    raise DeploymentError("only a relay hands over")
                await first.hand_over()
                return "handed over to a new process"
            case FaultAction.DRAIN:
                await first.drain()
                return "drained, and started again"
            case FaultAction.PAUSE:
                await first.pause(fault.seconds)
                return f"paused for {fault.seconds:g} s"
            case FaultAction.COMMAND:
                raise DeploymentError("a command is not the deployment's")
