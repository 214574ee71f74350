"""Recognition while the user speaks, by vLLM's realtime transcription WebSocket.

Each utterance has a connection of its own, opened when it begins: the user speaks
longer than that takes, and a server that is still about the last utterance of a
connection ignores the start of the next one.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from antiphon_proto.trunk import Transcription
from inference.engines.cascade.servers import realtime_transcription_events as events
from inference.engines.cascade.servers.counters import SpeechServerCounters
from inference.engines.cascade.servers.remote_utterance import RemoteUtterance
from inference.engines.cascade.servers.utterance_audio import BYTES_PER_SECOND, MAX_UTTERANCE_S
from inference.engines.cascade.speech_recognition import OnPartial
from inference.model_server.counters import ModelServerCounters, Outcome, ServerKind
from inference.model_server.http_client import (
    ModelServerClient,
    ServerAccess,
    refused,
    translated_errors,
)
from inference.model_server.model_server_error import ModelServerError

PATH = "/realtime"
MAX_CHUNK_BYTES = BYTES_PER_SECOND
MAX_BACKLOG_S = 20.0
"""Speech that no server took: beyond it the utterance is given up."""

MAX_MESSAGE_BYTES = 1 << 20
HEARTBEAT_S = 10.0
"""A connection whose pings go unanswered is broken."""

SETTLED_AFTER_S = 0.1
"""Without a word, after the speaker paused: a little more than a step of Voxtral's."""

CLOSE_TIMEOUT_S = 1.0

WebSocket = aiohttp.ClientWebSocketResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeSettings:
    model: str
    timeout_s: float
    """To connect, and from an utterance's end to its transcript."""


class RealtimeTranscriptionServer:
    """All servers of the protocol, as a RecognitionSource."""

    local = False

    def __init__(
        self,
        access: ServerAccess,
        settings: RealtimeSettings,
        server_counters: ModelServerCounters,
        counters: SpeechServerCounters,
    ) -> None:
        self.settings = settings
        self.counters = counters
        self.client = ModelServerClient(ServerKind.ASR, access, server_counters)

    async def start(self) -> None:
        """A server may come up later: nothing is asked of it yet."""

    async def close(self) -> None:
        await self.client.close()

    def unready_reason(self) -> str | None:
        """Always None: what a server does not hear, the user is asked to say again."""

    def open_stream(self, session_key: str = "") -> "RealtimeTranscriptionStream":
        return RealtimeTranscriptionStream(self, session_key)


class RealtimeTranscriptionStream:
    """A session's utterances."""

    def __init__(self, server: RealtimeTranscriptionServer, session_key: str) -> None:
        self._server = server
        self._session_key = session_key
        self._open: set[StreamedUtterance] = set()

    def begin(
        self, on_partial: OnPartial, transcription: Transcription | None = None
    ) -> "StreamedUtterance":
        """The protocol has no place for a language or a prompt."""
        self._open = {utterance for utterance in self._open if not utterance.done}
        utterance = StreamedUtterance(self._server, self._session_key, on_partial)
        self._open.add(utterance)
        return utterance

    def close(self) -> None:
        for utterance in self._open:
            utterance.abort()


class StreamedUtterance(RemoteUtterance):
    """Sent while it is spoken, and kept: when a server fails before the utterance's end,
    another one hears it from its start."""

    def __init__(
        self, server: RealtimeTranscriptionServer, session_key: str, on_partial: OnPartial
    ) -> None:
        super().__init__(on_partial, server.counters)
        self._server = server
        self._session_key = session_key
        self._changed = asyncio.Event()
        self._all_there = False
        self._broken = False
        self._paused = False
        self._settling: asyncio.TimerHandle | None = None
        self._limit: asyncio.Timeout | None = None

    def heard_more(self) -> None:
        if self.audio.unsent_seconds > MAX_BACKLOG_S:
            self._counters.asr_shed_seconds += self.audio.unsent_seconds
            self.fail("the speech recognition server cannot keep up")
            return
        self._changed.set()
        if not self.working:
            self.work(self._transcribe)

    def paused(self) -> None:
        """The last words come by themselves, soon: when no more do, they are all."""
        self._paused = True
        self._expect_settled()

    def _expect_settled(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
        loop = asyncio.get_running_loop()
        self._settling = loop.call_later(SETTLED_AFTER_S, lambda: self.settled(self.partial))

    def ended(self) -> None:
        self._all_there = True
        self._changed.set()
        self._limit_time()
        if not self.working:
            self.work(self._transcribe)

    async def _transcribe(self) -> None:
        """Until the transcript is there. Raises ModelServerError."""
        loop = asyncio.get_running_loop()
        pool = self._server.client.pool
        attempts = pool.attempts(self._session_key, loop.time(), MAX_UTTERANCE_S)
        while True:
            url = attempts.begin(loop.time())
            try:
                text = await self._at_server(url)
            except ModelServerError as error:
                pause_s = attempts.failed(error, loop.time())
                if pause_s is None and not self._may_repeat(error):
                    raise
            except BaseException:
                attempts.abandoned()
                raise
            else:
                attempts.succeeded()
                self.complete(text)
                return
            await asyncio.sleep(pause_s or 0.0)

    def _may_repeat(self, error: ModelServerError) -> bool:
        """Once more after a connection that broke: all of the speech is still here."""
        broken_before, self._broken = self._broken, error.outcome is Outcome.BROKEN_OFF
        return self._broken and not broken_before

    async def _at_server(self, url: str) -> str:
        """The whole transcript. Raises ModelServerError."""
        self.audio.sent = 0
        with translated_errors(Outcome.BROKEN_OFF):
            async with asyncio.timeout(None) as limit, self._connection(url) as socket:
                self._limit = limit
                self._limit_time()
                sending = asyncio.create_task(self._send(socket))
                try:
                    return await self._receive(socket)
                finally:
                    self._limit = None
                    sending.cancel()
                    await asyncio.wait((sending,))

    def _limit_time(self) -> None:
        """The transcript must come so long after the end of the speech."""
        if self._limit is not None and self._all_there:
            self._limit.reschedule(self.finished_at + self._server.settings.timeout_s)

    @asynccontextmanager
    async def _connection(self, url: str) -> AsyncIterator[WebSocket]:
        """A connection that the server has greeted. Raises ModelServerError."""
        with translated_errors(Outcome.UNREACHABLE):
            async with asyncio.timeout(self._server.settings.timeout_s):
                socket = await self._connect(url + PATH)
        try:
            yield socket
        finally:
            await socket.close()

    async def _connect(self, url: str) -> WebSocket:
        client = self._server.client
        try:
            socket = await client.session().ws_connect(
                url,
                headers=client.headers(self._session_key),
                heartbeat=HEARTBEAT_S,
                max_msg_size=MAX_MESSAGE_BYTES,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S),
            )
        except aiohttp.WSServerHandshakeError as error:
            raise refused(error.status, error.headers) from error
        try:
            while not isinstance(await _event(socket), events.Created):
                pass
        except BaseException:
            await socket.close()
            raise
        return socket

    async def _send(self, socket: WebSocket) -> None:
        """Hand on the audio as it comes. What breaks here, receiving notices."""
        try:
            await socket.send_str(events.update(self._server.settings.model))
            await socket.send_str(events.commit(final=False))
            while True:
                self._changed.clear()
                while chunk := self.audio.unsent(MAX_CHUNK_BYTES):
                    await socket.send_str(events.append(chunk))
                if self._all_there:
                    break
                await self._changed.wait()
            await socket.send_str(events.commit(final=True))
        except (aiohttp.ClientError, ConnectionError):
            return

    async def _receive(self, socket: WebSocket) -> str:
        text = ""
        while len(text) <= events.MAX_TEXT_CHARACTERS:
            event = await _event(socket)
            if isinstance(event, events.Transcribed):
                return event.text.strip()
            if isinstance(event, events.Delta):
                text += event.text
                self.hear(text.strip())
                if self._paused:
                    self._expect_settled()
        raise ModelServerError(Outcome.GARBLED, "sent far too much")


async def _event(socket: WebSocket) -> events.ServerEvent:
    """The server's next event, which is no error. Raises ModelServerError."""
    message = await socket.receive()
    if message.type is not aiohttp.WSMsgType.TEXT:
        broken = message.type is not aiohttp.WSMsgType.BINARY
        outcome = Outcome.BROKEN_OFF if broken else Outcome.GARBLED
        raise ModelServerError(outcome, "broke off" if broken else "sent what is no event")
    try:
        event = events.read_event(message.data)
    except events.TranscriptionEventError as error:
        raise ModelServerError(Outcome.GARBLED, "sent what is no event") from error
    if isinstance(event, events.Refused):
        raise ModelServerError(Outcome.FAILED, "reported an error")
    return event
