"""Opus packets of every length that there is, at every rate of an engine."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transceiver.audio.format import AudioFormat, Codec
from transceiver.audio.opus import OpusEncoder
from transceiver.audio.receiver import AudioFrame, AudioReceiver
from transceiver.rtp.packet import RtpPacket

TICKS = (120, 240, 480, 960, 1920, 2880, 3840, 4800, 5760)
"""2.5 to 120 ms: https://www.rfc-editor.org/rfc/rfc6716#section-2.1.4"""
RATES = (8000, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
OPUS = AudioFormat(Codec.OPUS, 111)


def heard(rate: int, lengths: list[int]) -> list[AudioFrame]:
    """Of a tone in packets of these ticks."""
    receiver, encoder = AudioReceiver(OPUS, rate), OpusEncoder(48000)
    frames: list[AudioFrame] = []
    sent = 0
    for sequence, ticks in enumerate(lengths):
        time = (np.arange(ticks) + sent) / 48000
        pcm = (8000 * np.sin(2 * np.pi * 440 * time)).astype("<i2").tobytes()
        packet = RtpPacket(111, sequence, (2**32 - 500 + sent) % 2**32, 1, encoder.encode(pcm))
        sent += ticks
        frames += receiver.receive(packet, sent / 48000)
    assert receiver.counts.malformed == 0
    assert receiver.position == pytest.approx(sent * rate / 48000, abs=1)
    return frames


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("ticks", TICKS)
def test_a_tone_in_packets_of_one_length(rate: int, ticks: int) -> None:
    pcm = b"".join(frame.pcm for frame in heard(rate, [ticks] * (48000 // ticks)))
    wave = np.frombuffer(pcm, "<i2")[-rate // 2 :]
    assert np.argmax(np.abs(np.fft.rfft(wave))) * rate / len(wave) == pytest.approx(440, abs=2)
    assert np.abs(wave).max() > 5000


@given(st.sampled_from(RATES), st.lists(st.sampled_from(TICKS), min_size=1, max_size=20))
def test_lengths_may_change_with_every_packet(rate: int, lengths: list[int]) -> None:
    frames = heard(rate, lengths)
    ends = [frame.position + len(frame.pcm) // 2 for frame in frames]
    assert [frame.position for frame in frames] == [0, *ends[:-1]]
