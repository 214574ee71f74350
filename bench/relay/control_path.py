"""What the relay's flow table costs: the time to fill it, and its memory once full.

Nobody but the owner's BINDs fills it, through the tunnel, as in a deployment; the relay's own
metric says when the flows are in.
"""

import re
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from antiphon_proto.address import Address
from antiphon_proto.relay_report import RelayReport
from antiphon_proto.tunnel import Frame
from bench.measured_process import ProcessFailedError
from bench.relay.contenders import antiphon_command, cluster_keys
from bench.relay.endpoints import owner_socket
from bench.relay.relay_process import RelayProcess
from bench.relay.tunnel_calls import OwnerTunnel, bind_frame

FLOWS = 100_000
REFRESHES = 5
_PORT = 40_000
_FLOWS_METRIC = re.compile(r"^antiphon_relay_flows(?:\{[^}]*\})? (\S+)$", re.MULTILINE)
_PATIENCE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class FlowTable:
    """A table that was filled with `FLOWS` flows, and refreshed whole several times."""

    installs_per_second: float
    resident_bytes: tuple[int, ...]
    """Of the relay's processes, once filled and after each refresh."""
    table_bytes: int
    """What the relay reserved for flows and their SSRCs."""

    @property
    def growth(self) -> float:
        """From the first refresh to the last, as a share of all memory."""
        return self.resident_bytes[-1] / self.resident_bytes[1] - 1


def client_frames(count: int = FLOWS) -> list[Frame]:
    """The BINDs of that many clients."""
    return [bind_frame(_client(index), index + 1) for index in range(count)]


def _client(index: int) -> Address:
    host = f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}"
    return host, _PORT + index % 1000


def measure_flow_table(cores: set[int], refreshes: int = REFRESHES) -> FlowTable:
    with _owner_of_a_relay(cores) as (tunnel, relay, admin):
        frames = client_frames()
        start = time.monotonic()
        tunnel.bind(frames)
        _wait_for_flows(admin)
        seconds = time.monotonic() - start
        table_bytes = _table_bytes(admin)
        resident = [relay.resident_bytes()]
        for _ in range(refreshes):
            tunnel.bind(frames)
            resident.append(relay.resident_bytes())
    return FlowTable(FLOWS / seconds, tuple(resident), table_bytes)


@contextmanager
def _owner_of_a_relay(
    cores: set[int],
) -> Iterator[tuple[OwnerTunnel, RelayProcess, Address]]:
    flags = ["--fast-path=on", f"--max-flows={FLOWS}"]
    with (
        cluster_keys() as (keys, path),
        owner_socket("127.0.1.1") as bound,
        RelayProcess("relay-flow-table", antiphon_command(path, flags), cores) as relay,
    ):
        ready = relay.ready()
        if ready.admin is None:
            raise ProcessFailedError("reports no admin address")
        yield OwnerTunnel(keys, bound, 1, ready.tunnels[0]), relay, ready.admin


def _wait_for_flows(admin: Address) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (flows := _flows(admin)) < FLOWS:
        if time.monotonic() > deadline:
            raise ProcessFailedError(f"holds {flows} of {FLOWS} flows")
        time.sleep(0.005)


def _flows(admin: Address) -> int:
    counted = _FLOWS_METRIC.findall(_get(admin, "metrics").decode())
    if not counted:
        raise ProcessFailedError("has no metric antiphon_relay_flows")
    return int(sum(map(float, counted)))


def _table_bytes(admin: Address) -> int:
    report = msgspec.json.decode(_get(admin, "debug/relay"), type=RelayReport)
    size = sum(worker.table_bytes for worker in report.workers)
    if not size:
        raise ProcessFailedError("does not say how large its flow table is")
    return size


def _get(admin: Address, page: str) -> bytes:
    with urllib.request.urlopen("http://{}:{}/{}".format(*admin, page), timeout=5) as answer:
        content: bytes = answer.read()
        return content
