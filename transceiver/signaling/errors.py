"""Errors as the OpenAI API words them: `{"error": {"message", "type", "param", "code"}}`.

https://platform.openai.com/docs/guides/error-codes
"""

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from antiphon_proto.realtime.error import RealtimeError
from transceiver.sdp import OfferError
from transceiver.signaling.calls import (
    CallNotFoundError,
    CallRefusedError,
    NotAnsweredError,
    NotRingingError,
    NotSipError,
    RefusalReason,
    WantedCallError,
)

logger = logging.getLogger(__name__)

REQUEST_ID_HEADER = "X-Request-Id"

_REFUSALS = {
    RefusalReason.RATE_LIMITED: "Too many calls were started in a short time.",
    RefusalReason.AT_CAPACITY: "All capacity is in use.",
    RefusalReason.OVERLOADED: "This server is too busy for another call.",
    RefusalReason.DRAINING: "This server is about to restart.",
    RefusalReason.ENGINE_UNAVAILABLE: "The inference engine cannot be reached.",
}
_ROUTING_MESSAGES = {
    404: "Unknown request URL: {method} {path}.",
    405: "Not allowed: {method} {path}.",
    413: "The request body is too large.",
}


@dataclass(eq=False)
class ApiError(Exception):
    """An error that the client is told about, whole."""

    status: int
    message: str
    code: str | None = None
    param: str | None = None
    type: str = "invalid_request_error"
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        """The error as an HTTP response."""
        body = {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
        }
        return web.json_response({"error": body}, status=self.status, headers=self.headers)


def invalid_key(message: str) -> ApiError:
    """A 401: no key, an unknown key or an expired one."""
    headers = {"WWW-Authenticate": "Bearer"}
    return ApiError(401, message, code="invalid_api_key", headers=headers)


@web.middleware
async def error_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every exception into an OpenAI-shaped response; give each request an id."""
    request_id = f"req_{secrets.token_hex(12)}"
    try:
        response = await handler(request)
    except Exception as error:  # noqa: BLE001
        response = _api_error(error, request, request_id).response()
    response.headers[REQUEST_ID_HEADER] = request_id
    return response


def _api_error(error: Exception, request: web.Request, request_id: str) -> ApiError:
    match error:
        case ApiError():
            return error
        case OfferError() | RealtimeError():
            return ApiError(400, error.message, code=error.code, param=error.param)
        case CallNotFoundError():
            return ApiError(404, "There is no such call.", code="call_not_found", param="call_id")
        case NotSipError():
            message = "Only calls that come by SIP can be accepted, rejected or referred."
            return ApiError(400, message, code="not_a_sip_call", param="call_id")
        case WantedCallError():
            return ApiError(400, error.message, code="sip_target_invalid", param=error.param)
        case NotRingingError():
            message = "The call was answered already."
            return ApiError(409, message, code="call_not_ringing", param="call_id")
        case NotAnsweredError():
            message = "The call was not answered yet."
            return ApiError(409, message, code="call_not_answered", param="call_id")
        case CallRefusedError():
            return _refusal(error)
        case web.HTTPException() if error.status >= 400:
            return _routing_error(error, request)
    logger.error("request %s failed", request_id, exc_info=error)
    message = f"The server had an error while processing your request ({request_id})."
    return ApiError(500, message, type="server_error")


def _refusal(error: CallRefusedError) -> ApiError:
    limited = error.reason is RefusalReason.RATE_LIMITED
    headers = {"Retry-After": str(error.retry_after_s)}
    if not limited:
        # Another connection may find another worker, and one that has room.
        headers["Connection"] = "close"
    return ApiError(
        status=429 if limited else 503,
        message=f"{_REFUSALS[error.reason]} Please try again in {error.retry_after_s} s.",
        code=error.reason.value,
        type="rate_limit_error" if limited else "server_error",
        headers=headers,
    )


def _routing_error(error: web.HTTPException, request: web.Request) -> ApiError:
    template = _ROUTING_MESSAGES.get(error.status, HTTPStatus(error.status).phrase)
    message = template.format(method=request.method, path=request.path)
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return ApiError(error.status, message, headers=headers)
