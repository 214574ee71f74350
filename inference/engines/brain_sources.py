"""Builds the cascade's brains from the settings of this process."""

import time
from datetime import datetime

from inference.config import InferenceConfig
from inference.engines.cascade.brain.brain import BrainSource
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.server_access import server_access
from inference.model_server.http_client import ServerAccess


def brains(config: InferenceConfig, counters: CascadeCounters) -> BrainSource:
    """The language model's brains, or else the rules', with an expert behind them if there is one.

    Raises SettingError.
    """
    source = _language_model(config, counters) or _rules()
    expert = _expert(config, counters)
    if expert is not None:
        from inference.engines.cascade.brain.delegating import DelegatingBrains

        source = DelegatingBrains(source, expert, config.expert_timeout_s, counters.consultations)
    if config.tool_filler:
        from inference.engines.cascade.brain.tool_filler import ToolFillers

        source = ToolFillers(source, config.tool_filler)
    return source


def _rules() -> BrainSource:
    from inference.engines.cascade.brain.rules import Rules

    return Rules(lambda: datetime.now().astimezone(), time.monotonic)


def _language_model(config: InferenceConfig, counters: CascadeCounters) -> BrainSource | None:
    return _endpoint(
        server_access(config, "llm", config.llm_url, config.llm_model, config.llm_api_key_file),
        config.llm_model,
        counters,
        first_words_s=config.llm_timeout_s,
        stall_s=config.llm_stall_timeout_s,
    )


def _expert(config: InferenceConfig, counters: CascadeCounters) -> BrainSource | None:
    return _endpoint(
        server_access(
            config, "expert", config.expert_url, config.expert_model, config.expert_api_key_file
        ),
        config.expert_model,
        counters,
        first_words_s=config.expert_timeout_s,
        stall_s=config.llm_stall_timeout_s,
    )


def _endpoint(
    access: ServerAccess | None,
    model: str | None,
    counters: CascadeCounters,
    *,
    first_words_s: float,
    stall_s: float,
) -> BrainSource | None:
    if access is None or model is None:
        return None
    from inference.engines.cascade.brain.chat import ChatEndpoint, ChatTimeouts

    timeouts = ChatTimeouts(first_words_s=first_words_s, stall_s=stall_s)
    return ChatEndpoint(access, model, counters.model_servers, timeouts)
