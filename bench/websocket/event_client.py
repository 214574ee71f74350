"""One session of the load: a WebSocket whose client speaks, hears and asks, and times it."""

import asyncio
import json
import os
import time
from array import array
from base64 import b64decode, b64encode
from typing import Any
from urllib.parse import urlsplit

from bench.measured_process import ProcessFailedError
from bench.transceiver.generator import Service
from bench.websocket.frames import CLOSE, PING, PONG, TEXT, ServerFrames, client_frame
from bench.websocket.stamping_inference import FRAME_MS, STAMP

RATE = 24_000
PATIENCE_SECONDS = 20.0
ITEM = "item_asked_for"

_DELTA = b'{"type":"response.output_audio.delta"'
_RETRIEVED = b'{"type":"conversation.item.retrieved"'
_ERROR = b'{"type":"error"'
_AUDIO = b'"delta":"'
_STAMP_CHARACTERS = 12
"""Of base64, in which the stamp is."""

_HANDSHAKE = (
    "GET /v1/realtime?model=stamping HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: {nonce}\r\n\r\n"
)


def event_frame(event: dict[str, Any]) -> bytes:
    return client_frame(json.dumps(event, separators=(",", ":")).encode())


def speech_frames(seconds: int = 2) -> list[bytes]:
    """`input_audio_buffer.append` of FRAME_MS each, of noise."""
    size = RATE * FRAME_MS // 1000 * 2
    audio = [b64encode(os.urandom(size)).decode() for _ in range(seconds * 1000 // FRAME_MS)]
    return [event_frame({"type": "input_audio_buffer.append", "audio": each}) for each in audio]


_ASK = event_frame({"type": "conversation.item.retrieve", "item_id": ITEM})


class EventClient(asyncio.Protocol):
    """Connected by `open`; `speak` every FRAME_MS, `ask` now and then."""

    def __init__(self, name: str, speech: list[bytes]) -> None:
        self.name = name
        self.spoken_at = array("d")
        """When each frame was sent, by the monotonic clock."""
        self.asked_seconds = array("d")
        """From each question to its answer."""
        self.heard_seconds = array("d")
        """From the making of each frame of the answer to its event here."""
        self._speech = speech
        self._asked_at: float | None = None
        self._transport: asyncio.Transport
        self._head: bytes | None = b""
        self._frames = ServerFrames()
        self._seen: dict[str, asyncio.Event] = {}
        self._fault = ""

    async def open(self, service: Service) -> None:
        """Connect, and have the agent speak for good. Raises ProcessFailedError, OSError."""
        host, port = urlsplit(service.url).netloc.rsplit(":", 1)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_connection(lambda: self, host, int(port))
        nonce = b64encode(os.urandom(16)).decode()
        request = _HANDSHAKE.format(host=host, key=service.api_key, nonce=nonce)
        self._transport.write(request.encode())
        await self._event("session.created")
        session = {"type": "realtime", "instructions": self.name}
        message = {"type": "message", "role": "user"}
        item = {"id": ITEM, **message, "content": [{"type": "input_text", "text": "well?"}]}
        for event in (
            {"type": "session.update", "session": session},
            {"type": "conversation.item.create", "item": item},
            {"type": "response.create"},
        ):
            self._transport.write(event_frame(event))
        await self._event("response.output_audio.delta")

    def start_recording(self) -> None:
        """Forget what was timed."""
        self.asked_seconds = array("d")
        self.heard_seconds = array("d")

    @property
    def fault(self) -> str:
        """Why the session is no more, if it is not."""
        return self._fault

    def speak(self) -> None:
        self._transport.write(self._speech[len(self.spoken_at) % len(self._speech)])
        self.spoken_at.append(time.monotonic())

    def ask(self) -> None:
        """Unless an answer is owed."""
        if self._asked_at is None:
            self._asked_at = time.monotonic()
            self._transport.write(_ASK)

    def close(self) -> None:
        self._transport.write(client_frame(b"\x03\xe8", CLOSE))

    # ---- asyncio.Protocol ----

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            self._head, separator, data = (self._head + data).partition(b"\r\n\r\n")
            if not separator:
                return
            if b" 101 " not in self._head.split(b"\r\n", 1)[0]:
                self._fail(self._head.decode(errors="replace"))
            self._head = None
        for opcode, payload in self._frames.receive(data):
            if opcode == TEXT:
                self._take(payload)
            elif opcode == PING:
                self._transport.write(client_frame(payload, PONG))
            elif opcode == CLOSE:
                self._fail(f"closed: {payload!r}")

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"connection lost: {exc}")

    def _take(self, event: bytes) -> None:
        if event.startswith(_DELTA):
            at = event.index(_AUDIO) + len(_AUDIO)
            stamp = b64decode(event[at : at + _STAMP_CHARACTERS])
            (made_ns,) = STAMP.unpack_from(stamp)
            self.heard_seconds.append((time.monotonic_ns() - made_ns) / 1e9)
        elif event.startswith(_RETRIEVED) and self._asked_at is not None:
            self.asked_seconds.append(time.monotonic() - self._asked_at)
            self._asked_at = None
        elif event.startswith(_ERROR):
            self._fail(event.decode())
        if self._seen:
            self._wake(event)

    def _wake(self, event: bytes) -> None:
        waiting = self._seen.get(str(json.loads(event)["type"]))
        if waiting is not None:
            waiting.set()

    def _fail(self, fault: str) -> None:
        self._fault = self._fault or fault
        for waiting in self._seen.values():
            waiting.set()

    async def _event(self, kind: str) -> None:
        waiting = self._seen[kind] = asyncio.Event()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await waiting.wait()
        del self._seen[kind]
        if self._fault:
            raise ProcessFailedError(f"serves no session: {self._fault}")
