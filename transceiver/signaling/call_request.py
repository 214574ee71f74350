"""What the body of POST /v1/realtime/calls asks for, in either of its two forms; and
of POST /v1/realtime/calls/{id}, in its one.
"""

from dataclasses import dataclass

from aiohttp import FormData, web

from transceiver.signaling.errors import ApiError
from transceiver.signaling.request_body import reading_body

_SDP = "application/sdp"
_FORM = "multipart/form-data"

# What aiohttp raises for a form that it cannot read.
_FORM_ERRORS = (AssertionError, LookupError, RuntimeError, ValueError)


@dataclass(frozen=True, slots=True)
class CallRequest:
    """An offer, and the session configuration (a JSON text) that came with it."""

    offer_sdp: str
    session: bytes | None = None

    def form(self) -> FormData:
        """The same as a body, for another server."""
        form = FormData()
        form.add_field("sdp", self.offer_sdp, content_type=_SDP)
        if self.session is not None:
            form.add_field("session", self.session.decode(), content_type="application/json")
        return form


async def read_call_request(request: web.Request) -> CallRequest:
    """Read the body. Raises ApiError (400, 408, 415) or the HTTPException of 413."""
    async with reading_body():
        if request.content_type == _SDP:
            return CallRequest(offer_sdp=_text(await request.read()))
        if request.content_type == _FORM:
            return await _read_form(request)
    raise ApiError(415, f"Send the offer as {_SDP}, or with a session as {_FORM}.")


async def read_offer(request: web.Request) -> str:
    """Read a body that is an offer. Raises ApiError (400, 408, 415) or the HTTPException of 413."""
    if request.content_type != _SDP:
        raise ApiError(415, f"Send the offer as {_SDP}.")
    async with reading_body():
        return _text(await request.read())


async def _read_form(request: web.Request) -> CallRequest:
    try:
        form = await request.post()
    except _FORM_ERRORS as error:
        raise ApiError(400, "The form cannot be read.") from error
    if "sdp" not in form:
        raise ApiError(
            400,
            "Missing required parameter: 'sdp'.",
            code="missing_required_parameter",
            param="sdp",
        )
    session = _part(form["session"]) if "session" in form else None
    return CallRequest(offer_sdp=_text(_part(form["sdp"])), session=session)


def _part(part: str | bytes | bytearray | web.FileField) -> bytes:
    """A part is text, bytes or, where the client gave it a file name, a file."""
    if isinstance(part, web.FileField):
        return part.file.read()
    return part.encode() if isinstance(part, str) else bytes(part)


def _text(sdp: bytes) -> str:
    try:
        return sdp.decode()
    except UnicodeDecodeError as error:
        raise ApiError(400, "The SDP is not UTF-8 text.", param="sdp") from error
