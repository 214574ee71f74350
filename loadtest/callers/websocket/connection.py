"""The WebSocket of one caller."""

import asyncio
import time
from collections.abc import Mapping

import aiohttp
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from loadtest.callers.failed_call import FailedCallError
from loadtest.callers.heard_events import SESSION_CREATED, ServerEventError, parse_heard
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Failure

CONNECT_S = 20.0
"""For the connection and the answer to its request."""
CREATED_S = 10.0
"""From that answer until the session is there."""
CLOSE_S = 2.0
LARGEST_EVENT = 32 << 20


class Connection:
    """One that is open, whose session was created."""

    def __init__(self, websocket: ClientWebSocketResponse[bool], measures: Measures) -> None:
        self._websocket = websocket
        self._measures = measures

    @classmethod
    async def open(
        cls, http: aiohttp.ClientSession, parameters: Mapping[str, str], measures: Measures
    ) -> "Connection":
        """Raises FailedCallError."""
        try:
            async with asyncio.timeout(CONNECT_S):
                websocket = await http.ws_connect(
                    "/v1/realtime",
                    params=parameters,
                    max_msg_size=LARGEST_EVENT,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S),
                    decode_text=False,
                )
        except WSServerHandshakeError as error:
            raise FailedCallError(Failure.REFUSED, f"HTTP {error.status}") from error
        except TimeoutError as error:
            raise FailedCallError(Failure.SIGNALING_TIMEOUT) from error
        except (aiohttp.ClientError, OSError) as error:
            raise FailedCallError(Failure.UNREACHABLE, str(error)) from error
        connection = cls(websocket, measures)
        try:
            await connection._created()
        except BaseException:
            await connection.close()
            raise
        return connection

    async def send(self, event: str | bytes) -> None:
        """Raises FailedCallError."""
        text = event.encode() if isinstance(event, str) else event
        self._measures.count(Count.BYTES_SENT, len(text))
        try:
            await self._websocket.send_frame(text, WSMsgType.TEXT)
        except (aiohttp.ClientError, OSError) as error:
            raise FailedCallError(Failure.ENDED_EARLY, str(error)) from error

    async def receive(self) -> tuple[bytes, float]:
        """The next event, and when it came by `time.monotonic`. Raises FailedCallError."""
        message = await self._websocket.receive()
        now = time.monotonic()
        if message.type is WSMsgType.TEXT:
            text = message.data
            self._measures.count(Count.BYTES_RECEIVED, len(text))
            return text, now
        if message.type is WSMsgType.ERROR:
            raise FailedCallError(Failure.ENDED_EARLY, str(self._websocket.exception()))
        code = self._websocket.close_code
        raise FailedCallError(Failure.ENDED_EARLY, f"the WebSocket was closed with {code}")

    async def close(self) -> None:
        """Hang up."""
        await self._websocket.close()

    async def _created(self) -> None:
        try:
            async with asyncio.timeout(CREATED_S):
                text, _ = await self.receive()
            type_ = parse_heard(text).type
        except TimeoutError as error:
            raise FailedCallError(Failure.EVENTS_TIMEOUT, "no session.created") from error
        except ServerEventError as error:
            raise FailedCallError(Failure.BAD_ANSWER, str(error)) from error
        if type_ != SESSION_CREATED:
            raise FailedCallError(Failure.BAD_ANSWER, f"{type_} instead of {SESSION_CREATED}")
        self._measures.count(Count.EVENTS_RECEIVED)
