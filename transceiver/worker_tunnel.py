"""A worker's side of the tunnel to the relays, put together with its metrics."""

import secrets
from functools import partial
from socket import socket

from prometheus_client import CollectorRegistry

from antiphon_proto.cluster_keys import ClusterKeys
from transceiver.announcer import Announcer
from transceiver.counters import TunnelCounters
from transceiver.leased_port_metrics import LeasedPortsCollector
from transceiver.metrics import ProbeSeconds, RelayWorkersCollector
from transceiver.relay_directory import RelayDirectory
from transceiver.tunnel_endpoint import TunnelEndpoint


def worker_tunnel(
    tunnel: socket,
    keys: ClusterKeys,
    announcer: Announcer,
    counters: TunnelCounters,
    registry: CollectorRegistry,
) -> TunnelEndpoint:
    """To be started, and closed."""
    host, port = tunnel.getsockname()[:2]
    probe_seconds = ProbeSeconds(registry)
    directory = RelayDirectory((host, port), partial(secrets.randbits, 64), probe_seconds.observe)
    registry.register(RelayWorkersCollector(directory, announcer))
    endpoint = TunnelEndpoint(
        tunnel, keys, secrets.randbits(64), counters, directory=directory, announcer=announcer
    )
    registry.register(LeasedPortsCollector(endpoint.leases))
    return endpoint
