"""A real relay and reflectors behind it, on loopback, on ports of their choice."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import psutil

from antiphon_proto.cluster_keys import ClusterKeys
from chassis.host_port import HostPort
from chassis.readiness import ReadyReport, parse_ready

ANY = "127.0.0.1:0"


class Tier:
    """`python -m MODULE` with these flags."""

    def __init__(self, module: str, *flags: str) -> None:
        reading, writing = os.pipe()
        command = [sys.executable, "-m", module, *flags, f"--ready-fd={writing}"]
        self.process = subprocess.Popen(command, pass_fds=[writing])
        os.close(writing)
        with os.fdopen(reading) as pipe:
            self.report: ReadyReport = parse_ready(pipe.read())

    def tree(self) -> list[psutil.Process]:
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def kill(self) -> None:
        for process in self.tree():
            process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.kill()


class ReflectedDeployment:
    """A relay and so many reflectors; what is behind the relay's ports may be started again."""

    def __init__(self, directory: Path, reflectors: int) -> None:
        self._keys = directory / "cluster.keys"
        self._keys.touch(mode=0o600)
        self._keys.write_text(ClusterKeys.generate(secrets.token_bytes(32)))
        self._handover = directory / "handover"
        self.relay = self._start_relay(ANY, ANY)
        self.public = HostPort.parse(str(self.relay.report["public"]))
        tunnels = self.relay.report["tunnels"]
        assert isinstance(tunnels, list)
        [self._tunnel] = tunnels
        self.reflectors = [self._start_reflector() for _ in range(reflectors)]

    @property
    def urls(self) -> list[str]:
        return [f"http://{reflector.report['http']}" for reflector in self.reflectors]

    def tunnel_of(self, reflector: int) -> HostPort:
        return HostPort.parse(str(self.reflectors[reflector].report["tunnel"]))

    def counters(self, name: str) -> int:
        """Of all reflectors together."""
        return sum(self._counters(url)[name] for url in self.urls)

    def restart_relay(self) -> None:
        """Kill it, and start it again on the same ports."""
        self.relay.kill()
        self.relay = self._start_relay(str(self.public), self._tunnel)

    def hand_over(self) -> None:
        """Have another process take the relay's sockets and flows over."""
        before = self.relay
        self.relay = self._start_relay(str(self.public), self._tunnel)
        before.process.wait()

    def stop(self) -> None:
        for tier in [self.relay, *self.reflectors]:
            tier.stop()

    def _start_relay(self, public: str, tunnel: str) -> Tier:
        binds = (f"--public={public}", f"--tunnel={tunnel}", f"--admin={ANY}", "--cpus=off")
        flags = (f"--handover={self._handover}", "--log-level=warning", *binds)
        return Tier("relay", f"--cluster-keys={self._keys}", *flags)

    def _start_reflector(self) -> Tier:
        relay = (f"--public={self.public}", f"--relays={self._tunnel}")
        return Tier("loadtest.reflector", f"--cluster-keys={self._keys}", *relay)

    def _counters(self, url: str) -> dict[str, int]:
        with urlopen(f"{url}/counters") as answer:
            counters: dict[str, int] = json.load(answer)
        return counters


@contextmanager
def reflected_deployment(directory: Path, reflectors: int) -> Iterator[ReflectedDeployment]:
    running = ReflectedDeployment(directory, reflectors)
    try:
        yield running
    finally:
        running.stop()
