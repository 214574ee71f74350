"""G.711 through the receiver: packets of any length, lost ones, pauses, any engine's rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.audio.codec_factory import make_decoder
from transceiver.audio.counts import COUNT_RATE
from transceiver.audio.format import AudioFormat, Codec
from transceiver.audio.g711 import G711Encoder
from transceiver.audio.receiver import AudioFrame, AudioReceiver
from transceiver.rtp.packet import RtpPacket

TELEPHONE = AudioFormat(
    Codec.PCMU, 0, comfort_noise_payload_type=13, telephone_event_payload_type=101
)
COMFORT_NOISE = bytes([70])
"""A level of -70 dB, no spectrum: https://www.rfc-editor.org/rfc/rfc3389#section-3"""
RATES = (8000, 16000, 22050, 24000, 32000, 44100, 48000)


def tone(seconds: float, rate: int = 8000, delay_s: float = 0) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate - delay_s
    return 8000 * np.sin(2 * np.pi * 440 * time)


class Telephone:
    """Sends a tone; `heard` is what its receiver gave out."""

    def __init__(self, rate: int) -> None:
        self.receiver = AudioReceiver(TELEPHONE, rate)
        self.heard: list[AudioFrame] = []
        self.sent = 0
        """In samples, silence included."""
        self._sequence = 65530
        self._tone = tone(30)
        self._encoder = G711Encoder(Codec.PCMU)

    @property
    def now(self) -> float:
        return self.sent / 8000

    @property
    def pcm(self) -> np.ndarray:
        return np.frombuffer(b"".join(frame.pcm for frame in self.heard), "<i2")

    def send(self, samples: int, *, lost: bool = False) -> None:
        pcm = self._tone[self.sent : self.sent + samples].astype("<i2").tobytes()
        self._receive(0, self._encoder.encode(pcm), lost=lost)
        self.sent += samples

    def pause(self, samples: int) -> None:
        self._receive(13, COMFORT_NOISE)
        self.sent += samples

    def press(self, timestamp: int, duration: int) -> None:
        """One of a key's packets, all of which have the timestamp at which it was pressed."""
        self._receive(101, bytes([5, 10]) + duration.to_bytes(2, "big"), timestamp)
        self.sent += 160

    def _receive(
        self,
        payload_type: int,
        payload: bytes,
        timestamp: int | None = None,
        *,
        lost: bool = False,
    ) -> None:
        if timestamp is None:
            timestamp = (2**32 - 1000 + self.sent) % 2**32
        if not lost:
            packet = RtpPacket(payload_type, self._sequence, timestamp, 1, payload)
            self.heard += self.receiver.receive(packet, self.now)
        self._sequence = (self._sequence + 1) & 0xFFFF


def contiguous(frames: list[AudioFrame]) -> bool:
    ends = [frame.position + len(frame.pcm) // 2 for frame in frames]
    return [frame.position for frame in frames] == [0, *ends[:-1]]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("frame_ms", [10, 20, 30, 40, 60])
def test_the_clients_tone_at_every_rate_and_packet_time(rate: int, frame_ms: int) -> None:
    telephone = Telephone(rate)
    for _ in range(1200 // frame_ms):
        telephone.send(8 * frame_ms)
    assert contiguous(telephone.heard)
    assert len(telephone.pcm) == telephone.receiver.position == telephone.sent * rate // 8000
    delay_s = 0.0 if rate == 8000 else 0.002
    error = (telephone.pcm - tone(1.2, rate, delay_s))[rate // 10 :]
    assert 10 * np.log10(np.mean(error**2) / (8000**2 / 2)) < -35
    assert telephone.receiver.counts.decoded == 1.2 * COUNT_RATE


@given(
    st.sampled_from(RATES),
    st.lists(st.tuples(st.integers(8, 480), st.booleans()), min_size=1, max_size=20),
)
def test_nothing_adds_up_whatever_the_packets_lengths_and_losses(rate, packets) -> None:
    telephone = Telephone(rate)
    telephone.send(160)
    for samples, lost in packets:
        telephone.send(samples, lost=lost)
        if lost:
            # Only so many are waited for.
            for _ in range(5):
                telephone.send(160)
    assert contiguous(telephone.heard)
    # What timestamps leave of a sample, and what the resampler does.
    assert len(telephone.pcm) == pytest.approx(telephone.sent * rate / 8000, abs=2)


def test_a_lost_packet_is_made_up_from_the_pitch_before_it() -> None:
    whole, lossy = Telephone(24000), Telephone(24000)
    for index in range(30):
        whole.send(160)
        lossy.send(160, lost=index == 15)
    difference = lossy.pcm.astype(float) - whole.pcm
    assert len(lossy.pcm) == len(whole.pcm)
    assert np.abs(difference).max() < 4000  # Of 8000; silence would be off by all of it.
    gap = difference[15 * 480 : 16 * 480]
    assert np.mean(gap**2) < 0.1 * np.mean(whole.pcm[15 * 480 : 16 * 480].astype(float) ** 2)
    assert lossy.receiver.counts.recovered == COUNT_RATE // 50


def test_comfort_noise_is_heard_as_silence_of_its_length() -> None:
    """The recogniser adds a room's noise of its own; a detector of turns is surest of none."""
    telephone = Telephone(16000)
    for _ in range(10):
        telephone.send(160)
    telephone.pause(4000)
    for _ in range(10):
        telephone.send(160)
    assert contiguous(telephone.heard)
    assert len(telephone.pcm) == telephone.sent * 2
    pause = telephone.pcm[3200 + 160 : 3200 + 8000]
    assert not pause.any()
    assert np.abs(telephone.pcm[-3000:]).max() > 7000


def test_silence_flows_while_a_pause_lasts() -> None:
    telephone = Telephone(16000)
    for _ in range(10):
        telephone.send(160)
    telephone.pause(0)
    spoken = telephone.receiver.position
    ticks = [telephone.now + 0.02 * index for index in range(1, 51)]
    silence = [frame for now in ticks for frame in telephone.receiver.tick(now)]
    assert telephone.receiver.position - spoken > 16000 * 0.9
    assert not any(any(frame.pcm) for frame in silence)


def test_silence_flows_while_a_key_is_held_and_none_of_it_is_heard() -> None:
    telephone = Telephone(16000)
    for _ in range(10):
        telephone.send(160)
    spoken = telephone.receiver.position
    timestamp = (2**32 - 1000 + telephone.sent) % 2**32
    for count in range(1, 11):
        telephone.press(timestamp, 160 * count)
        telephone.heard += telephone.receiver.tick(telephone.now)
    assert telephone.receiver.position - spoken > 16000 * 0.15
    for _ in range(10):
        telephone.send(160)
    assert contiguous(telephone.heard)
    assert len(telephone.pcm) == telephone.sent * 2
    assert not telephone.pcm[spoken + 64 : spoken + 3200].any()
    assert np.abs(telephone.pcm[-2000:]).max() > 7000


@pytest.mark.parametrize("payload", [b"", bytes(2000)])
def test_what_is_no_packet_of_g711_is_counted_and_else_ignored(payload: bytes) -> None:
    telephone = Telephone(24000)
    telephone.send(160)
    packet = RtpPacket(0, 65531, (2**32 - 1000 + 160) % 2**32, 1, payload)
    assert telephone.receiver.receive(packet, 0.02) == []
    assert telephone.receiver.counts.malformed == (1 if payload else 0)


def test_every_codec_of_a_call_has_a_decoder_of_its_own() -> None:
    one, other = (make_decoder(TELEPHONE, 8000) for _ in range(2))
    payload = G711Encoder(Codec.PCMU).encode(tone(0.02).astype("<i2").tobytes())
    one.decode(payload)
    one.conceal(160)
    assert other.decode(payload) == make_decoder(TELEPHONE, 8000).decode(payload)
