"""An operator's application: it is told of incoming calls, takes them, and listens beside them."""

import asyncio
import ssl
import threading
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import aiohttp
import numpy as np
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.webhooks import RealtimeCallIncomingWebhookEvent

from antiphon.wav import RATE, Samples
from tests.e2e.encoded_audio import resampled
from tests.e2e.sip.peer_process import PATIENCE_S

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
TRANSCRIBED = {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}}}
_SDK_RATE = 24_000


class Sideband:
    """Hears every event of a call; the events are the SDK's."""

    def __init__(self, call_id: str, connection: AsyncRealtimeConnection) -> None:
        self.call_id = call_id
        self.connection = connection
        self.events: list[Any] = []
        self.closed = asyncio.Event()
        self._more = asyncio.Event()

    async def listen(self) -> None:
        async for event in self.connection:
            self.events.append(event)
            self._more.set()
        self.closed.set()

    async def ended(self) -> None:
        """The call is over, as an application sees it."""
        async with asyncio.timeout(PATIENCE_S):
            await self.closed.wait()

    def of(self, type_: str) -> list[Any]:
        return [event for event in self.events if event.type == type_]

    async def event(self, type_: str, count: int = 1) -> Any:
        """The `count`th of the type; waits for it."""
        async with asyncio.timeout(PATIENCE_S):
            while len(found := self.of(type_)) < count:
                self._more.clear()
                await self._more.wait()
        return found[count - 1]

    async def question(self) -> str:
        """The words of the caller's first turn."""
        completed = "conversation.item.input_audio_transcription.completed"
        words: str = (await self.event(completed)).transcript
        return words

    async def answered(self, count: int = 1) -> str:
        """The words of the `count`th answer, when it has been played."""
        done = await self.event("response.done", count)
        await self.event("output_audio_buffer.stopped", count)
        words: str = done.response.output[0].content[0].transcript
        return words


class VoiceApplication:
    """One that serves a deployment's webhooks, and uses its API; made before the deployment."""

    def __init__(self) -> None:
        self._incoming: list[RealtimeCallIncomingWebhookEvent] = []
        application = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                application._take(body.decode(), dict(self.headers))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def use(self, url: str, api_key: str, certificate: str) -> None:
        """The deployment whose certificate is to be trusted."""
        self._tls = ssl.create_default_context(cafile=certificate)
        self._url, self._key = url, api_key

    def client(self) -> AsyncOpenAI:
        """OpenAI's, for the running event loop."""
        http = DefaultAsyncHttpxClient(verify=self._tls)
        return AsyncOpenAI(base_url=f"{self._url}/v1", api_key=self._key, http_client=http)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    async def incoming(self, number: str) -> RealtimeCallIncomingWebhookEvent:
        """The call to this number, once."""

        def calls_it(event: RealtimeCallIncomingWebhookEvent) -> bool:
            return f"sip:{number}@" in sip_header(event, "To")

        return await self._first(calls_it)

    @asynccontextmanager
    async def beside(self, call_id: str) -> AsyncIterator[Sideband]:
        options = {"ssl": self._tls}
        connecting = self.client().realtime.connect(
            call_id=call_id, websocket_connection_options=options
        )
        async with connecting as connection:
            sideband = Sideband(call_id, connection)
            listening = asyncio.create_task(sideband.listen())
            try:
                yield sideband
            finally:
                listening.cancel()
                print("\n".join(map(str, sideband.events)))  # shown with a failed test

    @asynccontextmanager
    async def taken(
        self, incoming: RealtimeCallIncomingWebhookEvent, **session: Any
    ) -> AsyncIterator[Sideband]:
        """Accept the call, and listen beside it."""
        call_id = incoming.data.call_id
        config = {"model": "gpt-realtime", "audio": TRANSCRIBED, **session}
        await self.client().realtime.calls.accept(call_id, type="realtime", **config)
        async with self.beside(call_id) as sideband:
            yield sideband

    async def place(self, sip: dict[str, str]) -> str:
        """Call out, by the extension of the API; the call's id."""
        calls = f"{self._url}/v1/realtime/calls"
        wish = {"session": {"type": "realtime", "audio": TRANSCRIBED}, "sip": sip}
        headers = {"Authorization": f"Bearer {self._key}"}
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self._tls)) as http,
            http.post(calls, json=wish, headers=headers) as answer,
        ):
            assert answer.status == 201, await answer.text()
            return answer.headers["Location"].rpartition("/")[2]

    async def spoken(self, question: str) -> Samples:
        """How the agent answers a written question: the same words are always said alike."""
        item = {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": question}],
        }
        audio = bytearray()
        connecting = self.client().realtime.connect(
            model="gpt-realtime", websocket_connection_options={"ssl": self._tls}
        )
        async with asyncio.timeout(PATIENCE_S), connecting as connection:
            await connection.conversation.item.create(item=item)
            await connection.response.create()
            while (event := await connection.recv()).type != "response.done":
                if event.type == "response.output_audio.delta":
                    audio += b64decode(event.delta)
        return resampled(np.frombuffer(audio, "<i2"), _SDK_RATE, RATE)

    async def _first(
        self, matches: Callable[[RealtimeCallIncomingWebhookEvent], bool]
    ) -> RealtimeCallIncomingWebhookEvent:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for event in filter(matches, self._incoming):
                    self._incoming.remove(event)
                    return event
                await asyncio.sleep(0.02)

    def _take(self, body: str, headers: dict[str, str]) -> None:
        """Raises InvalidWebhookSignatureError."""
        event = AsyncOpenAI(api_key="sk-none").webhooks.unwrap(body, headers, secret=SECRET)
        assert isinstance(event, RealtimeCallIncomingWebhookEvent)
        self._incoming.append(event)


def sip_header(event: RealtimeCallIncomingWebhookEvent, name: str) -> str:
    """Its first value."""
    return next(each.value for each in event.data.sip_headers if each.name.lower() == name.lower())
