"""The three tiers of one machine: started in order, kept running, stopped together."""

import asyncio
import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from antiphon.advertised_address import advertised_address
from antiphon.child_process import STOP_GRACE_S, ChildProcess, StartError, ended_how
from antiphon.restart_policy import RestartPolicy
from antiphon.runtime_directory import RuntimeDirectory, new_cluster_keys
from antiphon.tier_command import (
    CertificateFiles,
    TierCommand,
    inference_command,
    relay_command,
    transceiver_command,
)
from antiphon.tier_output import TierOutput
from antiphon.up_settings import MODEL_SERVERS, UpSettings
from chassis.host_port import HostPort

logger = logging.getLogger(__name__)


class KeepsFailingError(Exception):
    """A tier ended too often to be worth another start."""


@dataclass
class _Tier:
    command: TierCommand
    child: ChildProcess
    restarts: RestartPolicy = field(default_factory=RestartPolicy)


class Deployment:
    """Start with `start`, then `keep_running`; `stop` at any time."""

    def __init__(
        self,
        settings: UpSettings,
        api_key: str,
        directory: RuntimeDirectory,
        environ: Mapping[str, str],
        certificate: CertificateFiles | None = None,
    ) -> None:
        self._settings = settings
        self._certificate = certificate
        self._environ = environ
        self._cluster_keys = directory.write_secret("cluster.keys", new_cluster_keys())
        self._api_keys = directory.write_secret("api.keys", api_key)
        keys = {kind: getattr(settings, f"{kind}_api_key") for kind in MODEL_SERVERS}
        self._model_api_keys = {
            kind: directory.write_secret(f"{kind}.key", key) for kind, key in keys.items() if key
        }
        self._tiers: list[_Tier] = []
        self.sip: Mapping[str, HostPort] = {}
        """Where phones and trunks are served, by `sip` and `sip-tls`; known once it is up."""

    async def start(self) -> HostPort:
        """Bring all tiers up. Returns the HTTP address.

        Raises StartError with the failing tier's own clear line.
        """
        settings = self._settings
        relay, *replicas = await asyncio.gather(
            self._start(relay_command(settings, self._cluster_keys)),
            *(
                self._start(inference_command(settings, self._model_api_keys, replica))
                for replica in range(settings.inference_replicas)
            ),
        )
        transceiver = await self._start(
            transceiver_command(
                settings,
                advertise=advertised_address(settings.advertise, relay.binds["public"]),
                relays=relay.tunnels,
                inference=[replica.binds["grpc"] for replica in replicas],
                cluster_keys=self._cluster_keys,
                api_keys=self._api_keys,
                certificate=self._certificate,
            )
        )
        self.sip = {
            name: bind for name, bind in transceiver.binds.items() if name.startswith("sip")
        }
        return transceiver.binds["http"]

    async def keep_running(self) -> None:
        """Start again, for ever, what ends by itself. Raises KeepsFailingError at last."""
        await asyncio.gather(*(self._keep_running(tier) for tier in self._tiers))

    async def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """End every tier. `start` and `keep_running` must have been cancelled or have ended.

        The transceiver comes first: it would take the others' end for a fault, and say so.
        """
        for first in (True, False):
            tiers = [t for t in self._tiers if (t.command.tier == "transceiver") is first]
            await asyncio.gather(*(tier.child.stop(grace_s) for tier in tiers))

    async def _start(self, command: TierCommand) -> TierCommand:
        tier = _Tier(command, self._spawn(command))
        self._tiers.append(tier)
        await _ready(tier)
        return tier.command

    async def _keep_running(self, tier: _Tier) -> None:
        loop = asyncio.get_running_loop()
        while True:
            how = ended_how(await tier.child.wait())
            await tier.child.stop()  # its last output is still on its way
            delay_s = tier.restarts.ended(loop.time())
            if delay_s is None:
                raise KeepsFailingError(f"{tier.command.tier} {how}, too often to start it again")
            logger.warning("%s %s; starting it again", tier.command.tier, how)
            await asyncio.sleep(delay_s)
            tier.child = self._spawn(tier.command)
            try:
                await _ready(tier)
            except StartError as failure:
                logger.warning("%s", failure)
                await tier.child.stop()

    def _spawn(self, command: TierCommand) -> ChildProcess:
        return ChildProcess(command.arguments(), self._environ, TierOutput(_to_stderr))


async def _ready(tier: _Tier) -> None:
    """Wait until it is, and note its addresses, on which it will be started again."""
    report = await tier.child.ready()
    try:
        tier.command = tier.command.rebound(report)
    except ValueError as error:
        raise StartError(f"{tier.command.tier}: {error}") from error
    logger.info("%s is ready: %s", tier.command.tier, json.dumps(dict(report)))


def _to_stderr(line: bytes) -> None:
    sys.stderr.buffer.write(line)
    sys.stderr.buffer.flush()
