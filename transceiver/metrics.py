"""Prometheus metrics of one transceiver worker, read from plain counters at a scrape."""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import TypeVar

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from antiphon_proto.tunnel import TunnelFault
from transceiver.announcer import Announcer, Occasion
from transceiver.audio.counts import COUNT_RATE, AudioCounts
from transceiver.close_reason import CloseReason
from transceiver.counters import CallCounters, TrunkCounters, TunnelCounters
from transceiver.drop_reason import DropReason
from transceiver.duration_histogram import DurationHistogram
from transceiver.ice import IceRejection
from transceiver.ledger import TurnAccount
from transceiver.relay_directory import RelayDirectory
from transceiver.rtp.reordering import ReorderingDrop
from transceiver.signaling.calls import RefusalReason

Kind = TypeVar("Kind", bound=Enum)

PROBE_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
LATENCY_BUCKETS_S = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0)


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
        yield _gauge(
            "antiphon_transceiver_relay_workers",
            "Relay workers known: heard from within a minute, or named by a sibling.",
            len(self._directory),
        )
        yield _gauge(
            "antiphon_transceiver_relay_workers_answering",
            "Relay workers that answer probes.",
            self._directory.answering_count,
        )
        yield _gauge(
            "antiphon_transceiver_bindings",
            "Client addresses announced to the relay workers as this worker's.",
            len(self._announcer),
        )


class WorkerCollector(Collector):
    """Translates the worker's counters into metric families."""

    def __init__(
        self,
        *,
        tunnel: TunnelCounters,
        trunk: TrunkCounters,
        calls: CallCounters,
        open_calls: Callable[[], int],
        load: Callable[[], float],
        trunk_connected: Callable[[], bool],
    ) -> None:
        self._tunnel = tunnel
        self._trunk = trunk
        self._calls = calls
        self._open_calls = open_calls
        self._load = load
        self._trunk_connected = trunk_connected

    def collect(self) -> Iterable[Metric]:
        yield from self._tunnel_metrics()
        yield from self._call_metrics()
        yield from self._audio_metrics()
        yield from self._trunk_metrics()

    def _tunnel_metrics(self) -> Iterable[Metric]:
        tunnel = self._tunnel
        yield _directed(
            "antiphon_transceiver_tunnel_packets",
            "Clients' packets through the relays.",
            {"up": tunnel.received, "down": tunnel.sent},
        )
        yield _directed(
            "antiphon_transceiver_tunnel_datagrams",
            "Tunnel datagrams that held those packets, one or more each.",
            {"up": tunnel.received_datagrams, "down": tunnel.sent_datagrams},
        )
        yield _counter(
            "antiphon_transceiver_tunnel_send_failures",
            "Packets, and datagrams of control frames, that the tunnel socket did not take.",
            tunnel.send_failures,
        )
        yield _by_enum(
            "antiphon_transceiver_announcements",
            "Frames that bind addresses or give them up, once for each relay worker that is told.",
            "occasion",
            Occasion,
            tunnel.announced,
        )
        yield _by_enum(
            "antiphon_transceiver_tunnel_faults",
            "Tunnel datagrams that were dropped.",
            "fault",
            TunnelFault,
            tunnel.faults,
        )

    def _call_metrics(self) -> Iterable[Metric]:
        calls = self._calls
        yield _gauge("antiphon_transceiver_calls", "Calls that are open.", self._open_calls())
        yield _gauge(
            "antiphon_transceiver_load",
            "Share of its core that the worker uses, of what others leave it; 0 to 1.",
            self._load(),
        )
        yield _counter("antiphon_transceiver_calls_opened", "Calls answered.", calls.opened)
        yield _by_enum(
            "antiphon_transceiver_calls_refused",
            "Offers that were good, and could not be taken.",
            "reason",
            RefusalReason,
            calls.refused,
        )
        yield _by_enum(
            "antiphon_transceiver_calls_closed",
            "Calls that ended.",
            "reason",
            CloseReason,
            calls.closed,
        )
        yield _by_enum(
            "antiphon_transceiver_drops",
            "Clients' packets that were dropped.",
            "reason",
            DropReason,
            calls.drops,
        )
        yield _by_enum(
            "antiphon_transceiver_ice_rejections",
            "Connectivity checks that had no effect.",
            "reason",
            IceRejection,
            calls.ice_rejections,
        )
        yield _directed(
            "antiphon_transceiver_audio_frames",
            "Audio frames decoded and encoded.",
            {"up": calls.frames_in, "down": calls.frames_out},
        )
        yield _histogram(
            "antiphon_transceiver_frame_lateness_seconds",
            "From the time at which a frame of the agent was due to when it had left.",
            calls.frame_lateness,
        )
        yield _counter(
            "antiphon_transceiver_skipped_frames",
            "Frame times of calls that went by unserved, because this worker was held up.",
            calls.skipped_frames,
        )

    def _audio_metrics(self) -> Iterable[Metric]:
        audio = self._calls.audio
        yield _counter(
            "antiphon_transceiver_audio_lost_packets",
            "Clients' RTP packets that were missing when their turn had passed.",
            audio.reordering.lost,
        )
        yield _counter(
            "antiphon_transceiver_audio_redundant_packets",
            "Clients' RTP packets that were missing, and came along with a later one.",
            audio.redundant,
        )
        yield _by_enum(
            "antiphon_transceiver_audio_undelivered_packets",
            "Clients' RTP packets that came out of their turn.",
            "reason",
            ReorderingDrop,
            audio.reordering.drops,
        )
        yield _counter(
            "antiphon_transceiver_audio_silent_packets",
            "Clients' RTP packets that told digital silence by their audio level: not decoded.",
            audio.silent,
        )
        yield _counter(
            "antiphon_transceiver_audio_malformed_packets",
            "Clients' RTP packets that are not Opus, or not redundant audio.",
            audio.malformed,
        )
        yield self._audio_seconds(audio)

    def _audio_seconds(self, audio: AudioCounts) -> Metric:
        family = CounterMetricFamily(
            "antiphon_transceiver_audio_seconds",
            "Sound of clients for the engine: decoded, made up for what was lost, or silence.",
            labels=["origin"],
        )
        family.add_metric(["decoded"], audio.decoded / COUNT_RATE)
        family.add_metric(["recovered"], audio.recovered / COUNT_RATE)
        family.add_metric(["silence"], audio.silence / COUNT_RATE)
        return family

    def _trunk_metrics(self) -> Iterable[Metric]:
        trunk = self._trunk
        yield _gauge(
            "antiphon_transceiver_trunk_connected",
            "1 while the trunk to the inference replica is open.",
            int(self._trunk_connected()),
        )
        yield _directed(
            "antiphon_transceiver_trunk_messages",
            "Messages on the trunk.",
            {"up": trunk.messages_sent, "down": trunk.messages_received},
        )
        yield _directed(
            "antiphon_transceiver_trunk_frames",
            "Audio frames on the trunk.",
            {"up": trunk.frames_sent, "down": trunk.frames_received},
        )
        yield _counter(
            "antiphon_transceiver_trunk_frames_shed",
            "Audio frames dropped because the replica stopped reading.",
            trunk.frames_shed,
        )
        yield _counter(
            "antiphon_transceiver_trunk_reconnects", "Times the trunk broke.", trunk.reconnects
        )
        yield _histogram(
            "antiphon_transceiver_arrival_to_engine_seconds",
            "From a client's audio at this worker's socket, by the kernel's clock, to its writing "
            "on the trunk.",
            trunk.arrival_to_engine,
        )


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value=value)


def _counter(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(name, help_text, value=value)


def _histogram(name: str, help_text: str, histogram: DurationHistogram) -> Metric:
    return HistogramMetricFamily(
        name, help_text, buckets=histogram.cumulative, sum_value=histogram.sum_s
    )


def _directed(name: str, help_text: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, help_text, labels=["direction"])
    for direction, value in values.items():
        family.add_metric([direction], value)
    return family


def _by_enum(
    name: str, help_text: str, label: str, kinds: type[Kind], values: Mapping[Kind, int]
) -> Metric:
    """A series for each member, zeros too, so that a rate exists before the first event."""
    family = CounterMetricFamily(name, help_text, labels=[label])
    for kind in kinds:
        family.add_metric([str(kind.value)], values.get(kind, 0))
    return family
