"""A whole call of a client without Opus, between its SRTP and its engine's PCM."""

import struct

import numpy as np
import pytest

from antiphon_proto.trunk import UNSOLICITED
from tests.transceiver.call_table_driver import CLIENT, SSRC, Client, Worker
from transceiver.audio.format import Codec
from transceiver.audio.g711 import G711Decoder, G711Encoder
from transceiver.rtp.packet import RtpPacket

FORMATS = "111 63 9 0 8 13 110 126"


class Telephone(Client):
    """Offers G.711 and nothing else."""

    def __init__(self, worker: Worker, formats: str, ptime: int) -> None:
        super().__init__(worker)
        self.offer = self.offer.replace(FORMATS, formats)
        self.offer = self.offer.replace("a=rtcp-mux", f"a=rtcp-mux\na=ptime:{ptime}")
        self._timestamp = 0

    def say(self, payload_type: int, payload: bytes) -> None:
        self._sequence += 1
        head = struct.pack(">BBHII", 0x80, payload_type, self._sequence, self._timestamp, SSRC)
        self._timestamp += len(payload)
        self.worker.receive(self.sender.protect(head + payload), CLIENT)


def tone(rate: int, seconds: float) -> np.ndarray:
    wave = np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)
    return (8000 * wave).astype("<i2")


def loudest_frequency(pcm: bytes, rate: int) -> float:
    wave = np.frombuffer(pcm, "<i2")
    return float(np.argmax(np.abs(np.fft.rfft(wave))) * rate / len(wave))


def says_nothing(packet: RtpPacket) -> bool:
    """Comfort noise, or a frame of silence."""
    return packet.payload_type == 13 or len(set(packet.payload)) == 1


@pytest.mark.parametrize(
    ("formats", "codec", "payload_type"), [("0 8 13", Codec.PCMU, 0), ("8 0", Codec.PCMA, 8)]
)
async def test_both_ways_at_the_engines_rate(
    monkeypatch: pytest.MonkeyPatch, formats: str, codec: Codec, payload_type: int
) -> None:
    worker = Worker()
    client = Telephone(worker, formats, ptime=40)
    await client.connect()
    listener, session = worker.inference.opened[-1]
    heard: list[tuple[int, bytes]] = []
    monkeypatch.setattr(session, "push_audio", lambda position, pcm: heard.append((position, pcm)))

    encoder, said = G711Encoder(codec), tone(8000, 1.0)
    for start in range(0, len(said), 240):
        client.say(payload_type, encoder.encode(said[start : start + 240].tobytes()))
        worker.tick(0.03)
    ends = [position + len(pcm) // 2 for position, pcm in heard]
    assert [position for position, _ in heard] == [0, *ends[:-1]]
    assert ends[-1] == 24000
    pcm = b"".join(pcm for _, pcm in heard)
    assert loudest_frequency(pcm, 24000) == pytest.approx(440, abs=2)

    listener.engine_audio(UNSOLICITED, 0, tone(24000, 1.0).tobytes())
    for _ in range(60):
        worker.tick(0.02)
        client.deliver({CLIENT})
    packets = [RtpPacket.parse(packet) for packet in client.heard]
    packets = [packet for packet in packets if not says_nothing(packet)]
    assert {packet.payload_type for packet in packets} == {payload_type}
    assert {len(packet.payload) for packet in packets} == {320}
    assert np.diff([packet.timestamp for packet in packets]).tolist() == [320] * 24
    decoder = G711Decoder(codec)
    spoken = b"".join(decoder.decode(packet.payload) for packet in packets)
    assert loudest_frequency(spoken, 8000) == pytest.approx(440, abs=2)
