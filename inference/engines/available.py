"""Builds the engines of this process from its settings."""

import time
from datetime import datetime
from typing import TYPE_CHECKING

from chassis.secret_file import read_secret_file
from chassis.settings import SettingError
from inference.config import EngineName, InferenceConfig
from inference.engine import Engine
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.echo import EchoEngine

if TYPE_CHECKING:
    from inference.engines.cascade.brain.brain import BrainSource
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
    from inference.engines.cascade.engine import CascadeEngine
    from inference.engines.speech_sources import recogniser, synthesiser

    return CascadeEngine(
        _brains(config),
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


def _brains(config: InferenceConfig) -> "BrainSource":
    """The language model's brains if there is one, else the rules'."""
    if config.llm_url is not None and config.llm_model is not None:
        from inference.engines.cascade.brain.chat import ChatEndpoint

        path, api_key = config.llm_api_key_file, None
        if path is not None:
            api_key = read_secret_file("--llm-api-key-file", path, str.strip)
        return ChatEndpoint(config.llm_url, config.llm_model, api_key, config.llm_timeout_s)
    if config.llm_url is not None or config.llm_model is not None:
        raise SettingError("--llm-url and --llm-model go together")
    from inference.engines.cascade.brain.rules import Rules

    return Rules(lambda: datetime.now().astimezone(), time.monotonic)
