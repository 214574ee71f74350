"""The contract between the trunk and an engine.

An engine turns a session's audio and commands into audio and events. Every
method returns at once: what takes time goes on behind it and reports through
the session's `emit`, on the same event loop.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from antiphon_proto.trunk import Item, Respond, SessionConfig
from inference.engine_output import EngineOutput

Emit = Callable[[EngineOutput], None]
"""Takes a session's next event or audio; never blocks and never raises."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    input_rate: int
    """Samples a second that `push_audio` takes."""
    output_rate: int
    full_duplex: bool
    """Speaks unasked, as response 0, while it listens."""


class EngineSession(Protocol):
    """One conversation.

    Methods raise EngineError for what they cannot do. Nothing is emitted after `close`.
    """

    def push_audio(self, position: int, pcm: bytes) -> None:
        """Hear 16 bit mono samples whose first is sample `position` of the input clock.

        Positions never overlap and jump forward only where more was lost than is
        worth filling with silence.
        """

    def update(self, config: SessionConfig) -> None: ...

    def commit(self, item_id: str) -> None:
        """Make an item of what was heard since the last commit."""

    def clear_input(self) -> None:
        """Forget what was heard since the last commit."""

    def respond(self, request: Respond) -> None:
        """Answer: ResponseStarted, then text and audio, then Done.

        A response out of band may be asked for while others are given.
        """

    def cancel(self, response: int, played_ms: int) -> None:
        """Stop a response, of which `played_ms` were heard, and emit its Done.

        A response that is done already is only truncated.
        """

    def played(self, response: int, played_ms: int) -> None:
        """So much of a response was played: an engine must not run far ahead of it."""

    def create_item(self, item: Item, previous_item_id: str) -> None: ...

    def truncate_item(self, item_id: str, audio_end_ms: int) -> None: ...

    def delete_item(self, item_id: str) -> None: ...

    def close(self, reason: str) -> None: ...


class Engine(Protocol):
    """Opens sessions; started before the first and closed after the last."""

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    async def start(self) -> None:
        """Return when a session would work; raises OSError when none ever will."""

    async def close(self) -> None: ...

    def unready_reason(self) -> str | None:
        """None while sessions can be served."""

    def open(
        self, config: SessionConfig, history: Sequence[Item], emit: Emit, session_key: str = ""
    ) -> EngineSession:
        """A new session, which has emitted Ready or will. Raises EngineError.

        `session_key`: the same for every session of one call, on whichever replica; what
        keeps a call with the model server that has its conversation cached.
        """
