"""A cluster's keys with what their holders can make of them, and relays as real processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from antiphon_proto import stun
from antiphon_proto.address import Address
from antiphon_proto.cluster_keys import ClusterKeys
from antiphon_proto.tunnel import Frame, FrameType, TunnelReceiver, TunnelSender
from antiphon_proto.ufrag import RANDOM_BYTES, Owner, UfragMinter, UfragReader
from loadtest.deployment.workers import workers_of

FAR_FUTURE = 2_500_000_000
PATIENCE_S = 10.0
"""Bounds a test that would otherwise hang; nothing is expected to take as long."""


class Cluster:
    """The holder of a cluster's keys."""

    def __init__(self, secret: bytes = bytes(range(32))) -> None:
        self.key_text = ClusterKeys.generate(secret)
        self.keys = ClusterKeys.parse(self.key_text)
        self._passwords = UfragReader(self.keys)

    def ufrag(self, owner: Address, *, cluster_id: int = 0, not_after: int = FAR_FUTURE) -> bytes:
        minted = UfragMinter(self.keys).mint(
            Owner(*owner, cluster_id, 0, not_after), bytes(RANDOM_BYTES)
        )
        return minted.encode()

    def short_ufrag(self, owner: Address, *, not_after: int) -> bytes:
        named = Owner(*owner, 0, 0, not_after)
        return UfragMinter(self.keys).mint_short(named, bytes(RANDOM_BYTES)).encode()

    def check(self, ufrag: bytes, *, password: bytes | None = None) -> bytes:
        """A client's connectivity check, right but for what the caller says."""
        return stun.binding_request(
            b"transaction1",
            username=ufrag + b":client",
            password=self._passwords.password(ufrag) if password is None else password,
            priority=1,
            tie_breaker=2,
            controlling=True,
        )


class OwnerPeer:
    """A transceiver worker's end of the tunnel."""

    def __init__(self, cluster: Cluster) -> None:
        self.socket = udp_socket()
        self.address: Address = self.socket.getsockname()
        self.ufrag = cluster.ufrag(self.address)
        self.check = cluster.check(self.ufrag)
        self._cluster = cluster
        self._receiver = TunnelReceiver(cluster.keys, self.address)
        self._senders: dict[Address, TunnelSender] = {}

    def receive(self) -> tuple[Frame, Address]:
        """The next client packet, and the tunnel address of the relay worker that sent it."""
        datagram, relay_worker = self.socket.recvfrom(65535)
        _epoch, [frame] = self._receiver.decode(datagram)
        return frame, relay_worker

    def send(self, payload: bytes, client: Address, relay_worker: Address) -> None:
        self.send_frames([Frame(FrameType.DATA, client, payload)], relay_worker)

    def send_frames(self, frames: list[Frame], relay_worker: Address) -> None:
        sender = self._senders.setdefault(
            relay_worker, TunnelSender(self._cluster.keys, 77, relay_worker)
        )
        self.socket.sendto(sender.encode(frames), relay_worker)


class RelayProcess:
    """`python -m relay` with its workers."""

    def __init__(self, key_file: Path, *flags: str) -> None:
        read_end, write_end = os.pipe()
        arguments = relay_arguments(key_file, *flags, "--ready-fd", str(write_end))
        self.process = subprocess.Popen(arguments, pass_fds=[write_end])
        os.close(write_end)
        with os.fdopen(read_end) as pipe:
            report = json.load(pipe)
        self.publics = [parse_address(public) for public in report["public"].split(",")]
        self.public = self.publics[0]
        self.tunnels = [parse_address(tunnel) for tunnel in report["tunnels"]]
        self.admin = parse_address(report["admin"])

    def fetch(self, path: str) -> str:
        url = "http://{}:{}{}".format(*self.admin, path)
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as response:
            return response.read().decode()

    def ready(self) -> str | None:
        """Why it says that it is not, else None."""
        try:
            self.fetch("/readyz")
        except urllib.error.HTTPError as refused:
            if refused.code != 503:
                raise
            return refused.read().decode().strip()
        return None

    def metric(self, name: str, **labels: str) -> float:
        [value] = [
            sample.value
            for family in text_string_to_metric_families(self.fetch("/metrics"))
            for sample in family.samples
            if sample.name == f"antiphon_relay_{name}" and sample.labels == labels
        ]
        return value

    def drops(self) -> dict[str, float]:
        """Packets dropped so far, by reason, those that were."""
        return {
            sample.labels["reason"]: sample.value
            for family in text_string_to_metric_families(self.fetch("/metrics"))
            for sample in family.samples
            if sample.name == "antiphon_relay_dropped_packets_total" and sample.value
        }

    def drops_since(self, before: Counter[str]) -> Counter[str]:
        """To be waited for: workers count what they did after they did it."""
        counted = Counter(self.drops())
        counted.subtract(before)
        return +counted

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def workers(self) -> list[psutil.Process]:
        return workers_of(self.process.pid)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


def relay_arguments(key_file: Path, *flags: str) -> list[str]:
    defaults = {"--public": "127.0.0.1:0", "--admin": "127.0.0.1:0", "--log-level": "error"}
    settings = [
        word for flag, value in defaults.items() if flag not in flags for word in (flag, value)
    ]
    return [sys.executable, "-m", "relay", "--cluster-keys", str(key_file), *settings, *flags]


def parse_address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def udp_socket() -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind(("127.0.0.1", 0))
    bound.settimeout(PATIENCE_S)
    return bound


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture(scope="session")
def stranger() -> Cluster:
    """A cluster with the same config ids and another secret."""
    return Cluster(bytes(32))


@pytest.fixture(scope="session")
def key_file(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("relay") / "cluster-keys"
    path.write_text(cluster.key_text)
    return path


@pytest.fixture
def start_relay(key_file: Path) -> Iterator[Callable[..., RelayProcess]]:
    started: list[RelayProcess] = []

    def start(*flags: str) -> RelayProcess:
        started.append(RelayProcess(key_file, *flags))
        return started[-1]

    yield start
    for relay in started:
        relay.process.kill()
        relay.process.wait()


@pytest.fixture(scope="session")
def relay(key_file: Path) -> Iterator[RelayProcess]:
    """One relay with two workers, for every test that leaves it as it was."""
    running = RelayProcess(key_file, "--workers", "2")
    yield running
    assert running.stop() == 0


@pytest.fixture
def relay_command(key_file: Path) -> Callable[..., list[str]]:
    """The command line of a relay, for one that shall not start."""
    return lambda *flags: relay_arguments(key_file, *flags)


@pytest.fixture
def owner(cluster: Cluster) -> Iterator[OwnerPeer]:
    peer = OwnerPeer(cluster)
    yield peer
    peer.socket.close()


@pytest.fixture
def new_client() -> Iterator[Callable[[], socket.socket]]:
    opened: list[socket.socket] = []

    def new() -> socket.socket:
        opened.append(udp_socket())
        return opened[-1]

    yield new
    for each in opened:
        each.close()


@pytest.fixture
def client(new_client: Callable[[], socket.socket]) -> socket.socket:
    return new_client()
