"""The relay's Prometheus metrics, read from the workers' counters at each scrape."""

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Protocol

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from antiphon_proto.demux import PacketKind
from relay.counters import BATCH_BOUNDS, MAX_CONFIG_IDS, CounterTable, Direction, Tally
from relay.drop_advice import reasons
from relay.flows import FlowState
from relay.sockets import RelaySockets

FLOWS = {
    FlowState.PROVISIONAL: Tally.PROVISIONAL_FLOWS,
    FlowState.BOUND: Tally.BOUND_FLOWS,
}


class Supervised(Protocol):
    """What the supervisor knows of its worker processes."""

    @property
    def count(self) -> int: ...

    @property
    def alive(self) -> int: ...

    @property
    def restarts(self) -> int: ...

    def cpu_seconds(self, index: int) -> float: ...


class RelayCollector(Collector):
    """Translates the counters into metric families.

    Labels are enums' values, the index of a worker, and the ids of the cluster's keys.
    """

    def __init__(
        self,
        counters: CounterTable,
        workers: Supervised,
        sockets: RelaySockets,
        draining: Callable[[], bool] = lambda: False,
        *,
        max_flows: int = 0,
    ) -> None:
        """`max_flows` is what the table of one worker holds."""
        self._counters = counters
        self._workers = workers
        self._sockets = sockets
        self._draining = draining
        self._max_flows = max_flows

    def collect(self) -> Iterable[Metric]:
        yield from self._traffic()
        yield from self._losses()
        yield from self._flows()
        yield from self._phone_ports()
        yield from self._other_clusters()
        yield from self._loop()
        yield from self._processes()

    def _traffic(self) -> Iterator[Metric]:
        packets = CounterMetricFamily(
            "antiphon_relay_forwarded_packets",
            "Packets forwarded, by direction and protocol.",
            labels=("direction", "kind"),
        )
        volume = CounterMetricFamily(
            "antiphon_relay_forwarded_bytes",
            "Bytes of those packets as clients see them, without the tunnel's.",
            labels=("direction", "kind"),
        )
        for direction in Direction:
            for kind in PacketKind:
                labels = (direction.value, kind.value)
                packets.add_metric(labels, self._counters.packets(direction, kind))
                volume.add_metric(labels, self._counters.bytes(direction, kind))
        yield packets
        yield volume
        yield self._counter(
            "tunnel_datagrams_sent",
            "Datagrams to owners; forwarded packets to_owner over these are the frames of one.",
            Tally.TUNNEL_DATAGRAMS_SENT,
        )
        verified = CounterMetricFamily(
            "antiphon_relay_checks_verified",
            "Checks authenticated, by config id of the key: an id that no longer counts is unused.",
            labels=("config_id",),
        )
        for config_id in range(MAX_CONFIG_IDS):
            verified.add_metric((str(config_id),), self._counters.checks_verified(config_id))
        yield verified

    def _losses(self) -> Iterator[Metric]:
        drops = CounterMetricFamily(
            "antiphon_relay_dropped_packets",
            "Packets dropped, never answered, by where they were to go and the reason.",
            labels=("direction", "reason"),
        )
        for direction, reason, _advice in reasons():
            drops.add_metric((direction.value, reason.value), self._counters.drops(reason))
        yield drops
        overflows = CounterMetricFamily(
            "antiphon_relay_receive_buffer_drops",
            "Datagrams that the kernel discarded because a worker did not keep up.",
            labels=("socket",),
        )
        overflows.add_metric(("public",), self._sockets.public_drops())
        overflows.add_metric(("tunnel",), self._sockets.tunnel_drops())
        overflows.add_metric(("phone",), self._sockets.phone_drops())
        yield overflows
        yield self._counter(
            "receive_errors",
            "Receive calls that failed, such as for an ICMP error.",
            Tally.RECEIVE_ERRORS,
        )

    def _flows(self) -> Iterator[Metric]:
        flows = GaugeMetricFamily(
            "antiphon_relay_flows",
            "Clients that a worker knows the owner of; a bound one counts at each worker.",
            labels=("state",),
        )
        for state, tally in FLOWS.items():
            flows.add_metric((state.value,), self._counters.tally(tally))
        yield flows
        yield GaugeMetricFamily(
            "antiphon_relay_flow_capacity",
            "Flows that the tables of all workers hold.",
            value=self._max_flows * self._workers.count,
        )
        yield GaugeMetricFamily(
            "antiphon_relay_ssrc_bindings",
            "RTP sources that owners announced, for clients whose address changes.",
            value=self._counters.tally(Tally.SSRCS),
        )
        yield self._counter(
            "flow_evictions",
            "Provisional flows given up early because a worker's table was full.",
            Tally.EVICTIONS,
        )

    def _phone_ports(self) -> Iterator[Metric]:
        ports = GaugeMetricFamily(
            "antiphon_relay_phone_ports",
            "Extra ports for SIP phones behind NAT, by whether a call has them.",
            labels=("state",),
        )
        leased = self._counters.tally(Tally.LEASED_PORTS)
        ports.add_metric(("leased",), leased)
        ports.add_metric(("free",), self._counters.tally(Tally.PHONE_PORTS) - leased)
        yield ports
        yield self._counter(
            "phone_port_refusals",
            "Requests for a phone port of a worker that had none left.",
            Tally.LEASES_REFUSED,
        )

    def _other_clusters(self) -> Iterator[Metric]:
        datagrams = CounterMetricFamily(
            "antiphon_relay_transit_datagrams",
            "Tunnel datagrams sent on between this cluster's owners and other clusters' relays.",
            labels=("to",),
        )
        datagrams.add_metric(("owner",), self._counters.tally(Tally.TRANSIT_TO_OWNER))
        datagrams.add_metric(("relay",), self._counters.tally(Tally.TRANSIT_TO_RELAY))
        yield datagrams
        relays = GaugeMetricFamily(
            "antiphon_relay_remote_relays",
            "Relay workers of other clusters that a worker knows; one counts at each worker.",
            labels=("state",),
        )
        known = self._counters.tally(Tally.REMOTE_RELAYS)
        answering = self._counters.tally(Tally.REMOTE_RELAYS_ANSWERING)
        relays.add_metric(("answering",), answering)
        relays.add_metric(("silent",), known - answering)
        yield relays

    def _loop(self) -> Iterator[Metric]:
        yield self._counter(
            "punted_datagrams", "Datagrams that the compiled loop left to Python.", Tally.PUNTS
        )
        yield self._counter(
            "wake_ups", "Rounds of a worker that found something to receive.", Tally.WAKE_UPS
        )
        yield self._batches()
        moderation = GaugeMetricFamily(
            "antiphon_relay_moderation_seconds",
            "How long a worker lets packets gather at present.",
            labels=("worker",),
        )
        fast_path = GaugeMetricFamily(
            "antiphon_relay_fast_path",
            "1 where a worker runs the compiled loop, 0 where plain Python.",
            labels=("worker",),
        )
        cpu = CounterMetricFamily(
            "antiphon_relay_cpu_seconds",
            "CPU time of a worker's process; a worker has one core.",
            labels=("worker",),
        )
        for index in range(self._workers.count):
            labels = (str(index),)
            cpu.add_metric(labels, self._workers.cpu_seconds(index))
            waited = self._counters.tally_of(index, Tally.MODERATION_NANOSECONDS)
            moderation.add_metric(labels, waited / 1e9)
            fast_path.add_metric(labels, self._counters.tally_of(index, Tally.FAST_PATH))
        yield moderation
        yield fast_path
        yield cpu

    def _batches(self) -> Metric:
        histogram = HistogramMetricFamily(
            "antiphon_relay_batch_datagrams",
            "Datagrams taken from a socket at one go, by where they were to go.",
            labels=("direction",),
        )
        for direction in Direction:
            sizes, datagrams = self._counters.batches(direction)
            cumulative = list(accumulate(sizes))
            buckets = [
                (str(float(bound)), float(count))
                for bound, count in zip(BATCH_BOUNDS, cumulative, strict=True)
            ]
            buckets.append(("+Inf", float(cumulative[-1])))
            histogram.add_metric((direction.value,), buckets, datagrams)
        return histogram

    def _processes(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "antiphon_relay_workers", "Worker processes alive.", value=self._workers.alive
        )
        yield CounterMetricFamily(
            "antiphon_relay_worker_restarts",
            "Worker processes started again after they ended.",
            value=self._workers.restarts,
        )
        yield GaugeMetricFamily(
            "antiphon_relay_draining",
            "1 while checks from new addresses are refused because the relay stops.",
            value=int(self._draining()),
        )

    def _counter(self, name: str, help_text: str, tally: Tally) -> Metric:
        return CounterMetricFamily(
            f"antiphon_relay_{name}", help_text, value=self._counters.tally(tally)
        )
