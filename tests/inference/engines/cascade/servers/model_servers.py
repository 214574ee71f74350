"""Servers for speech on real sockets, that hear and speak with the embedded recogniser and voice.

They keep to what is documented, and break it where a test tells them to:
https://developers.openai.com/api/reference/resources/audio
https://docs.vllm.ai/en/latest/api/vllm/entrypoints/speech_to_text/realtime/
"""

import asyncio
import base64
import contextlib
import io
import json
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType, web

from inference.engines.cascade.embedded_recogniser import EmbeddedRecogniser
from inference.engines.cascade.recogniser import DecodedUtterance, RecogniserStream
from inference.engines.cascade.synthesiser import Synthesiser

Misbehave = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ModelServers:
    """All three APIs on one port."""

    def __init__(self, recogniser: EmbeddedRecogniser, synthesiser: Synthesiser) -> None:
        self.url = ""
        self.misbehave: Misbehave | None = None
        """Answers every request while it is set."""
        self.misbehave_at: dict[str, Misbehave] = {}
        """Answers requests for a path."""
        self.requests: list[dict[str, Any]] = []
        """Bodies, headers under "headers"."""
        self.heard_s = 0.0
        """Of audio in files."""
        self.disconnects = 0
        """WebSockets that break when the audio is over."""
        self._recogniser = recogniser
        self._synthesiser = synthesiser

    async def speech(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self._note(request, body)
        if misbehave := self._misbehaviour(request):
            return await misbehave(request)
        if not {"model", "input", "voice"} <= set(body) or body["response_format"] != "pcm":
            return web.json_response({"error": {"message": "bad request"}}, status=400)
        response = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
        await response.prepare(request)
        async for part in self._synthesiser.voice(body["voice"]).speak(body["input"]):
            for half in (part.pcm[:101], part.pcm[101:]):
                await response.write(half)
        return response

    async def transcriptions(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        self._note(request, dict(form))
        if misbehave := self._misbehaviour(request):
            return await misbehave(request)
        upload = form["file"]
        assert isinstance(upload, web.FileField)
        with wave.open(io.BytesIO(upload.file.read())) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
            pcm = file.readframes(file.getnframes())
        self.heard_s += len(pcm) / 32_000
        return web.json_response({"text": await self._transcript(pcm)})

    async def realtime(self, request: web.Request) -> web.StreamResponse:
        self._note(request, {})
        if misbehave := self._misbehaviour(request):
            return await misbehave(request)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "session.created", "id": "sess-1", "created": 0})
        with contextlib.suppress(ConnectionError), self.stream() as stream:
            await _RealtimeConnection(self, stream, socket).serve()
        return socket

    async def _transcript(self, pcm: bytes) -> str:
        with self.stream() as stream:
            utterance = stream.begin(lambda text: None)
            utterance.push(pcm)
            utterance.finish()
            return await utterance.final()

    def stream(self) -> contextlib.closing[RecogniserStream]:
        return contextlib.closing(self._recogniser.open_stream())

    def _misbehaviour(self, request: web.Request) -> Misbehave | None:
        return self.misbehave or self.misbehave_at.get(request.path)

    def _note(self, request: web.Request, body: dict[str, Any]) -> None:
        self.requests.append({**body, "headers": request.headers})


class _RealtimeConnection:
    """As vLLM's: the first commit begins, the final one ends."""

    def __init__(
        self, servers: ModelServers, stream: RecogniserStream, socket: web.WebSocketResponse
    ) -> None:
        self._servers = servers
        self._stream = stream
        self._socket = socket
        self._validated = False
        self._utterance: DecodedUtterance | None = None

    async def serve(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.TEXT:
                await self._handle(json.loads(message.data))

    async def _handle(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "session.update":
                self._validated = bool(event["model"])
            case "input_audio_buffer.commit" if not self._validated:
                await self._error("model_not_validated")
            case "input_audio_buffer.commit" if event["final"]:
                await self._finish()
            case "input_audio_buffer.commit":
                self._utterance = self._stream.begin(lambda text: None)
            case "input_audio_buffer.append" if event["audio"] and self._utterance:
                self._utterance.push(base64.b64decode(event["audio"]))
            case _:
                await self._error("unknown_event")

    async def _finish(self) -> None:
        if self._servers.disconnects:
            self._servers.disconnects -= 1
            await self._socket.close()
            return
        assert self._utterance is not None
        self._utterance.finish()
        text = await self._utterance.final()
        for word in text.split():
            await self._socket.send_json({"type": "transcription.delta", "delta": f" {word}"})
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        await self._socket.send_json({"type": "transcription.done", "text": text, "usage": usage})

    async def _error(self, code: str) -> None:
        await self._socket.send_json({"type": "error", "error": "no", "code": code})


@asynccontextmanager
async def model_servers(
    recogniser: EmbeddedRecogniser, synthesiser: Synthesiser
) -> AsyncIterator[ModelServers]:
    servers = ModelServers(recogniser, synthesiser)
    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/v1/audio/speech", servers.speech)
    app.router.add_post("/v1/audio/transcriptions", servers.transcriptions)
    app.router.add_get("/v1/realtime", servers.realtime)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    servers.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield servers
    finally:
        await runner.cleanup()


def gives(body: bytes, content_type: str = "audio/pcm", status: int = 200) -> Misbehave:
    async def misbehave(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type=content_type, status=status)

    return misbehave


def breaks_off(body: bytes, content_type: str = "audio/pcm") -> Misbehave:
    """The connection breaks behind `body`."""

    async def misbehave(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type})
        await response.prepare(request)
        await response.write(body)
        assert request.transport is not None
        request.transport.abort()
        return response

    return misbehave


def drips(chunk: bytes, pause_s: float, content_type: str = "audio/pcm") -> Misbehave:
    """`chunk` again and again, for ever."""

    async def misbehave(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type})
        await response.prepare(request)
        while True:
            await response.write(chunk)
            await asyncio.sleep(pause_s)

    return misbehave


async def says_nothing(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    return web.Response()


def socket_says(*messages: str | bytes, closes: bool = False) -> Misbehave:
    """A WebSocket on which `messages` come, whatever is said."""

    async def misbehave(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for message in messages:
            await (socket.send_str if isinstance(message, str) else socket.send_bytes)(message)
        if not closes:
            async for _ in socket:
                pass
        return socket

    return misbehave
