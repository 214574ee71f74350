"""The relay's Prometheus metrics, read from the workers' counters at each scrape."""

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from antiphon_proto.demux import PacketKind
from chassis.worker_processes import WorkerProcesses
from relay.counters import CounterTable, Direction
from relay.drop_reason import DropReason
from relay.sockets import RelaySockets, receive_buffer_drops


class RelayCollector(Collector):
    """Sums over the workers; every label is an enum's value."""

    def __init__(
        self, counters: CounterTable, workers: WorkerProcesses, sockets: RelaySockets
    ) -> None:
        self._counters = counters
        self._workers = workers
        self._sockets = sockets

    def collect(self) -> Iterable[Metric]:
        yield from self._traffic()
        yield from self._losses()
        yield from self._state()

    def _traffic(self) -> Iterator[Metric]:
        packets = CounterMetricFamily(
            "antiphon_relay_forwarded_packets",
            "Packets forwarded, by direction and protocol.",
            labels=("direction", "kind"),
        )
        volume = CounterMetricFamily(
            "antiphon_relay_forwarded_bytes",
            "Bytes of those packets as clients see them, without the tunnel's header.",
            labels=("direction", "kind"),
        )
        for direction in Direction:
            for kind in PacketKind:
                labels = (direction.value, kind.value)
                packets.add_metric(labels, self._counters.packets(direction, kind))
                volume.add_metric(labels, self._counters.bytes(direction, kind))
        yield packets
        yield volume

    def _losses(self) -> Iterator[Metric]:
        drops = CounterMetricFamily(
            "antiphon_relay_dropped_packets",
            "Packets dropped, never answered, by reason (relay/drop_reason.py explains each).",
            labels=("reason",),
        )
        for reason in DropReason:
            drops.add_metric((reason.value,), self._counters.drops(reason))
        yield drops
        overflows = CounterMetricFamily(
            "antiphon_relay_receive_buffer_drops",
            "Datagrams that the kernel discarded because a worker did not keep up.",
            labels=("socket",),
        )
        overflows.add_metric(("public",), receive_buffer_drops(self._sockets.public))
        overflows.add_metric(("tunnel",), receive_buffer_drops(self._sockets.tunnels))
        yield overflows
        yield CounterMetricFamily(
            "antiphon_relay_receive_errors",
            "Receive calls that failed, such as for an ICMP error.",
            value=self._counters.receive_errors,
        )

    def _state(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "antiphon_relay_flows",
            "Client addresses that a worker remembers the owner of.",
            value=self._counters.flows,
        )
        yield CounterMetricFamily(
            "antiphon_relay_flow_evictions",
            "Flows given up before they were idle because a worker's table was full.",
            value=self._counters.evictions,
        )
        yield GaugeMetricFamily(
            "antiphon_relay_workers", "Worker processes alive.", value=self._workers.alive
        )
        yield CounterMetricFamily(
            "antiphon_relay_worker_restarts",
            "Worker processes started again after they ended.",
            value=self._workers.restarts,
        )
