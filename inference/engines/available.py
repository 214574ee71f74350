"""Builds the engines of this process from its settings."""

from typing import TYPE_CHECKING

from chassis.settings import SettingError
from inference.config import EngineName, InferenceConfig, NativeWeights
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
    engines: list[Engine] = [EchoEngine()]
    if config.native_model is not None or config.engine is EngineName.NATIVE:
        engines.append(_native(config, counters))
    try:
        engines.append(_cascade(config, counters))
    except ImportError as error:
        if config.engine is EngineName.CASCADE:
            raise OSError(f"{error}: pip install 'antiphon[inference]'") from error
    return sorted(engines, key=lambda engine: engine.name != config.engine.value)


def _native(config: InferenceConfig, counters: CascadeCounters) -> Engine:
    """Raises SettingError without a model, and OSError without the libraries around it."""
    if config.native_model is None:
        raise SettingError("--engine native needs --native-model")
    try:
        from inference.engines.native.engine import NativeEngine, NativeOptions
    except ImportError as error:
        raise OSError(f"{error}: pip install 'antiphon[native]'") from error
    options = NativeOptions(
        model=config.native_model,
        slots=config.native_slots,
        device=config.native_device,
        int8=config.native_weights is NativeWeights.INT8,
        threads=config.native_threads,
    )
    return NativeEngine(options, counters)


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
