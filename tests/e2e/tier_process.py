"""Tiers of a test's own, beside those of a deployment whose relay and keys they use."""

import os
import subprocess
from functools import cached_property

from antiphon.call import session_config
from antiphon.realtime_call import RealtimeCall
from chassis.host_port import HostPort
from chassis.readiness import ReadyReport, parse_ready
from tests.e2e.running_deployment import RunningDeployment, scraped


class TierProcess:
    """Started like the deployment's own, on addresses of its own and with `flags` besides."""

    def __init__(
        self, deployment: RunningDeployment, tier: str, binds: tuple[str, ...], *flags: str
    ) -> None:
        self._reports, writing = os.pipe()
        ours = (*(f"{bind}=127.0.0.1:0" for bind in binds), *flags, f"--ready-fd={writing}")
        replaced = tuple(flag.partition("=")[0] for flag in ours)
        theirs = deployment.tier(tier).cmdline()
        command = [argument for argument in theirs if not argument.startswith(replaced)]
        self.process = subprocess.Popen([*command, *ours], pass_fds=[writing])
        os.close(writing)

    @cached_property
    def report(self) -> ReadyReport:
        """What it said once it was ready; waits for that."""
        with os.fdopen(self._reports) as pipe:
            return parse_ready(pipe.readline())

    def end(self) -> None:
        """Kill it, if it runs."""
        self.process.kill()
        self.process.wait()


class Transceiver(TierProcess):
    def __init__(self, deployment: RunningDeployment, *flags: str) -> None:
        binds = ("--http", "--tunnel", "--admin")
        super().__init__(deployment, "transceiver", binds, "--workers=1", *flags)
        self.api_key = deployment.api_key
        self.url = f"http://{self.report['http']}"

    async def place(self, call: RealtimeCall, model: str | None = "echo") -> None:
        await call.place(self.url, self.api_key, session_config(model))

    def metrics(self) -> dict[str, float]:
        [admin] = self.report["admins"]
        return scraped(f"http://{admin}/metrics")


class Replica(TierProcess):
    def __init__(self, deployment: RunningDeployment, *flags: str) -> None:
        super().__init__(deployment, "inference", ("--grpc", "--admin"), *flags)

    @property
    def address(self) -> HostPort:
        return HostPort.parse(str(self.report["grpc"]))

    @property
    def sessions(self) -> float:
        return scraped(f"http://{self.report['admin']}/metrics")["antiphon_inference_sessions"]
