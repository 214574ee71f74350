"""What hears: the contract of the cascade's recognisers.

A source is shared by all sessions, a stream belongs to one session, an utterance is
one run of the user's speech in it.
"""

from collections.abc import Callable
from typing import Protocol

from antiphon_proto.trunk import Transcription
from inference.error_code import EngineError, ErrorCode

SAMPLE_RATE = 16_000
"""Samples a second of the speech that recognisers take."""

OnPartial = Callable[[str], None]
"""Takes all words of an utterance so far, whenever they have changed."""


class RecognitionError(EngineError):
    """An utterance was lost."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.RECOGNITION_FAILED, message)


class Utterance(Protocol):
    """One run of speech on its way to a transcript.

    All but `final` returns at once and never raises: whatever fails shows in `final`.
    """

    @property
    def partial(self) -> str:
        """The words so far."""

    @property
    def pushed(self) -> int:
        """Samples."""

    @property
    def done(self) -> bool:
        """Whether the transcript is there, or will never be."""

    def push(self, pcm: bytes) -> None:
        """Add 16 bit mono samples at SAMPLE_RATE."""

    def settle(self, on_settled: OnPartial) -> None:
        """The speaker pauses: give the words of all that was pushed until now, soon.

        The utterance may go on. A recogniser that knows no words before the end gives none.
        """

    def finish(self) -> None:
        """There is no more speech: `final` will come."""

    def abort(self) -> None:
        """Nobody wants the transcript any more."""

    async def final(self) -> str:
        """The transcript, after `finish`. Raises RecognitionError, and always in bounded time."""


class RecognitionStream(Protocol):
    """A session's place at a recogniser."""

    def begin(self, on_partial: OnPartial, transcription: Transcription | None = None) -> Utterance:
        """Start an utterance; the one before it must be finished or aborted.

        `transcription`: the session's wishes (language, prompt), for recognisers that heed them.
        """

    def close(self) -> None:
        """The session is over: nobody wants utterances any more that are not done."""


class RecognitionSource(Protocol):
    """What the recognition of all sessions shares."""

    @property
    def local(self) -> bool:
        """Whether it runs on this machine: then it must work for the engine to start."""

    async def start(self) -> None:
        """Raises OSError when it cannot work."""

    async def close(self) -> None: ...

    def unready_reason(self) -> str | None:
        """None while speech would be recognised."""

    def open_stream(self, session_key: str = "") -> RecognitionStream:
        """A stream for one session; `session_key` names its call, as `Engine.open` says."""
