"""What all WebSockets of the API have in common, whoever holds their sessions."""

from typing import Literal

from aiohttp import web

from transceiver.signaling.errors import ApiError
from transceiver.signaling.subprotocols import REALTIME

PATH = "/v1/realtime"

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
"""A longer one ends the connection (1009); one that is too long for an event is refused."""

PING_S = 40.0
"""Without a message for so long the client is asked for a sign of life; it has half of that."""

CLOSE_S = 5.0
"""For a client to read what is left, and the end."""

SHUTDOWN_S = 0.5
"""For all clients together, when the worker stops."""


def upgradable(request: web.Request) -> web.WebSocketResponse[Literal[False]]:
    """A response that can be prepared; its messages are bytes. Raises ApiError (426)."""
    socket = web.WebSocketResponse[Literal[False]](
        protocols=(REALTIME,),
        heartbeat=PING_S,
        timeout=CLOSE_S,
        compress=False,
        max_msg_size=MAX_MESSAGE_BYTES,
        decode_text=False,
    )
    if not socket.can_prepare(request):
        raise ApiError(426, "Connect by WebSocket.", headers={"Upgrade": "websocket"})
    return socket
