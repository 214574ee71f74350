"""Log-mel frames, held to those of Hugging Face's feature extractor."""

import numpy as np
import pytest
from transformers import WhisperFeatureExtractor

from inference.engines.cascade.turn_detection.log_mel import SAMPLE_RATE, Floats, log_mel
from tests.inference.user_voice import UserVoice

SECONDS = 8


def sound(name: str, user: UserVoice) -> Floats:
    samples = np.zeros(SECONDS * SAMPLE_RATE, np.float32)
    match name:
        case "speech":
            pcm = np.frombuffer(user.say("set a timer for twenty five minutes"), np.int16)
            samples[-len(pcm) :] = pcm / np.float32(32768)
        case "noise":
            samples[:] = np.random.default_rng(0).normal(0, 0.1, len(samples))
        case "tone":
            samples[:] = np.sin(np.arange(len(samples)) * (2 * np.pi * 440 / SAMPLE_RATE))
    return samples


@pytest.mark.parametrize("name", ["speech", "noise", "tone", "silence"])
def test_equal_to_transformers(name: str, user: UserVoice) -> None:
    samples = sound(name, user)
    extractor = WhisperFeatureExtractor(chunk_length=SECONDS)  # type: ignore[no-untyped-call]
    expected = extractor(
        samples,
        sampling_rate=SAMPLE_RATE,
        max_length=SECONDS * SAMPLE_RATE,
        do_normalize=True,
        return_tensors="np",
    ).input_features[0]

    features = log_mel(samples)

    assert features.shape == (80, 800)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, expected, atol=2e-4)
