"""The relays that are compared, each under the same calls and packets."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from antiphon_proto.cluster_keys import ClusterKeys
from bench.figures import OUT
from bench.peers import coturn
from bench.relay.endpoints import Endpoints
from bench.relay.relay_process import RelayProcess
from bench.relay.tunnel_calls import TunnelCalls

HOST = "127.0.0.1"
ANY_PORT = f"{HOST}:0"
PEERS = Path(__file__).parents[1] / "peers"
GO_RELAY = OUT / "go-relay"

Start = Callable[[Endpoints, set[int]], AbstractContextManager[RelayProcess]]


@dataclass(frozen=True, slots=True)
class Contender:
    """A relay under a name; `start` connects all calls through it, until its context ends."""

    key: str
    title: str
    start: Start
    missing: str = ""
    """Why it cannot run on this machine; empty when it can."""


@contextmanager
def antiphon(
    flags: Sequence[str], ends: Endpoints, cores: set[int], workers: int = 1
) -> Iterator[RelayProcess]:
    """Our own relay, with every client bound by its owner."""
    with cluster_keys() as (keys, path):
        command = antiphon_command(path, [f"--workers={workers}", *flags])
        with RelayProcess("relay-antiphon", command, cores) as process:
            TunnelCalls(ends, keys).connect(process.ready(), bind=True)
            yield process


def antiphon_command(keys: Path, flags: Sequence[str]) -> list[str | Path]:
    return [
        *(sys.executable, "-m", "relay", f"--cluster-keys={keys}", "--log-level=warning"),
        "--drain-seconds=0",
        *(f"--public={ANY_PORT}", f"--tunnel={ANY_PORT}", f"--admin={ANY_PORT}", *flags),
    ]


@contextmanager
def go(flags: Sequence[str], ends: Endpoints, cores: set[int]) -> Iterator[RelayProcess]:
    with cluster_keys() as (keys, _path):
        calls = TunnelCalls(ends, keys)
        cipher = keys.first.derive("ufrag cipher ipv4", 16)
        command: list[str | Path] = [
            GO_RELAY,
            f"-ufrag-key={cipher.hex()}",
            *_owner_flags(calls),
            *flags,
        ]
        with RelayProcess("relay-go", command, cores) as process:
            calls.connect(process.ready(), bind=False)
            yield process


@contextmanager
def asyncio_relay(ends: Endpoints, cores: set[int]) -> Iterator[RelayProcess]:
    with cluster_keys() as (keys, path):
        calls = TunnelCalls(ends, keys)
        module = (sys.executable, "-m", "bench.peers.asyncio_relay")
        command = [*module, f"--cluster-keys={path}", *_owner_flags(calls)]
        with RelayProcess("relay-asyncio", command, cores) as process:
            calls.connect(process.ready(), bind=False)
            yield process


@contextmanager
def turn(ends: Endpoints, cores: set[int]) -> Iterator[RelayProcess]:
    with tempfile.TemporaryDirectory() as directory:
        public = coturn.free_port(HOST)
        command = coturn.command(public, Path(directory))
        with RelayProcess("relay-coturn", command, cores, reports_ready=False) as process:
            coturn.connect(ends, public)
            yield process


@contextmanager
def cluster_keys() -> Iterator[tuple[ClusterKeys, Path]]:
    """Keys of a cluster, and the file that holds them."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "keys"
        path.touch(mode=0o600)
        path.write_text(ClusterKeys.generate(bytes(range(32))))
        yield ClusterKeys.parse(path.read_text()), path


def contenders() -> list[Contender]:
    """Ours first; those that this machine has no program for say so."""
    no_go, no_coturn = _build_go(), _lacks("turnserver")
    return [
        Contender("antiphon", "Antiphon", partial(antiphon, ["--fast-path=on"])),
        Contender(
            "antiphon_unmoderated",
            "Antiphon, moderation off",
            partial(antiphon, ["--fast-path=on", "--moderation-us=0"]),
        ),
        Contender(
            "antiphon_plain", "Antiphon, fast path off", partial(antiphon, ["--fast-path=off"])
        ),
        Contender("go", "Go reference", partial(go, []), no_go),
        Contender(
            "go_unlocked", "Go, threads not locked", partial(go, ["-lock-threads=false"]), no_go
        ),
        Contender("asyncio", "asyncio", asyncio_relay),
        Contender("coturn", "coturn, ChannelData", turn, no_coturn),
    ]


def _owner_flags(calls: TunnelCalls) -> list[str]:
    headers = calls.upstream_headers()
    return [f"--owner={host}:{port}={header.hex()}" for (host, port), header in headers.items()]


def _build_go() -> str:
    """Build the Go relay; why that cannot be done, or nothing."""
    missing = _lacks("go")
    if missing:
        return missing
    GO_RELAY.parent.mkdir(parents=True, exist_ok=True)
    built = subprocess.run(
        ["go", "build", "-o", GO_RELAY, "."],
        cwd=PEERS / "go",
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if built.returncode == 0 else f"go build failed: {built.stderr.strip()}"


def _lacks(program: str) -> str:
    return "" if shutil.which(program) else f"there is no {program} on this machine"
