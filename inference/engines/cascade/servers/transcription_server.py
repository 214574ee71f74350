"""Recognition by servers of OpenAI's transcription API: faster-whisper, vLLM, transformers.

An utterance is sent as a file at its end. While it goes on, what there is of it is
transcribed every now and then, for who wants words early.

https://developers.openai.com/api/reference/resources/audio/subresources/transcriptions
"""

import asyncio
import contextlib
from dataclasses import dataclass

import aiohttp
import msgspec

from antiphon_proto.trunk import Transcription
from inference.engines.cascade.servers.counters import SpeechServerCounters
from inference.engines.cascade.servers.remote_utterance import RemoteUtterance
from inference.engines.cascade.servers.wav import wav_file
from inference.engines.cascade.speech_recognition import SAMPLE_RATE, OnPartial
from inference.model_server.counters import ModelServerCounters, Outcome, ServerKind
from inference.model_server.http_client import ModelServerClient, ServerAccess
from inference.model_server.model_server_error import ModelServerError

PATH = "/audio/transcriptions"
MAX_ANSWER_BYTES = 1 << 20
MAX_PARTIAL_AUDIO_S = 30.0
"""No words are asked for early in longer speech, all of which would be sent again each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionSettings:
    model: str
    timeout_s: float
    """From an utterance's end to its transcript."""
    partial_interval_s: float
    """Of new speech between two requests for the words so far; 0: none are made."""


class _Answer(msgspec.Struct):
    text: str


class TranscriptionServer:
    """All servers of the API, as a RecognitionSource."""

    local = False

    def __init__(
        self,
        access: ServerAccess,
        settings: TranscriptionSettings,
        server_counters: ModelServerCounters,
        counters: SpeechServerCounters,
    ) -> None:
        self.settings = settings
        self.counters = counters
        self._client = ModelServerClient(ServerKind.ASR, access, server_counters)

    async def start(self) -> None:
        """A server may come up later: nothing is asked of it yet."""

    async def close(self) -> None:
        await self._client.close()

    def unready_reason(self) -> str | None:
        """Always None: what a server does not hear, the user is asked to say again."""

    def open_stream(self, session_key: str = "") -> "TranscriptionStream":
        return TranscriptionStream(self, session_key)

    async def transcribe(self, pcm: bytes, wishes: Transcription, session_key: str) -> str:
        """The words of samples at SAMPLE_RATE. Raises ModelServerError."""
        file = wav_file(pcm, SAMPLE_RATE)
        async with self._client.post(
            session_key,
            PATH,
            self.settings.timeout_s,
            lambda: {"data": self._form(file, wishes)},
        ) as answer:
            async with asyncio.timeout_at(answer.deadline):
                body = await _body(answer.response)
            return _text(body)

    def _form(self, file: bytes, wishes: Transcription) -> aiohttp.FormData:
        form = aiohttp.FormData()
        form.add_field("file", file, filename="speech.wav", content_type="audio/wav")
        fields = {
            "model": self.settings.model,
            "response_format": "json",
            "language": wishes.language,
            "prompt": wishes.prompt,
        }
        for name, value in fields.items():
            if value:
                form.add_field(name, value)
        return form


class TranscriptionStream:
    """A session's utterances."""

    def __init__(self, server: TranscriptionServer, session_key: str) -> None:
        self._server = server
        self._session_key = session_key
        self._open: set[PostedUtterance] = set()

    def begin(
        self, on_partial: OnPartial, transcription: Transcription | None = None
    ) -> "PostedUtterance":
        self._open = {utterance for utterance in self._open if not utterance.done}
        wishes = transcription or Transcription()
        utterance = PostedUtterance(self._server, self._session_key, on_partial, wishes)
        self._open.add(utterance)
        return utterance

    def close(self) -> None:
        for utterance in self._open:
            utterance.abort()


class PostedUtterance(RemoteUtterance):
    """Sent as a whole, at its end and before."""

    def __init__(
        self,
        server: TranscriptionServer,
        session_key: str,
        on_partial: OnPartial,
        wishes: Transcription,
    ) -> None:
        super().__init__(on_partial, server.counters)
        self._server = server
        self._session_key = session_key
        self._wishes = wishes
        self._asked_s = 0.0
        """How much speech there was when words were asked for last."""

    def heard_more(self) -> None:
        interval_s = self._server.settings.partial_interval_s
        seconds = self.audio.seconds
        if not interval_s or seconds > MAX_PARTIAL_AUDIO_S or seconds < self._asked_s + interval_s:
            return
        self._asked_s = seconds
        if self.working:
            self._counters.asr_partials_skipped += 1
            return
        self._counters.asr_partials += 1
        self.work(self._ask_early)

    def paused(self) -> None:
        if not self._server.settings.partial_interval_s:
            return
        self._asked_s = self.audio.seconds
        self._counters.asr_partials += 1
        self.work(self._ask_at_pause)

    def ended(self) -> None:
        self.work(self._ask)

    async def _ask(self) -> None:
        self.complete(await self._transcribe())

    async def _ask_early(self) -> None:
        """Words that do not come are no loss: the end of the utterance decides."""
        with contextlib.suppress(ModelServerError):
            self.hear(await self._transcribe())

    async def _ask_at_pause(self) -> None:
        with contextlib.suppress(ModelServerError):
            self.settled(await self._transcribe())

    async def _transcribe(self) -> str:
        return await self._server.transcribe(self.audio.whole(), self._wishes, self._session_key)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise ModelServerError(Outcome.GARBLED, "sent far too much")
    return bytes(body)


def _text(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Answer).text.strip()
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ModelServerError(Outcome.GARBLED, "sent what is no transcript") from error
