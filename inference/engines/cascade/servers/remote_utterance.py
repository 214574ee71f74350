"""What the utterances at all kinds of ASR servers share: their words, their end, their audio."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextvars import copy_context

from inference.engines.cascade.servers.counters import SpeechServerCounters
from inference.engines.cascade.servers.utterance_audio import MAX_UTTERANCE_S, UtteranceAudio
from inference.engines.cascade.speech_recognition import OnPartial, RecognitionError
from inference.model_server.model_server_error import ModelServerError

logger = logging.getLogger(__name__)


class RemoteUtterance(ABC):
    """An Utterance at a server; its work is one task at a time, which `abort` ends."""

    def __init__(self, on_partial: OnPartial, counters: SpeechServerCounters) -> None:
        self.partial = ""
        self.pushed = 0
        self.audio = UtteranceAudio()
        self.finished_at = 0.0
        self._on_partial = on_partial
        self._on_settled: OnPartial | None = None
        self._counters = counters
        self._context = copy_context()
        self._task: asyncio.Task[None] | None = None
        self._final: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._final.add_done_callback(_retrieve)

    @property
    def done(self) -> bool:
        return self._final.done()

    def push(self, pcm: bytes) -> None:
        if self.done or not pcm:
            return
        if not self.audio.push(pcm):
            self.fail(f"an utterance of more than {MAX_UTTERANCE_S} seconds")
            return
        self.pushed = self.audio.samples
        self.heard_more()

    def settle(self, on_settled: OnPartial) -> None:
        self._on_settled = on_settled
        if not self.done and self.pushed:
            self.paused()

    def finish(self) -> None:
        if self.done:
            return
        self.finished_at = asyncio.get_running_loop().time()
        if self.pushed:
            self.ended()
        else:
            self.complete("")

    def abort(self) -> None:
        self.fail("the utterance was given up")

    async def final(self) -> str:
        """The transcript. Raises RecognitionError."""
        return await asyncio.shield(self._final)

    @abstractmethod
    def heard_more(self) -> None:
        """Audio was added."""

    @abstractmethod
    def paused(self) -> None:
        """The words of all audio that is there are wanted: `settled` may follow."""

    @abstractmethod
    def ended(self) -> None:
        """All audio is there, and some: `complete` or `fail` must follow in bounded time."""

    def work(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do this instead of what is done now; the utterance fails with what it raises."""
        self._stop()
        self._task = asyncio.create_task(self._run(work), context=self._context)

    @property
    def working(self) -> bool:
        return self._task is not None and not self._task.done()

    def hear(self, text: str) -> None:
        """All words so far."""
        if text != self.partial and not self.done:
            self.partial = text
            self._on_partial(text)

    def settled(self, text: str) -> None:
        """The words of what there was when the speaker paused, as far as they are known."""
        self.hear(text)
        if self._on_settled is not None and not self.done:
            self._on_settled(text)

    def complete(self, text: str) -> None:
        """The transcript."""
        if self.done:
            return
        if self.pushed:
            counters = self._counters
            counters.asr_utterances += 1
            counters.asr_audio_seconds += self.audio.seconds
            counters.asr_work_seconds += asyncio.get_running_loop().time() - self.finished_at
        self.partial = text
        self._final.set_result(text)
        self._end()

    def fail(self, message: str) -> None:
        if not self.done:
            self._final.set_exception(RecognitionError(message))
            self._end()

    def _end(self) -> None:
        self._stop()
        self.audio.forget()

    def _stop(self) -> None:
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except ModelServerError as error:
            self.fail(f"the speech recognition server {error}")
        except Exception:
            logger.exception("an utterance failed")
            self.fail("the speech recognition server cannot be used")


def _retrieve(future: "asyncio.Future[str]") -> None:
    """An utterance that nobody waits for may fail without a word."""
    if not future.cancelled():
        future.exception()
