"""What an operator sees of clients' audio at a scrape."""

from collections.abc import Callable

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
