"""Which call a request is about."""

from aiohttp import web

from transceiver.signaling.websocket_handshake import PATH as WEBSOCKET_PATH


def named_call(request: web.Request) -> str | None:
    """The id of the call that the request is about, if it is about one."""
    if request.path == WEBSOCKET_PATH:
        return request.query.get("call_id")
    return request.match_info.get("call_id")
