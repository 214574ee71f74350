"""A relay and a transceiver as processes of their own, before a replica that is scripted."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from antiphon.child_process import ChildProcess
from antiphon.runtime_directory import RuntimeDirectory, new_api_key, new_cluster_keys
from antiphon.tier_command import TierCommand, relay_command, transceiver_command
from antiphon.tier_output import TierOutput
from antiphon.up_settings import UpSettings
from chassis.host_port import HostPort
from tests.conformance.scripted_replica import ScriptedReplica

ANY_PORT = HostPort("127.0.0.1", 0)


@dataclass(frozen=True)
class Stage:
    """Where scenarios are played."""

    url: str
    api_key: str
    replica: ScriptedReplica
    log: list[str] = field(default_factory=list)
    """What the processes wrote."""
    names: dict[str, str] = field(default_factory=dict)
    """What scenarios may know from the beginning, by `$name`."""


class Log:
    """Shown with a test that fails, and kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: bytes) -> None:
        self.lines.append(line.decode(errors="replace"))
        sys.stderr.write(self.lines[-1])


@asynccontextmanager
async def raised_stage(**flags: str) -> AsyncIterator[Stage]:
    """`flags` are the transceiver's, beside those that `antiphon up` gives it."""
    settings = UpSettings(http=ANY_PORT, relay=ANY_PORT, admin=ANY_PORT)
    replica, api_key, log = ScriptedReplica(), new_api_key(), Log()
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(RuntimeDirectory())
        cluster_keys = directory.write_secret("cluster.keys", new_cluster_keys())
        api_keys = directory.write_secret("api.keys", api_key)
        grpc = await stack.enter_async_context(replica.served())
        relay = await _started(stack, relay_command(settings, cluster_keys), log)
        command = transceiver_command(
            settings,
            advertise=relay.binds["public"],
            inference=[grpc],
            cluster_keys=cluster_keys,
            api_keys=api_keys,
        )
        # Whatever else this machine does, a scenario is not refused.
        flags = {**command.flags, "max-load": "1", **flags}
        transceiver = await _started(stack, replace(command, flags=flags), log)
        yield Stage(f"http://{transceiver.binds['http']}", api_key, replica, log.lines)


async def _started(stack: AsyncExitStack, command: TierCommand, log: Log) -> TierCommand:
    """Where it listens."""
    child = ChildProcess(command.arguments(), os.environ, TierOutput(log.write))
    stack.push_async_callback(child.stop)
    return command.rebound(await child.ready())
