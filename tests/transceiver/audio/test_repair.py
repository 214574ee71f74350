"""What a lost frame is made of when no later packet repeats it."""

import math

import numpy as np
import pytest

from tests.transceiver.audio.rtp_client import FRAME, PLAIN, RATE, plain
from transceiver.audio.opus import OpusDecoder, OpusEncoder
from transceiver.audio.opus_mode import OpusMode
from transceiver.audio.receiver import AudioReceiver


def vowels(count: int) -> list[bytes]:
    """Packets of a gliding voice with pauses, which no frame before a lost one foretells."""
    time = np.arange(count * FRAME) / RATE
    pitch = 120 + 40 * np.sin(2 * math.pi * 3 * time)
    phase = 2 * math.pi * np.cumsum(pitch) / RATE
    voice = sum(np.sin(overtone * phase) / overtone for overtone in range(1, 20))
    speech = 5000 * voice * (np.sin(2 * math.pi * 4 * time) > -0.3)
    encoder = OpusEncoder(RATE)
    encoder.adapt(OpusMode.VOIP, 0.1)
    frames = speech.astype("<i2").reshape(count, FRAME)
    return [encoder.encode(frame.tobytes()) for frame in frames]


VOWELS = vowels(60)


def decoded(*lost: int) -> list[np.ndarray]:
    receiver = AudioReceiver(PLAIN, RATE)
    frames = []
    for index, packet in enumerate(plain(VOWELS)):
        if index not in lost:
            frames += receiver.receive(packet, index * 0.02)
    return [np.frombuffer(frame.pcm, "<i2").astype(float) for frame in frames]


def concealed(lost: int) -> np.ndarray:
    decoder = OpusDecoder(RATE)
    for payload in VOWELS[:lost]:
        decoder.decode(payload)
    return np.frombuffer(decoder.conceal(FRAME), "<i2").astype(float)


def power(samples: np.ndarray) -> float:
    return float(np.mean(samples**2))


@pytest.mark.parametrize("lost", [37, 40, 43, 53])
def test_in_band_fec_tells_what_a_guess_cannot(lost: int) -> None:
    whole = decoded()
    repaired = decoded(lost)
    assert len(repaired) == len(whole)
    error = power(repaired[lost] - whole[lost])
    assert error < power(concealed(lost) - whole[lost]) / 4
    assert error < power(whole[lost]) / 4


def test_frames_before_the_lost_one_are_untouched_and_those_after_come_back_to_the_truth() -> None:
    whole, repaired = decoded(), decoded(41)
    assert all((a == b).all() for a, b in zip(whole[:41], repaired[:41], strict=True))
    assert power(repaired[45] - whole[45]) < power(whole[45] + 1) / 10


def test_the_end_of_a_long_outage_is_told_by_the_packet_after_it() -> None:
    """Its sound sets in there: a guess has long faded by then."""
    whole, repaired = decoded(), decoded(*range(20, 41))
    last = repaired[-(len(whole) - 41) - 1]
    assert len(last) == FRAME
    assert power(last) > power(whole[40]) / 100
    assert power(repaired[-(len(whole) - 41) - 2]) == 0
