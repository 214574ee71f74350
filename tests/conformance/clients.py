"""A session's client on each of the transports."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from antiphon.realtime_call import RealtimeCall
from tests.conformance.scenario import Transport
from tests.conformance.scripted_replica import ScriptedSession
from tests.conformance.stage import Stage

Event = dict[str, Any]
BYTES_PER_MS = 48
_LOOK_S = 0.02


class Client(Protocol):
    async def send(self, message: str | bytes) -> None:
        """Raises SessionClosedError."""

    async def event(self) -> Event:
        """The server's next. Raises SessionClosedError when there will be none."""

    async def speak(self, milliseconds: int, engine: ScriptedSession) -> None:
        """Return when the engine has heard so much more of the user."""


class SessionClosedError(Exception):
    """The server ended the session; `code` is a WebSocket's."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"the session was closed with {code}")
        self.code = code


class WebSocketClient:
    """Its audio is in events."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, message: str | bytes) -> None:
        try:
            await self._socket.send(message)
        except ConnectionClosed as closed:
            raise SessionClosedError(closed.rcvd.code if closed.rcvd else None) from None

    async def event(self) -> Event:
        try:
            event: Event = json.loads(await self._socket.recv())
        except ConnectionClosed as closed:
            raise SessionClosedError(closed.rcvd.code if closed.rcvd else None) from None
        return event

    async def speak(self, milliseconds: int, engine: ScriptedSession) -> None:
        heard_ms = engine.heard_ms
        audio = b64encode(bytes(milliseconds * BYTES_PER_MS)).decode()
        await self.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
        # A resampler keeps the last few samples until more come.
        await _until_heard(engine, heard_ms + milliseconds - 10)


class CallClient:
    """Its audio is on a track, and its microphone always open."""

    def __init__(self) -> None:
        self.call = RealtimeCall(lambda timed: self._events.put_nowait(dict(timed.event)))
        self._events: asyncio.Queue[Event] = asyncio.Queue()

    async def send(self, message: str | bytes) -> None:
        self.call._channel.send(message)

    async def event(self) -> Event:
        while self._events.empty():
            if self.call._channel.readyState != "open":
                raise SessionClosedError(None)
            await asyncio.sleep(0.001)
        return self._events.get_nowait()

    async def speak(self, milliseconds: int, engine: ScriptedSession) -> None:
        await _until_heard(engine, engine.heard_ms + milliseconds)


class SidebandClient(WebSocketClient):
    """Beside the client of a call, whose voice it has."""

    async def speak(self, milliseconds: int, engine: ScriptedSession) -> None:
        await _until_heard(engine, engine.heard_ms + milliseconds)


@asynccontextmanager
async def session(
    stage: Stage, transport: Transport, model: str, intent: str | None = None
) -> AsyncIterator[Client]:
    """Ended at the end, if it has not."""
    if transport is Transport.WEBSOCKET:
        query = f"model={model}" + (f"&intent={intent}" if intent else "")
        async with _socket(stage, query) as socket:
            yield WebSocketClient(socket)
        return
    client = CallClient()
    async with client.call:
        wanted = {"type": intent or "realtime", "model": model}
        await client.call.place(stage.url, stage.api_key, wanted)
        if transport is Transport.WEBRTC:
            yield client
            return
        async with _socket(stage, f"call_id={client.call.call_id}") as socket:
            yield SidebandClient(socket)


def _socket(stage: Stage, query: str) -> connect:
    headers = {"Authorization": f"Bearer {stage.api_key}"}
    url = f"{stage.url.replace('http', 'ws', 1)}/v1/realtime?{query}"
    return connect(url, additional_headers=headers, compression=None, max_size=None)


async def _until_heard(engine: ScriptedSession, milliseconds: float) -> None:
    while engine.heard_ms < milliseconds:
        await asyncio.sleep(_LOOK_S)
