"""What the bodies of a session's messages say."""

import email.message
import email.parser
import email.policy
import re

from sipmessage import Request, Response

SDP = ("Content-Type", "application/sdp")

MAX_PARTS = 16
MAX_PART_HEADER_BYTES = 2048

_PART_HEADER = email.parser.BytesHeaderParser(policy=email.policy.compat32)

_STATUS_LINE = re.compile(rb"\s*SIP/2\.0 ([1-6][0-9]{2})(?:[ \r\n]|$)")
_SIGNAL = re.compile(r"(?:^|\n)\s*Signal\s*=\s*(\S+)", re.IGNORECASE)
_KEYS = "0123456789*#ABCD"
_EVENT_CODES = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}


class BodyError(ValueError):
    """A body of a type or an encoding that is not understood: 415."""


def session_description(message: Request | Response) -> str | None:
    """The SDP, also as a part of a multipart body; None where there is no body.

    Raises BodyError.
    """
    if not message.body:
        return None
    if (message.headers.get("Content-Encoding") or "identity").lower() != "identity":
        raise BodyError("an encoding that is not read")
    kind = content_type(message)
    if kind == SDP[1]:
        return _text(message.body)
    if kind.startswith("multipart/"):
        return _text(_part(message))
    if "handling=optional" in (message.headers.get("Content-Disposition") or ""):
        return None
    raise BodyError("not SDP")


def content_type(message: Request | Response) -> str:
    """In lower case, without parameters."""
    return (message.headers.get("Content-Type") or "").partition(";")[0].strip().lower()


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise BodyError("not UTF-8") from error


def _part(message: Request | Response) -> bytes:
    """The first part that is SDP. Parts within parts are not looked into: a reader that goes down
    as deep as a stranger says takes seconds."""
    header = email.message.Message()
    header["Content-Type"] = message.headers["Content-Type"]
    boundary = header.get_boundary()
    if not boundary:
        raise BodyError("a multipart body without a boundary")
    delimiter = b"\r\n--" + boundary.encode("utf-8", "surrogateescape")
    pieces = (b"\r\n" + message.body).split(delimiter, MAX_PARTS + 1)[1 : MAX_PARTS + 1]
    for piece in pieces:
        head, _, content = piece.partition(b"\r\n\r\n")
        if len(head) <= MAX_PART_HEADER_BYTES and (sdp := _sdp_part(head, content)) is not None:
            return sdp
    raise BodyError("no SDP among the parts")


def _sdp_part(head: bytes, content: bytes) -> bytes | None:
    """What a part holds if it is SDP; `head` begins behind the delimiter."""
    try:
        part = _PART_HEADER.parsebytes(head.lstrip() + b"\r\n\r\n" + content)
        if part.get_content_type() != SDP[1]:
            return None
        return bytes(part.get_payload(decode=True))
    except (LookupError, TypeError, ValueError) as error:
        raise BodyError("a part that cannot be read") from error


def fragment_status(body: bytes) -> int | None:
    """Of message/sipfrag: https://www.rfc-editor.org/rfc/rfc3420"""
    found = _STATUS_LINE.match(body)
    return int(found[1]) if found else None


def dtmf_digit(request: Request) -> str | None:
    """The key that an INFO of application/dtmf-relay or application/dtmf tells; None for another
    body. Neither is a standard; both are what phones and gateways send."""
    text = request.body[:256].decode("latin-1")
    kind = content_type(request)
    if kind == "application/dtmf-relay":
        found = _SIGNAL.search(text)
        value = found[1] if found else ""
    elif kind == "application/dtmf":
        found = _SIGNAL.search(text)
        value = found[1] if found else text.strip()
    else:
        return None
    value = _EVENT_CODES.get(value, value.upper())
    return value if len(value) == 1 and value in _KEYS else None
