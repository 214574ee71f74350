"""A voice, as a detector is told of it."""

from collections.abc import Sequence

from inference.engines.cascade.turn_detection.turn_detector import TurnDetector, TurnSignal

RATE = 16_000
WINDOW = 512
WINDOW_MS = WINDOW * 1000 // RATE


def feed(
    detector: TurnDetector, probabilities: Sequence[float], start: int = 0
) -> list[TurnSignal]:
    """Push windows, the first of which is number `start`."""
    signals = [
        detector.push_voice(probability, (start + index + 1) * WINDOW)
        for index, probability in enumerate(probabilities)
    ]
    return [signal for signal in signals if signal is not None]
