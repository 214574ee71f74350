"""Which detector a session gets."""

from antiphon_proto.trunk import TurnDetection, TurnDetectionKind
from inference.engines.cascade.turn_detection.model import Judge, ModelDetector
from inference.engines.cascade.turn_detection.semantic import SemanticDetector
from inference.engines.cascade.turn_detection.silence import SilenceDetector
from inference.engines.cascade.turn_detection.turn_detector import TurnDetector
from inference.engines.cascade.vad import WINDOW_SAMPLES


def turn_detector(
    detection: TurnDetection,
    rate: int,
    voiced_end: int | None = None,
    judge: Judge | None = None,
) -> TurnDetector:
    """The detector that a session asks for, on a clock of `rate` samples a second.

    `voiced_end`: behind the last window so far of a turn that another detector began.
    `judge`: the end-of-turn model, if there is one.
    """
    if detection.kind is TurnDetectionKind.SEMANTIC_VAD:
        semantic = SemanticDetector(detection.threshold, detection.eagerness, rate, voiced_end)
        return semantic if judge is None else ModelDetector(semantic, judge, rate)
    # Whole windows within the pause: what the model takes for the last voiced window ends
    # 60 ms (median) behind the last audible sample, so that no pause becomes too short.
    windows = max(1, detection.silence_duration_ms * rate // 1000 // WINDOW_SAMPLES)
    return SilenceDetector(detection.threshold, windows * WINDOW_SAMPLES, voiced_end)
