"""A worker: carries out the router's verdicts between its two sockets.

Plain blocking poll and non-blocking calls: there is nothing to await between
receiving a datagram and sending it on.
"""

import os
import select
import socket
import time

from antiphon_proto.cluster_keys import ClusterKeys
from chassis.bound_socket import bound_address
from chassis.logs import configure_logging
from relay.config import RelayConfig
from relay.counters import CounterTable, WorkerCounters
from relay.drop_reason import DropReason
from relay.flow_table import FlowTable
from relay.router import Delivery, Router
from relay.sockets import RelaySockets

PUBLIC_BYTES = 2048
"""Receive buffer for clients: WebRTC keeps its datagrams under 1280 to 1500 bytes."""

TUNNEL_BYTES = 65535
"""Receive buffer for owners: one tunnel datagram may carry many frames."""

BATCH = 64
"""Datagrams taken from one socket before the other has its turn."""

SWEEP_INTERVAL_MS = 1000
"""How long an idle worker waits before it looks for idle flows."""


class Worker:
    """Moves datagrams until the process ends."""

    def __init__(
        self,
        public: socket.socket,
        tunnel: socket.socket,
        router: Router,
        flows: FlowTable,
        counters: WorkerCounters,
    ) -> None:
        self._public = public
        self._tunnel = tunnel
        self._router = router
        self._flows = flows
        self._counters = counters

    def run(self) -> None:
        """Serve both sockets for ever."""
        poll = select.poll()
        drains = {
            self._public.fileno(): self._drain_public,
            self._tunnel.fileno(): self._drain_tunnel,
        }
        for descriptor in drains:
            poll.register(descriptor, select.POLLIN)
        while True:
            ready = poll.poll(SWEEP_INTERVAL_MS)
            now = time.time()
            for descriptor, _events in ready:
                drains[descriptor](now)
            self._flows.sweep(now)
            self._counters.flow_table(len(self._flows), self._flows.evictions)

    def _drain_public(self, now: float) -> None:
        for _ in range(BATCH):
            try:
                datagram, address = self._public.recvfrom(PUBLIC_BYTES)
            except BlockingIOError:
                return
            except OSError:
                # Such as an ICMP error for what was sent before; reading it clears it.
                self._counters.receive_error()
                return
            self._handle_public(datagram, address[:2], now)

    def _handle_public(self, datagram: bytes, client: tuple[str, int], now: float) -> None:
        if len(datagram) == PUBLIC_BYTES:
            self._counters.dropped(DropReason.OVERSIZED)
            return
        verdict = self._router.from_client(datagram, client, now)
        if isinstance(verdict, DropReason):
            self._counters.dropped(verdict)
            return
        try:
            self._tunnel.sendto(verdict.datagram, verdict.owner)
        except OSError:
            self._counters.dropped(DropReason.OWNER_SEND_FAILED)
            return
        self._counters.sent_to_owner(verdict.kind, len(datagram))

    def _drain_tunnel(self, _now: float) -> None:
        for _ in range(BATCH):
            try:
                datagram = self._tunnel.recv(TUNNEL_BYTES)
            except BlockingIOError:
                return
            except OSError:
                self._counters.receive_error()
                return
            for verdict in self._router.from_tunnel(datagram):
                if isinstance(verdict, DropReason):
                    self._counters.dropped(verdict)
                else:
                    self._deliver(verdict)

    def _deliver(self, delivery: Delivery) -> None:
        try:
            self._public.sendto(delivery.payload, delivery.client)
        except OSError:
            self._counters.dropped(DropReason.CLIENT_SEND_FAILED)
            return
        self._counters.sent_to_client(delivery.kind, len(delivery.payload))


def run_worker(
    config: RelayConfig,
    keys: ClusterKeys,
    sockets: RelaySockets,
    counters: CounterTable,
    index: int,
) -> None:
    """The main function of worker process `index`."""
    configure_logging("relay", config.log_level)
    public, tunnel = sockets.take(index)
    flows = FlowTable(max_flows=config.max_flows, idle_seconds=config.flow_idle_seconds)
    router = Router(
        keys,
        cluster_id=config.cluster_id,
        owners=config.owners,
        flows=flows,
        public_host=bound_address(public).host,
        tunnel=bound_address(tunnel),
        epoch=int.from_bytes(os.urandom(8), "big"),
    )
    Worker(public, tunnel, router, flows, counters.worker(index)).run()
