"""What answers: the contract of the cascade's brains."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Protocol

from antiphon_proto.trunk import FunctionCall, Item, Tool, Truncation
from inference.error_code import EngineError

SILENCE = "(The user has said nothing.)"
"""What a turn without speech is in a history: the agent is to say something itself."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The conversation, and how to answer it."""

    instructions: str
    history: tuple[Item, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    parallel_tool_calls: bool = True
    """Whether one answer may call more than one function."""
    max_output_tokens: int = 0
    """0: no limit."""
    heard_ms: int = 0
    """How long the user spoke in the history."""
    said: str = ""
    """How this very answer began, as the user heard it from a replica that is gone: the brain
    gives what comes behind it."""
    own_context: bool = False
    """The history is another one than the session's conversation."""
    out_of_band: bool = False
    """The answer joins no conversation."""
    truncation: Truncation = field(default_factory=Truncation)


@dataclass(frozen=True, slots=True)
class FunctionCallDelta:
    """More of the arguments of a call, which is given whole behind its last ones; a call that
    breaks off is not."""

    call_id: str
    name: str
    arguments_json: str


@dataclass(frozen=True, slots=True)
class CutOff:
    """The answer ended before it was complete; the last thing a brain says."""

    reason: str
    """As the Realtime API names it: "max_output_tokens" or "content_filter"."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What the brain does besides speaking, such as setting a timer or asking another model.

    `act` is called when the answer reaches it, and never for an answer that is discarded.
    """

    act: Callable[[], None]


@dataclass(frozen=True, slots=True)
class TokensUsed:
    """What the answer cost, as the model counts; `cached_tokens` are among the input ones."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0


BrainOutput = str | FunctionCallDelta | FunctionCall | CutOff | Effect | TokensUsed
"""Text and arguments as they come, whole function calls, and the cost where it is known."""


class BrainError(EngineError):
    """The brain cannot answer, or cannot go on."""


class Brain(Protocol):
    """Answers one session's prompts: those of the conversation one at a time, and others
    beside them."""

    def answer(self, prompt: Prompt) -> AsyncGenerator[BrainOutput]:
        """Stream an answer; raises BrainError. Closing the iterator stops the work behind it.

        An answer may be begun on words that turn out to be others, and be discarded: whatever
        should not have happened then is an Effect.
        """


class BrainSource(Protocol):
    """What the brains of all sessions share."""

    def open(self, session_key: str) -> Brain:
        """A brain for one session; `session_key` names its call, as `Engine.open` says."""

    async def close(self) -> None: ...
