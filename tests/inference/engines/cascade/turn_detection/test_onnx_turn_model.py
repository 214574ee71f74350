"""End-of-turn models in ONNX files, and files that are none."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from inference.engines.cascade.turn_detection.log_mel import SAMPLE_RATE, Floats
from inference.engines.cascade.turn_detection.onnx_turn_model import (
    OnnxTurnModel,
    TurnModelError,
)
from tests.inference.engines.cascade.turn_detection import tiny_models


def noise(seconds: float) -> Floats:
    random = np.random.default_rng(0)
    return random.normal(0, 0.1, round(seconds * SAMPLE_RATE)).astype(np.float32)


def silence(seconds: float) -> Floats:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def test_log_mel_frames(tmp_path: Path) -> None:
    model = OnnxTurnModel(tiny_models.loudness_at_the_end(tmp_path / "v3.onnx"))
    assert model.samples == 8 * SAMPLE_RATE

    speaking, done = noise(3), np.concatenate([noise(2), silence(1)])
    assert model.judge(speaking) < 0.2
    assert model.judge(done) > 0.8
    assert model.judge(np.concatenate([silence(20), speaking])) == model.judge(
        np.concatenate([silence(5), speaking])
    ), "only the newest sound counts"
    assert model.judge(speaking) == pytest.approx(
        model.judge(np.concatenate([silence(5), speaking])), abs=1e-6
    ), "a short turn comes behind silence"


def test_samples_with_a_mask(tmp_path: Path) -> None:
    model = OnnxTurnModel(tiny_models.share_of_sound(tmp_path / "v2.onnx"))
    assert model.samples == 16 * SAMPLE_RATE
    assert model.judge(noise(4)) == pytest.approx(4 / 16, abs=1e-4)
    assert model.judge(noise(40)) == pytest.approx(1, abs=1e-4)


def nothing(path: Path) -> str:
    return str(path)


def directory(path: Path) -> str:
    path.mkdir()
    return str(path)


def garbage(path: Path) -> str:
    path.write_bytes(b"\x08\x07garbage" * 50)
    return str(path)


def other_input(path: Path) -> str:
    return tiny_models.mean_of(path, ("tokens", TensorProto.FLOAT, ["batch", 80, 800]))


def other_bands(path: Path) -> str:
    return tiny_models.mean_of(path, ("input_features", TensorProto.FLOAT, ["batch", 128, 800]))


def further_input(path: Path) -> str:
    return tiny_models.mean_of(path, tiny_models.FEATURES, tiny_models.MASK)


def endless_input(path: Path) -> str:
    return tiny_models.mean_of(path, ("input_values", TensorProto.FLOAT, ["batch", 2**40]))


def no_likelihood(path: Path) -> str:
    return tiny_models.mean_of(path, tiny_models.FEATURES)


@pytest.mark.parametrize(
    "make",
    [
        nothing,
        directory,
        garbage,
        other_input,
        other_bands,
        further_input,
        endless_input,
        no_likelihood,
    ],
)
def test_other_files_are_refused_by_name(make: Callable[[Path], str], tmp_path: Path) -> None:
    path = make(tmp_path / "model.onnx")
    with pytest.raises(OSError, match=r"model\.onnx"):
        OnnxTurnModel(path)


def test_sound_that_it_cannot_judge(tmp_path: Path) -> None:
    model = OnnxTurnModel(tiny_models.loudness_at_the_end(tmp_path / "v3.onnx"))
    with pytest.raises(TurnModelError, match="likelihood"):
        model.judge(np.full(SAMPLE_RATE, np.nan, np.float32))
