"""A client that reports lost packets, from its SRTCP to what the agent's packets bring along."""

import numpy as np
import pytest
from aiortc import rtp

from antiphon_proto.trunk import UNSOLICITED
from tests.transceiver.call_table_driver import CLIENT, Client, Worker
from transceiver.rtp.packet import RtpPacket
from transceiver.rtp.red import unpack_red

RATE = 24_000
# Of the offer.
OPUS, RED = 111, 63


@pytest.fixture
async def client() -> Client:
    client = Client(Worker())
    await client.connect()
    return client


def talk(client: Client, seconds: float) -> list[RtpPacket]:
    """Let the agent speak; returns the client's packets of it."""
    worker = client.worker
    listener, _session = worker.inference.opened[-1]
    noise = np.random.default_rng(1).normal(0, 3000, int(RATE * seconds)).astype("<i2")
    listener.engine_audio(UNSOLICITED, 0, noise.tobytes())
    client.heard.clear()
    worker.tick(seconds)
    client.deliver({CLIENT})
    return [RtpPacket.parse(packet) for packet in client.heard]


def report(client: Client, packet: RtpPacket, lost: float) -> None:
    """Tell the agent that so much was lost of its stream, up to this packet."""
    info = rtp.RtcpReceiverInfo(
        ssrc=packet.ssrc,
        fraction_lost=int(lost * 256),
        packets_lost=0,
        highest_sequence=packet.sequence,
        jitter=0,
        lsr=0,
        dlsr=0,
    )
    compound = bytes(rtp.RtcpRrPacket(ssrc=client.ssrc, reports=[info]))
    client.worker.receive(client.sender.protect_rtcp(compound))


async def test_reported_loss_has_frames_repeated_within_the_talkspurt(client: Client) -> None:
    plain = talk(client, 2.0)
    assert {packet.payload_type for packet in plain} == {OPUS}
    assert len(plain) == pytest.approx(100, abs=2)

    report(client, plain[-1], 0.2)
    sent = talk(client, 2.0)
    assert {packet.payload_type for packet in sent} == {RED}
    own = [unpack_red(packet)[-1].payload for packet in sent]
    for place, packet in enumerate(sent[2:], start=2):
        assert [each.payload for each in unpack_red(packet)] == own[place - 2 : place + 1]

    counts = client.worker.counters.downlink
    assert counts.redundant_packets == len(sent)
    assert counts.reported_packets == len(plain)
    assert counts.reported_lost == pytest.approx(0.2 * len(plain), rel=0.02)
