"""What an operator sees of clients' audio at a scrape."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from prometheus_client import CollectorRegistry

from transceiver.audio.counts import AudioCounts
from transceiver.audio.format import AudioFormat, Codec
from transceiver.audio.receiver import AudioReceiver
from transceiver.counters import CallCounters, TrunkCounters, TunnelCounters
from transceiver.metrics import WorkerCollector
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.red import RedBlock, encode_red

OPUS, RED = 111, 63
FORMAT = AudioFormat(Codec.OPUS, payload_type=OPUS, red_payload_type=RED)
FRAME = b"\x08" + bytes(10)
"""20 ms."""


@dataclass
class Limits:
    max_load: float = 0.8
    max_calls: int = 1000
    draining: bool = False


Scrape = Callable[..., float | None]


@pytest.fixture
def counters() -> CallCounters:
    return CallCounters()


@pytest.fixture
def scrape(counters: CallCounters) -> Scrape:
    registry = CollectorRegistry()
    registry.register(
        WorkerCollector(
            tunnel=TunnelCounters(),
            trunk=TrunkCounters(),
            calls=counters,
            load=lambda: 0.25,
            trunk_connected=lambda: True,
            admission=Limits(),
        )
    )
    return lambda name, **labels: registry.get_sample_value(
        f"antiphon_transceiver_audio_{name}_total", labels
    )


def hear(counts: AudioCounts, rate: int, *sequences: int) -> None:
    """A stream without redundancy, to its end."""
    receiver = AudioReceiver(FORMAT, rate, counts=counts)
    for place, sequence in enumerate(sequences):
        now = 0.02 * place
        receiver.receive(RtpPacket(OPUS, sequence, 960 * sequence, 1, FRAME), now)
        receiver.tick(now + 0.01)


def test_calls_of_any_rate_add_up(counters: CallCounters, scrape: Scrape) -> None:
    hear(counters.audio, 8_000, 0, 1, 2)
    hear(counters.audio, 24_000, 0, 1, 2)
    assert scrape("seconds", origin="decoded") == pytest.approx(0.12)
    assert scrape("lost_packets") == 0


def test_loss_and_its_repair(counters: CallCounters, scrape: Scrape) -> None:
    hear(counters.audio, 16_000, 0, 1, 3, 4, 5)
    assert scrape("lost_packets") == 1
    assert scrape("seconds", origin="recovered") == pytest.approx(0.02)


def test_what_comes_out_of_turn(counters: CallCounters, scrape: Scrape) -> None:
    hear(counters.audio, 16_000, 5, 6, 4, 7)
    assert scrape("undelivered_packets", reason="late") == 1
    assert scrape("undelivered_packets", reason="duplicate") == 0


def test_redundancy_and_rubbish(counters: CallCounters, scrape: Scrape) -> None:
    receiver = AudioReceiver(FORMAT, 16_000, counts=counters.audio)
    both = encode_red([RedBlock(OPUS, 960, FRAME), RedBlock(OPUS, 0, FRAME)])
    receiver.receive(RtpPacket(RED, 0, 0, 1, encode_red([RedBlock(OPUS, 0, FRAME)])), 0.0)
    receiver.receive(RtpPacket(RED, 2, 1920, 1, both), 0.04)
    receiver.receive(RtpPacket(RED, 3, 2880, 1, b"\xef"), 0.06)
    assert scrape("redundant_packets") == 1
    assert scrape("malformed_packets") == 1
    assert scrape("seconds", origin="decoded") == pytest.approx(0.06)


def test_the_limits_of_admission_stand_beside_what_is_used(counters: CallCounters) -> None:
    collector = WorkerCollector(
        tunnel=TunnelCounters(),
        trunk=TrunkCounters(),
        calls=counters,
        load=lambda: 0.25,
        trunk_connected=lambda: True,
        admission=Limits(max_load=0.7, max_calls=40, draining=True),
    )
    values = {family.name: family.samples[0].value for family in collector.collect()}
    limits = ("load", "load_limit", "call_limit", "draining")
    assert [values[f"antiphon_transceiver_{each}"] for each in limits] == [0.25, 0.7, 40, 1]
