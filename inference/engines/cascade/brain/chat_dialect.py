"""Which optional parts of a chat request a server takes, learned from what it refuses.

Servers that are called OpenAI-compatible differ here: some know no `stream_options`, and
OpenAI's own newer models take no `max_tokens`.
"""

from typing import Any

from inference.engines.cascade.brain.brain import Prompt


class ChatDialect:
    """Shared by all sessions, so that a server refuses an option once."""

    def __init__(self) -> None:
        self._counts_tokens = True
        self._limit = "max_tokens"
        self._limits_calls = True

    def options(self, prompt: Prompt) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if self._counts_tokens:
            options["stream_options"] = {"include_usage": True}
        if prompt.max_output_tokens:
            options[self._limit] = prompt.max_output_tokens
        if prompt.tools and not prompt.parallel_tool_calls and self._limits_calls:
            options["parallel_tool_calls"] = False
        return options

    def learn(self, refusal: str) -> bool:
        """Take in what a server said to a request that it refused.

        Whether the request would be another one now, worth asking.
        """
        if self._counts_tokens and "stream_options" in refusal:
            self._counts_tokens = False
            return True
        if self._limits_calls and "parallel_tool_calls" in refusal:
            self._limits_calls = False
            return True
        if self._limit == "max_tokens" and "max_completion_tokens" in refusal:
            self._limit = "max_completion_tokens"
            return True
        return False
