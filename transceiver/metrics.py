"""Prometheus metrics of one transceiver worker, read from plain counters at a scrape."""

from collections.abc import Callable, Iterable
from typing import Protocol

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from antiphon_proto.tunnel import TunnelFault
from transceiver.announcer import Announcer, Occasion
from transceiver.audio_metrics import downlink_metrics, uplink_metrics
from transceiver.close_reason import CloseReason
from transceiver.counters import CallCounters, TrunkCounters, TunnelCounters
from transceiver.drop_reason import DropReason
from transceiver.ice import IceRejection
from transceiver.ledger import TurnAccount
from transceiver.metric_families import (
    by_enum,
    counter,
    directed,
    gauge,
    gauge_by_enum,
    histogram,
)
from transceiver.relay_directory import RelayDirectory
from transceiver.signaling.calls import RefusalReason
from transceiver.signaling.key_refusal import KeyRefusal
from transceiver.sip_calls.ring_end import RingEnd
from transceiver.transport import Transport

PROBE_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_PARTS_BUCKETS_S = (0.002, 0.005, 0.01, 0.02)
"""Finer than any whole turn: some parts take next to nothing."""
LATENCY_BUCKETS_S = (
    *_PARTS_BUCKETS_S,
    *(0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0),
)


class TurnLatency:
    """The latency ledger's parts as one histogram with a label for the part."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "antiphon_transceiver_turn_latency_seconds",
            "Client's last voiced sample to its first heard agent sample, whole and by part.",
            ["part"],
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )

    def observe(self, account: TurnAccount) -> None:
        self._seconds.labels("total").observe(account.total_ms / 1000)
        for part, milliseconds in account.parts_ms().items():
            self._seconds.labels(part).observe(milliseconds / 1000)


class ProbeSeconds:
    """How long relay workers take to answer."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "antiphon_transceiver_relay_probe_seconds",
            "From a probe of a relay worker to its answer, with the wait for the event loop.",
            buckets=PROBE_BUCKETS_S,
            registry=registry,
        )

    def observe(self, seconds: float) -> None:
        self._seconds.observe(seconds)


class RelayWorkersCollector(Collector):
    """What is known of the relay workers, and what they are told."""

    def __init__(self, directory: RelayDirectory, announcer: Announcer) -> None:
        self._directory = directory
        self._announcer = announcer

    def collect(self) -> Iterable[Metric]:
        yield gauge(
            "antiphon_transceiver_relay_workers",
            "Relay workers known: heard from within a minute, or named by a sibling.",
            len(self._directory),
        )
        yield gauge(
            "antiphon_transceiver_relay_workers_answering",
            "Relay workers that answer probes.",
            self._directory.answering_count,
        )
        yield gauge(
            "antiphon_transceiver_bindings",
            "Client addresses announced to the relay workers as this worker's.",
            len(self._announcer),
        )


class AdmissionLimits(Protocol):
    """What is read of `Admission`."""

    @property
    def max_load(self) -> float: ...

    @property
    def max_calls(self) -> int: ...

    @property
    def draining(self) -> bool: ...


class WorkerCollector(Collector):
    """Translates the worker's counters into metric families."""

    def __init__(
        self,
        *,
        tunnel: TunnelCounters,
        trunk: TrunkCounters,
        calls: CallCounters,
        load: Callable[[], float],
        trunk_connected: Callable[[], bool],
        admission: AdmissionLimits,
    ) -> None:
        self._tunnel = tunnel
        self._trunk = trunk
        self._calls = calls
        self._load = load
        self._trunk_connected = trunk_connected
        self._admission = admission

    def collect(self) -> Iterable[Metric]:
        yield from self._tunnel_metrics()
        yield from self._call_metrics()
        yield from self._packet_metrics()
        yield from uplink_metrics(self._calls.audio)
        yield from downlink_metrics(self._calls.downlink)
        yield from self._trunk_metrics()

    def _tunnel_metrics(self) -> Iterable[Metric]:
        tunnel = self._tunnel
        yield directed(
            "antiphon_transceiver_tunnel_packets",
            "Clients' packets through the relays.",
            {"up": tunnel.received, "down": tunnel.sent},
        )
        yield directed(
            "antiphon_transceiver_tunnel_datagrams",
            "Tunnel datagrams that held those packets, one or more each.",
            {"up": tunnel.received_datagrams, "down": tunnel.sent_datagrams},
        )
        yield counter(
            "antiphon_transceiver_tunnel_send_failures",
            "Packets, and datagrams of control frames, that the tunnel socket did not take.",
            tunnel.send_failures,
        )
        yield by_enum(
            "antiphon_transceiver_announcements",
            "Frames that bind addresses or give them up, once for each relay worker that is told.",
            "occasion",
            Occasion,
            tunnel.announced,
        )
        yield by_enum(
            "antiphon_transceiver_tunnel_faults",
            "Tunnel datagrams that were dropped.",
            "fault",
            TunnelFault,
            tunnel.faults,
        )

    def _call_metrics(self) -> Iterable[Metric]:
        calls = self._calls
        yield gauge_by_enum(
            "antiphon_transceiver_calls", "Calls that are open.", "transport", Transport, calls.open
        )
        yield gauge(
            "antiphon_transceiver_load",
            "Share of its core that the worker uses, of what others leave it; 0 to 1.",
            self._load(),
        )
        yield from self._limits()
        yield counter("antiphon_transceiver_calls_opened", "Calls answered.", calls.opened)
        yield by_enum(
            "antiphon_transceiver_calls_refused",
            "Offers that were good, and could not be taken.",
            "reason",
            RefusalReason,
            calls.refused,
        )
        yield by_enum(
            "antiphon_transceiver_key_refusals",
            "Requests that were refused for the API key or the client secret that they came with.",
            "reason",
            KeyRefusal,
            calls.keys_refused,
        )
        yield by_enum(
            "antiphon_transceiver_calls_closed",
            "Calls that ended.",
            "reason",
            CloseReason,
            calls.closed,
        )
        yield by_enum(
            "antiphon_transceiver_sip_calls_incoming",
            "Calls by SIP that came in, once they rang no more.",
            "outcome",
            RingEnd,
            calls.rang,
        )

    def _packet_metrics(self) -> Iterable[Metric]:
        calls = self._calls
        yield by_enum(
            "antiphon_transceiver_drops",
            "Clients' packets that were dropped.",
            "reason",
            DropReason,
            calls.drops,
        )
        yield by_enum(
            "antiphon_transceiver_ice_rejections",
            "Connectivity checks that had no effect.",
            "reason",
            IceRejection,
            calls.ice_rejections,
        )
        yield directed(
            "antiphon_transceiver_audio_frames",
            "Audio frames decoded and encoded.",
            {"up": calls.frames_in, "down": calls.frames_out},
        )
        yield histogram(
            "antiphon_transceiver_frame_lateness_seconds",
            "From the time at which a frame of the agent was due to when it had left.",
            calls.frame_lateness,
        )
        yield counter(
            "antiphon_transceiver_skipped_frames",
            "Frame times of calls that went by unserved, because this worker was held up.",
            calls.skipped_frames,
        )

    def _limits(self) -> Iterable[Metric]:
        yield gauge(
            "antiphon_transceiver_load_limit",
            "Load beyond which calls are refused; 1 refuses none.",
            self._admission.max_load,
        )
        yield gauge(
            "antiphon_transceiver_call_limit",
            "Calls that may be open.",
            self._admission.max_calls,
        )
        yield gauge(
            "antiphon_transceiver_draining",
            "1 while no new call is taken because this worker stops.",
            int(self._admission.draining),
        )

    def _trunk_metrics(self) -> Iterable[Metric]:
        trunk = self._trunk
        yield gauge(
            "antiphon_transceiver_trunk_connected",
            "1 while there is a trunk to an inference replica that takes sessions.",
            int(self._trunk_connected()),
        )
        yield directed(
            "antiphon_transceiver_trunk_messages",
            "Messages on the trunk.",
            {"up": trunk.messages_sent, "down": trunk.messages_received},
        )
        yield directed(
            "antiphon_transceiver_trunk_frames",
            "Audio frames on the trunk.",
            {"up": trunk.frames_sent, "down": trunk.frames_received},
        )
        yield counter(
            "antiphon_transceiver_trunk_frames_shed",
            "Audio frames dropped because a replica stopped reading.",
            trunk.frames_shed,
        )
        yield counter(
            "antiphon_transceiver_trunk_reconnects", "Times a trunk broke.", trunk.reconnects
        )
        yield histogram(
            "antiphon_transceiver_arrival_to_engine_seconds",
            "From a client's audio at this worker's socket, by the kernel's clock, to its writing "
            "on the trunk.",
            trunk.arrival_to_engine,
        )
