"""Prometheus metrics of both directions of calls' sound."""

from collections.abc import Iterable

from prometheus_client.metrics_core import CounterMetricFamily, Metric

from transceiver.audio.counts import COUNT_RATE, AudioCounts
from transceiver.audio.downlink_counts import DownlinkCounts
from transceiver.audio.opus_mode import OpusMode
from transceiver.metric_families import by_enum, counter
from transceiver.rtp.reordering import ReorderingDrop


def uplink_metrics(audio: AudioCounts) -> Iterable[Metric]:
    """Of what clients say."""
    yield counter(
        "antiphon_transceiver_audio_lost_packets",
        "Clients' RTP packets that were missing when their turn had passed.",
        audio.reordering.lost,
    )
    yield counter(
        "antiphon_transceiver_audio_redundant_packets",
        "Clients' RTP packets that were missing, and came along with a later one.",
        audio.redundant,
    )
    yield by_enum(
        "antiphon_transceiver_audio_undelivered_packets",
        "Clients' RTP packets that came out of their turn.",
        "reason",
        ReorderingDrop,
        audio.reordering.drops,
    )
    yield counter(
        "antiphon_transceiver_audio_silent_packets",
        "Clients' RTP packets that told digital silence by their audio level: not decoded.",
        audio.silent,
    )
    yield counter(
        "antiphon_transceiver_audio_malformed_packets",
        "Clients' RTP packets that are not Opus, or not redundant audio.",
        audio.malformed,
    )
    yield _audio_seconds(audio)


def downlink_metrics(downlink: DownlinkCounts) -> Iterable[Metric]:
    """Of what agents say."""
    yield by_enum(
        "antiphon_transceiver_downlink_talkspurts",
        "Talkspurts of agents begun in Opus, by how they were coded.",
        "mode",
        OpusMode,
        downlink.talkspurts,
    )
    yield counter(
        "antiphon_transceiver_downlink_redundant_packets",
        "RTP packets to clients sent as redundant audio, because clients reported losses.",
        downlink.redundant_packets,
    )
    yield counter(
        "antiphon_transceiver_downlink_reported_packets",
        "RTP packets to clients that clients' reports cover.",
        downlink.reported_packets,
    )
    yield counter(
        "antiphon_transceiver_downlink_reported_lost_packets",
        "Of those, the ones that clients reported lost, before any repair.",
        downlink.reported_lost,
    )


def _audio_seconds(audio: AudioCounts) -> Metric:
    family = CounterMetricFamily(
        "antiphon_transceiver_audio_seconds",
        "Sound of clients for the engine: decoded, made up for what was lost, or silence.",
        labels=["origin"],
    )
    family.add_metric(["decoded"], audio.decoded / COUNT_RATE)
    family.add_metric(["recovered"], audio.recovered / COUNT_RATE)
    family.add_metric(["silence"], audio.silence / COUNT_RATE)
    return family
