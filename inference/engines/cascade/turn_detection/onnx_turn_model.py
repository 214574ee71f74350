"""An end-of-turn model in an ONNX file: sound in, the likelihood that the turn is whole out.

Two kinds are known by their input, as Pipecat's Smart Turn is published:

    input_features (B, 80, T)                  v3: log-mel frames, sound at the end, 8 s
    input_values (B, N)  [attention_mask]      v2: samples, sound at the start, 16 s

https://github.com/pipecat-ai/smart-turn
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.engines.cascade.onnx_session import onnx_session
from inference.engines.cascade.turn_detection.log_mel import (
    BANDS,
    HOP_SAMPLES,
    SAMPLE_RATE,
    Floats,
    log_mel,
    standardised,
)

FEATURES = "input_features"
VALUES = "input_values"
MASK = "attention_mask"

FEATURES_S = 8
VALUES_S = 16
"""What is given to a model whose input may have any length."""
MAX_S = 30

Feed = dict[str, NDArray[Any]]


class TurnModelError(Exception):
    """The model does not run, or what it gives is no likelihood."""


@dataclass(frozen=True, slots=True)
class FeaturesInput:
    """Log-mel frames."""

    samples: int

    def feed(self, sound: Floats) -> Feed:
        padded = np.pad(sound, (self.samples - len(sound), 0))
        return {FEATURES: log_mel(padded)[None]}


@dataclass(frozen=True, slots=True)
class ValuesInput:
    """Samples, and which of them are sound where the model asks for that."""

    samples: int
    masked: bool

    def feed(self, sound: Floats) -> Feed:
        missing = self.samples - len(sound)
        if not self.masked:
            return {VALUES: standardised(np.pad(sound, (missing, 0)))[None]}
        mask = np.pad(np.ones(len(sound), np.int64), (0, missing))
        return {VALUES: np.pad(standardised(sound), (0, missing))[None], MASK: mask[None]}


class OnnxTurnModel:
    """The network; keeps nothing of a session. One thread."""

    def __init__(self, path: str) -> None:
        """Raises OSError, which names the file, unless it is such a model and runs."""
        if not Path(path).is_file():
            raise OSError(f"{path}: no such file")
        try:
            self._session = onnx_session(path)
            self._input = _input_of(self._session)
            self.judge(np.zeros(SAMPLE_RATE, np.float32))
        except Exception as error:  # ONNX Runtime's exceptions have no common base
            reason = str(error).partition("\n")[0]
            raise OSError(f"{path} is not an end-of-turn model: {reason}") from error

    @property
    def samples(self) -> int:
        """Of the newest sound at SAMPLE_RATE, so much is looked at."""
        return self._input.samples

    def judge(self, sound: Floats) -> float:
        """How likely a turn that sounds like this, (N,) from -1 to 1, is whole, from 0 to 1.

        Raises TurnModelError.
        """
        try:
            outputs = self._session.run(None, self._input.feed(sound[-self.samples :]))
        except Exception as error:  # ONNX Runtime's exceptions have no common base
            raise TurnModelError(str(error)) from error
        result = np.asarray(outputs[0], np.float64).ravel()
        if len(result) != 1 or not 0 <= result[0] <= 1:
            raise TurnModelError(f"expected one likelihood from 0 to 1, not {result[:4]}")
        return float(result[0])


def _input_of(session: Any) -> FeaturesInput | ValuesInput:
    """Raises TurnModelError for inputs that no known kind of model has."""
    shapes = {tensor.name: tensor.shape for tensor in session.get_inputs()}
    match shapes:
        case {"input_features": [_, bands, frames], **others} if not others and bands == BANDS:
            return FeaturesInput(
                _length(frames, FEATURES_S * SAMPLE_RATE // HOP_SAMPLES, HOP_SAMPLES)
            )
        case {"input_values": [_, length], **others} if others.keys() <= {MASK}:
            return ValuesInput(_length(length, VALUES_S * SAMPLE_RATE, 1), MASK in others)
    raise TurnModelError(f"its inputs are {shapes}")


def _length(dimension: object, default: int, unit: int) -> int:
    """Samples of an input of `dimension` units; a name stands for any number of them."""
    units = dimension if isinstance(dimension, int) else default
    if not 0 < units * unit <= MAX_S * SAMPLE_RATE:
        raise TurnModelError(f"its input is {units * unit / SAMPLE_RATE:g} s long")
    return units * unit
