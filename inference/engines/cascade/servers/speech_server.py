"""Voices of servers of OpenAI's speech API: vLLM-Omni, Kokoro-FastAPI, openedai-speech.

https://developers.openai.com/api/reference/resources/audio/subresources/speech
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field

import aiohttp

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from inference.engines.cascade.servers.counters import SpeechServerCounters
from inference.engines.cascade.servers.fallback_voice import FallbackVoice
from inference.engines.cascade.servers.speech_stream import SpeechStream, SpeechStreamError
from inference.engines.cascade.speech import Speech
from inference.engines.cascade.speech_synthesis import (
    SAMPLE_RATE,
    Report,
    SynthesisError,
    Voice,
    VoiceSource,
)
from inference.model_server.counters import ModelServerCounters, Outcome, ServerKind
from inference.model_server.http_client import ModelServerClient, ServerAccess
from inference.model_server.model_server_error import ModelServerError

PATH = "/audio/speech"
DEFAULT_VOICE = "alloy"
READ_BYTES = 1 << 15

LONGEST_PIECE_S = 10.0
LONGEST_CHARACTER_S = 1.0
"""Speech that lasts longer than both together allow is a server that does not stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechSettings:
    model: str
    voice: str = ""
    """For every name that `voices` does not have; empty: names go to the server as they are."""
    voices: Mapping[str, str] = field(default_factory=dict)
    """From a name of the Realtime API to the server's."""
    rate: int = 24_000
    """Of raw samples whose type does not say it."""
    speed: float = 1.0
    falls_back_to_answer: bool = False
    """Whether the embedded voice goes on with the answer, or only apologises."""
    timeout_s: float = 5.0
    """How far speech may be behind real time, and so also until its first audio."""

    def server_voice(self, name: str) -> str:
        return self.voices.get(name) or self.voice or name or DEFAULT_VOICE


class SpeechServer:
    """All servers of the API, as a VoiceSource."""

    local = False

    def __init__(
        self,
        access: ServerAccess,
        settings: SpeechSettings,
        server_counters: ModelServerCounters,
        counters: SpeechServerCounters,
        embedded: VoiceSource,
    ) -> None:
        """`embedded` speaks where no server does; it is started and closed here."""
        self.settings = settings
        self.counters = counters
        self.client = ModelServerClient(ServerKind.TTS, access, server_counters)
        self._embedded = embedded

    async def start(self) -> None:
        """Raises OSError when the embedded voice does not start. A server may come up later."""
        await self._embedded.start()

    async def close(self) -> None:
        await asyncio.gather(self.client.close(), self._embedded.close())

    def unready_reason(self) -> str | None:
        """A server that fails is replaced by the embedded voice, if only to apologise."""
        return self._embedded.unready_reason()

    def voice(
        self,
        name: str,
        session_key: str = "",
        report: Report = lambda error: None,
        speed: float = 1.0,
    ) -> Voice:
        embedded = self._embedded.voice(name, session_key, speed=speed)
        server_voice = self.settings.server_voice(name)
        voice = ServerVoice(self, server_voice, session_key, embedded, speed)
        return FallbackVoice(voice, report) if self.settings.falls_back_to_answer else voice


class ServerVoice:
    """One voice for one call."""

    def __init__(
        self, server: SpeechServer, name: str, session_key: str, embedded: Voice, speed: float
    ) -> None:
        self._server = server
        self._name = name
        self._session_key = session_key
        self._embedded = embedded
        self._speed = server.settings.speed * speed

    def fall_back(self) -> Voice:
        """The embedded voice."""
        self._server.counters.tts_fallbacks += 1
        return self._embedded

    async def speak(self, text: str) -> AsyncGenerator[Speech]:
        """As `Voice.speak`; the server says nothing about words."""
        server = self._server
        piece = _Piece(server.counters, server.settings.timeout_s, _longest_s(text))
        try:
            async with server.client.post(
                self._session_key,
                PATH,
                server.settings.timeout_s,
                lambda: {"json": self._request(text)},
            ) as answer:
                piece.answered(answer.response, server.settings.rate)
                while (pcm := await piece.read()) is not None:
                    answer.useful = True
                    if pcm:
                        yield Speech(pcm)
        except ModelServerError as error:
            raise SynthesisError(f"the speech server {error}") from error
        finally:
            piece.count()

    def _request(self, text: str) -> dict[str, object]:
        settings = self._server.settings
        request: dict[str, object] = {
            "model": settings.model,
            "input": text,
            "voice": self._name,
            "response_format": "pcm",
        }
        if self._speed != 1.0:
            request["speed"] = self._speed
        return request


class _Piece:
    """The audio of one request, which must not fall far behind real time.

    Only the time in which the server was waited for counts, not what playback takes.
    """

    def __init__(self, counters: SpeechServerCounters, timeout_s: float, longest_s: float) -> None:
        self._counters = counters
        self._timeout_s = timeout_s
        self._longest_s = longest_s
        self._clock = asyncio.get_running_loop().time
        self._asked_at = self._clock()
        self._worked_s = 0.0
        self._given_s = 0.0
        self._response: aiohttp.ClientResponse | None = None
        self._stream: SpeechStream | None = None

    def answered(self, response: aiohttp.ClientResponse, rate: int) -> None:
        """Raises ModelServerError for what is no speech."""
        self._worked_s = self._clock() - self._asked_at
        self._response = response
        try:
            self._stream = SpeechStream(response.headers.get("Content-Type", ""), rate)
        except SpeechStreamError as error:
            raise _garbled() from error

    async def read(self) -> bytes | None:
        """The next samples at SAMPLE_RATE, maybe none; None behind the last.

        Raises ModelServerError.
        """
        response, stream = self._response, self._stream
        if response is None or stream is None:
            return None
        data = await self._next_bytes(response, stream.received_s)
        try:
            pcm = stream.push(data) if data else stream.finish()
        except SpeechStreamError as error:
            raise _garbled() from error
        if stream.received_s > self._longest_s:
            raise ModelServerError(Outcome.GARBLED, "does not stop speaking")
        if not data:
            self._response = None
            if not stream.received_s:
                raise ModelServerError(Outcome.GARBLED, "sent no speech")
        self._note(pcm)
        return pcm

    async def _next_bytes(self, response: aiohttp.ClientResponse, received_s: float) -> bytes:
        started = self._clock()
        try:
            async with asyncio.timeout(self._timeout_s + received_s - self._worked_s):
                return await response.content.read(READ_BYTES)
        finally:
            self._worked_s += self._clock() - started

    def _note(self, pcm: bytes) -> None:
        if pcm and not self._given_s:
            self._counters.tts_pieces += 1
            self._counters.tts_first_audio_seconds += self._worked_s
        self._given_s += len(pcm) / BYTES_PER_SAMPLE / SAMPLE_RATE

    def count(self) -> None:
        """Once, at the end."""
        self._counters.tts_audio_seconds += self._given_s
        self._counters.tts_work_seconds += self._worked_s


def _garbled() -> ModelServerError:
    return ModelServerError(Outcome.GARBLED, "sent what is no speech")


def _longest_s(text: str) -> float:
    return LONGEST_PIECE_S + LONGEST_CHARACTER_S * len(text)
