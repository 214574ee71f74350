"""What speaks: the contract of the cascade's synthesisers."""

from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from inference.engines.cascade.speech import Speech
from inference.error_code import EngineError, ErrorCode

SAMPLE_RATE = 24_000
"""Samples a second of the speech that synthesisers give."""


class SynthesisError(EngineError):
    """A piece was not spoken, or not to its end."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.SYNTHESIS_FAILED, message)


Report = Callable[[SynthesisError], None]


class Voice(Protocol):
    """A voice of one answer."""

    def fall_back(self) -> "Voice | None":
        """What can still apologise when this voice has failed; None: nothing is left."""

    def speak(self, text: str) -> AsyncGenerator[Speech]:
        """Stream speech at SAMPLE_RATE; closing the iterator stops the work behind it.

        Raises SynthesisError, after part of the speech perhaps.
        """


class VoiceSource(Protocol):
    """What the voices of all sessions share."""

    @property
    def local(self) -> bool:
        """Whether it runs on this machine: then it must work for the engine to start."""

    async def start(self) -> None:
        """Raises OSError when it cannot work."""

    async def close(self) -> None: ...

    def unready_reason(self) -> str | None:
        """None while a voice would be heard."""

    def voice(
        self,
        name: str,
        session_key: str = "",
        report: Report = lambda error: None,
        speed: float = 1.0,
    ) -> Voice:
        """The voice called `name` in the Realtime API, or a default one, at `speed` times its
        usual speed.

        `session_key` names the call, as `Engine.open` says; `report` hears of what failed and
        was made good, so that `speak` does not raise it.
        """
