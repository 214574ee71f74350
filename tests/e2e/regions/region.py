"""A cluster on a host of its own: a relay, a transceiver and an inference replica."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chassis.host_port import HostPort
from chassis.readiness import parse_ready
from tests.e2e.namespaces import Namespace
from tests.e2e.running_deployment import scraped


@dataclass(frozen=True, slots=True)
class Secrets:
    """Files that all clusters of a deployment share."""

    cluster_keys: Path
    api_keys: Path


class Region:
    """Number N has the address 10.71.N.1 wherever it is routed to."""

    def __init__(self, namespace: Namespace, number: int, secrets: Secrets, log: int) -> None:
        """The processes write to the descriptor `log`."""
        self.namespace = namespace
        self.number = number
        self.host = f"10.71.{number}.1"
        self.relay = HostPort(self.host, 3478)
        self.url = f"http://{self.host}:8080"
        self._secrets = secrets
        self._log = log
        self._reports: list[int] = []
        self._started: dict[str, subprocess.Popen[str]] = {}
        namespace.ip(f"address add {self.host}/32 dev lo")

    def start(self, zones: Path) -> None:
        """Start all tiers at once; `wait_until_ready` for them."""
        keys = f"--cluster-keys={self._secrets.cluster_keys}"
        cluster = f"--cluster-id={self.number}"
        self._start(
            "relay",
            "relay",
            f"--public={self.relay}",
            f"--tunnel={self.host}:40000",
            "--clusters=1=10.71.1.1:40000,2=10.71.2.1:40000",
            f"--admin={self.host}:8081",
            "--cpus=off",
            cluster,
            keys,
        )
        self._start(
            "inference",
            "tests.e2e.echo_inference",
            "--engine=echo",
            f"--grpc={self.host}:50051",
            f"--admin={self.host}:8082",
        )
        self._start(
            "transceiver",
            "transceiver",
            f"--http={self.host}:8080",
            f"--tunnel={self.host}:7000",
            f"--advertise={self.relay}",
            f"--inference={self.host}:50051",
            f"--api-keys={self._secrets.api_keys}",
            f"--zones={zones}",
            f"--admin={self.host}:8083",
            "--drain-seconds=0",
            cluster,
            keys,
        )

    def wait_until_ready(self) -> None:
        for report in self._reports:
            with os.fdopen(report) as pipe:
                parse_ready(pipe.readline())
        self._reports.clear()

    def metrics(self, tier: str) -> dict[str, float]:
        """The samples of a tier's admin port."""
        port = {"relay": 8081, "inference": 8082, "transceiver": 8083}[tier]
        with self.namespace.entered():
            return scraped(f"http://{self.host}:{port}/metrics")

    def stop(self) -> None:
        for report in self._reports:
            os.close(report)
        for tier in self._started:
            self.end(tier)

    def end(self, tier: str) -> None:
        """Have a tier end at once."""
        process = self._started[tier]
        process.send_signal(signal.SIGINT)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start(self, tier: str, module: str, *flags: str) -> None:
        reading, writing = os.pipe()
        self._reports.append(reading)
        command = [sys.executable, "-m", module, *flags, f"--ready-fd={writing}"]
        started = self.namespace.start(*command, pass_fds=[writing], output=self._log)
        self._started[tier] = started
        os.close(writing)


@contextlib.contextmanager
def stopping(*regions: Region) -> Iterator[None]:
    try:
        yield
    finally:
        for region in regions:
            region.stop()
