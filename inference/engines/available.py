"""Builds the engines of this process from its settings."""

from typing import TYPE_CHECKING

from chassis.settings import SettingError
from inference.config import EngineName, InferenceConfig
from inference.engine import Engine
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.echo import EchoEngine

if TYPE_CHECKING:
    from inference.engines.cascade.turn_detection.turn_judge import TurnJudge


def available_engines(config: InferenceConfig, counters: CascadeCounters) -> list[Engine]:
    """The engines, not started, the default one first.

    Raises SettingError, and OSError when a library that the default engine needs
    is missing.
    """
    echo = EchoEngine()
    try:
        cascade = _cascade(config, counters)
    except ImportError as error:
        if config.engine is EngineName.CASCADE:
            raise OSError(f"{error}: pip install 'antiphon[inference]'") from error
        return [echo]
    return [echo, cascade] if config.engine is EngineName.ECHO else [cascade, echo]


def _cascade(config: InferenceConfig, counters: CascadeCounters) -> Engine:
    """Imports the cascade's libraries, which `--engine echo` can do without."""
    from inference.engines.brain_sources import brains
    from inference.engines.cascade.engine import CascadeEngine
    from inference.engines.speech_sources import recogniser, synthesiser

    return CascadeEngine(
        brains(config, counters),
        recogniser(config, counters),
        synthesiser(config, counters),
        counters,
        pause_ms=config.preempt_after_ms,
        turn_judge=_turn_judge(config, counters),
    )


def _turn_judge(config: InferenceConfig, counters: CascadeCounters) -> "TurnJudge | None":
    """Raises SettingError for a file that is no end-of-turn model."""
    if config.turn_model is None:
        return None
    from inference.engines.cascade.turn_detection.onnx_turn_model import OnnxTurnModel
    from inference.engines.cascade.turn_detection.turn_judge import TurnJudge

    try:
        return TurnJudge(OnnxTurnModel(config.turn_model), counters.turn_model)
    except OSError as error:
        raise SettingError(f"--turn-model: {error}") from error
