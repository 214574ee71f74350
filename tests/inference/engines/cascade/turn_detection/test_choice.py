"""Which detector a session gets."""

from antiphon_proto.trunk import Eagerness, TurnDetection, TurnDetectionKind
from inference.engines.cascade.turn_detection.choice import turn_detector
from inference.engines.cascade.turn_detection.semantic import SemanticDetector
from inference.engines.cascade.turn_detection.silence import SilenceDetector
from tests.inference.engines.cascade.turn_detection.voice import RATE


def test_the_session_chooses() -> None:
    semantic = TurnDetection(kind=TurnDetectionKind.SEMANTIC_VAD, eagerness=Eagerness.HIGH)
    assert isinstance(turn_detector(semantic, RATE), SemanticDetector)
    server = turn_detector(TurnDetection(silence_duration_ms=320), RATE)
    assert isinstance(server, SilenceDetector)
    assert server.silence_samples == 5120
