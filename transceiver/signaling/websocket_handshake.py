"""What all WebSockets of the API have in common, whoever holds their sessions."""

from typing import Literal

from aiohttp import web

from transceiver.signaling.cors import AllowedOrigins
from transceiver.signaling.errors import ApiError
from transceiver.signaling.subprotocols import HEADER, REALTIME, Subprotocols

PATH = "/v1/realtime"

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
"""A longer one ends the connection (1009); one that is too long for an event is refused."""

PING_S = 40.0
"""Without a message for so long the client is asked for a sign of life; it has half of that."""

CLOSE_S = 5.0
"""For a client to read what is left, and the end."""

SHUTDOWN_S = 0.5
"""For all clients together, when the worker stops."""


def check_origin(request: web.Request, allowed_origins: AllowedOrigins) -> None:
    """Raises ApiError (403) for the pages of other origins."""
    if not allowed_origins.allow(request.headers.get("Origin")):
        raise ApiError(403, "Pages of this origin may not connect.", code="origin_not_allowed")


def check_handshake(request: web.Request, allowed_origins: AllowedOrigins) -> None:
    """Raises ApiError (400, 403) for what no session is served to."""
    check_origin(request, allowed_origins)
    subprotocols = Subprotocols.parse(request.headers.get(HEADER))
    if subprotocols.offered and not subprotocols.realtime:
        raise ApiError(400, f"Offer the subprotocol {REALTIME!r}.")
    if "realtime=v1" in request.headers.get("OpenAI-Beta", ""):
        message = "The beta of the Realtime API is not served: leave out the OpenAI-Beta header."
        raise ApiError(400, message, code="beta_api_shape_disabled")


def upgradable(
    request: web.Request,
    *,
    subprotocol: str = REALTIME,
    max_message_bytes: int = MAX_MESSAGE_BYTES,
    close_s: float = CLOSE_S,
) -> web.WebSocketResponse[Literal[False]]:
    """A response that can be prepared; its messages are bytes. Raises ApiError (426)."""
    socket = web.WebSocketResponse[Literal[False]](
        protocols=(subprotocol,),
        heartbeat=PING_S,
        timeout=close_s,
        compress=False,
        max_msg_size=max_message_bytes,
        decode_text=False,
    )
    if not socket.can_prepare(request):
        raise ApiError(426, "Connect by WebSocket.", headers={"Upgrade": "websocket"})
    return socket
