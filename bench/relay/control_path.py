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

from antiphon_proto.address import Address
from bench.relay.contenders import antiphon_command, cluster_keys
from bench.relay.endpoints import owner_socket
from bench.relay.relay_process import RelayFailedError, RelayProcess
from bench.relay.tunnel_calls import OwnerTunnel

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

    @property
    def growth_bytes(self) -> int:
        """From the first refresh to the last."""
        return self.resident_bytes[-1] - self.resident_bytes[1]


def clients(count: int = FLOWS) -> Iterator[tuple[Address, int]]:
    """Client addresses, each with its SSRC."""
    for index in range(count):
        host = f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}"
        yield (host, _PORT + index % 1000), index + 1


def measure_flow_table(cores: set[int], refreshes: int = REFRESHES) -> FlowTable:
    with _owner_of_a_relay(cores) as (tunnel, relay, admin):
        datagrams = tunnel.binds(clients())
        start = time.monotonic()
        tunnel.send(datagrams)
        _wait_for_flows(admin)
        seconds = time.monotonic() - start
        resident = [relay.resident_bytes()]
        for _ in range(refreshes):
            tunnel.send(tunnel.binds(clients()))
            resident.append(relay.resident_bytes())
    return FlowTable(FLOWS / seconds, tuple(resident))


def table_bytes_per_flow() -> float:
    """Of the fast path's own table, made for `FLOWS` flows."""
    from relay.fast.flow_table import FastFlowTable

    return FastFlowTable(max_flows=FLOWS).table_bytes / FLOWS


@contextmanager
def _owner_of_a_relay(
    cores: set[int],
) -> Iterator[tuple[OwnerTunnel, RelayProcess, Address]]:
    with cluster_keys() as (keys, path), owner_socket("127.0.1.1") as bound:
        with RelayProcess("flow-table", antiphon_command(path, []), cores) as relay:
            ready = relay.ready()
            if ready.admin is None:
                raise RelayFailedError("reports no admin address")
            yield OwnerTunnel(keys, bound, 1, ready.tunnels[0]), relay, ready.admin


def _wait_for_flows(admin: Address) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (flows := _flows(admin)) < FLOWS:
        if time.monotonic() > deadline:
            raise RelayFailedError(f"holds {flows} of {FLOWS} flows")
        time.sleep(0.005)


def _flows(admin: Address) -> int:
    url = "http://{}:{}/metrics".format(*admin)
    with urllib.request.urlopen(url, timeout=5) as answer:
        found = _FLOWS_METRIC.search(answer.read().decode())
    if found is None:
        raise RelayFailedError("has no metric antiphon_relay_flows")
    return int(float(found[1]))
