"""SIP messages of strangers: parsed by sipmessage, bounded, and held to what RFC 3261 requires.

https://www.rfc-editor.org/rfc/rfc3261#section-7
"""

import re
from collections.abc import Iterable

from sipmessage import Headers, Message, Request, Response, Via

from transceiver.sip.header_list import (
    MAX_VALUE_CHARS,
    header_values,
    parse_address,
    parse_uri,
)

MAX_MESSAGE_BYTES = 65536
MAX_HEADER_BYTES = 16384
MAX_FIELDS = 128
MAX_FIELD_CHARS = 4096
MAX_VIAS = 70
"""As many as Max-Forwards lets there be."""
MAX_SEQUENCE = 2**31 - 1

KNOWN_SCHEMES = ("sip:", "sips:", "tel:")

_REQUEST_LINE = re.compile(
    r"(?P<method>[A-Za-z0-9.!%*_+`'~-]{1,64}) (?P<uri>\S+) SIP/(?P<version>\S+)"
)
_STATUS_LINE = re.compile(r"SIP/2\.0 [1-6][0-9]{2} [^\r\n]*")
_FIELD = re.compile(r"(?P<name>[A-Za-z0-9.!%*_+`'~-]+)[ \t]*:[ \t]*(?P<value>.*)")
_FOLD = re.compile(r"\r\n[ \t]+")
_NUMBER = re.compile(r"[0-9]{1,10}")
_UNREADABLE_URI = "sip:unreadable.invalid"
_ONCE = ("To", "From", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type")


class MessageError(ValueError):
    """Bytes that are no SIP message, or one that breaks the rules.

    `request` is what could be understood of a request, for `status` to be answered; its
    Request-URI may be a placeholder. None where nothing can be answered.
    """

    def __init__(self, reason: str, status: int = 400, request: Request | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.request = request


def parse_message(data: bytes) -> Request | Response:
    """One whole message. Raises MessageError.

    The fields To, From, Call-ID, CSeq and Via are there, and can be read by sipmessage's
    accessors; so can Max-Forwards where there is one. The body is as long as Content-Length says.
    """
    start, fields, body = _parted(data)
    if _STATUS_LINE.fullmatch(start):
        return _response(start, fields, body)
    return _request(start, fields, body)


def _parted(data: bytes) -> tuple[str, list[str], bytes]:
    """The start line, the header fields unfolded, and the rest."""
    head, end, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    if len(data) > MAX_MESSAGE_BYTES or len(head) > MAX_HEADER_BYTES or not end:
        raise MessageError("too long, or without an end")
    try:
        lines = _FOLD.sub(" ", head.decode()).split("\r\n")
    except UnicodeDecodeError as error:
        raise MessageError("not UTF-8") from error
    if len(lines) > MAX_FIELDS or any("\r" in line or "\n" in line for line in lines):
        raise MessageError("too many header fields, or lines that end otherwise than lines do")
    return lines[0], lines[1:], body


def _response(start: str, fields: list[str], body: bytes) -> Response:
    message = _parsed(start, fields, body)
    _check(message)
    assert isinstance(message, Response)
    return message


def _request(start: str, fields: list[str], body: bytes) -> Request:
    line = _REQUEST_LINE.fullmatch(start.rstrip(" "))
    if line is None:
        # What looks like a request gets an answer, if it can be told to whom.
        if not (words := start.split()) or words[-1] != "SIP/2.0":
            raise MessageError("neither a request nor a response")
        fault: tuple[str, int] | None = ("a malformed start line", 400)
        method, uri = words[0], _UNREADABLE_URI
    else:
        method, uri = line["method"], line["uri"]
        fault = _line_fault(uri, line["version"])
    request = _parsed(f"{method} {_UNREADABLE_URI if fault else uri} SIP/2.0", fields, body)
    assert isinstance(request, Request)
    try:
        _check(request)
    except MessageError as error:
        raise MessageError(str(error), 400, _answerable(request)) from error
    if fault:
        raise MessageError(*fault, _answerable(request))
    return request


def _line_fault(uri: str, version: str) -> tuple[str, int] | None:
    if version != "2.0":
        return "another version of SIP", 505
    try:
        parse_uri(uri)
    except ValueError:
        known = uri.lower().startswith(KNOWN_SCHEMES) or ":" not in uri or uri.startswith("<")
        return "a Request-URI that cannot be read", 400 if known else 416
    return None


def _parsed(start: str, fields: list[str], body: bytes) -> Request | Response:
    lines = [start, *(_normal(field) for field in fields)]
    try:
        return Message.parse("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    except ValueError as error:
        raise MessageError("cannot be parsed") from error


def _normal(field: str) -> str:
    """Without the white space that sipmessage takes for a part of the name."""
    match = _FIELD.fullmatch(field)
    if match is None or len(field) > MAX_FIELD_CHARS:
        raise MessageError("a header field without a name, or too long")
    return f"{match['name']}: {match['value'].strip()}"


def _check(message: Request | Response) -> None:
    headers = message.headers
    for name in _ONCE:
        if len(headers.getlist(name)) > 1:
            raise MessageError(f"{name} more than once")
    try:
        for name in ("From", "To"):
            parse_address(headers[name])
        _check_sequence(message)
        _check_vias(headers)
        _check_call_id(headers)
        _check_number(headers, "Max-Forwards", 255)
        message.body = _body(message)
    except KeyError as error:
        raise MessageError("a mandatory header field is missing") from error
    except MessageError:
        raise
    except ValueError as error:
        raise MessageError("a mandatory header field cannot be read") from error


def _check_call_id(headers: Headers) -> None:
    if not headers["Call-ID"] or len(headers["Call-ID"]) > MAX_VALUE_CHARS:
        raise MessageError("no Call-ID that can be read")


def _check_sequence(message: Request | Response) -> None:
    if len(message.headers["CSeq"]) > MAX_VALUE_CHARS:
        raise MessageError("a CSeq too long")
    sequence = message.cseq
    if sequence.sequence > MAX_SEQUENCE:
        raise MessageError("a CSeq of 2^31 or more")
    if isinstance(message, Request) and sequence.method != message.method:
        raise MessageError("a CSeq of another method")


def _check_vias(headers: Headers) -> None:
    vias = header_values(headers, "Via")
    if not vias or len(vias) > MAX_VIAS:
        raise MessageError("no Via, or too many")
    top_via(headers)


def _check_number(headers: Headers, name: str, at_most: int) -> int | None:
    field = headers.get(name)
    if field is None:
        return None
    if not _NUMBER.fullmatch(field) or int(field) > at_most:
        raise MessageError(f"{name} is no number, or too large a one")
    return int(field)


def _body(message: Message) -> bytes:
    """What follows it in a datagram is nobody's:
    https://www.rfc-editor.org/rfc/rfc3261#section-18.3"""
    length = _check_number(message.headers, "Content-Length", MAX_MESSAGE_BYTES)
    if length is None:
        return message.body
    if length > len(message.body):
        raise MessageError("shorter than Content-Length says")
    return message.body[:length]


def _answerable(request: Request) -> Request | None:
    """Where a response can say what it is a response to."""
    try:
        top_via(request.headers)
        if len(header_values(request.headers, "Via")) > MAX_VIAS:
            return None
    except (KeyError, ValueError):
        return None
    names = ("From", "To", "Call-ID", "CSeq")
    return request if all(request.headers.get(name) for name in names) else None


def top_via(headers: Headers) -> Via:
    """Raises ValueError, or KeyError where there is none."""
    value = next(iter(header_values(headers, "Via")), None)
    if value is None:
        raise KeyError("Via")
    if len(value) > MAX_VALUE_CHARS:
        raise ValueError("a Via of more characters than are read")
    return Via.parse(value)


def tag_of(field: str) -> str:
    """The tag of From or To that was parsed; empty where there is none."""
    return parse_address(field).parameters.get("tag") or ""


def number_of(text: str | None) -> int | None:
    """A header's number, parameters left aside; None for what is none."""
    digits = (text or "").partition(";")[0].strip()
    return int(digits) if _NUMBER.fullmatch(digits) else None


def encode(start: str, fields: Iterable[tuple[str, str]], body: bytes) -> bytes:
    """The bytes of a message of ours. Raises ValueError for a field that holds another line."""
    lines = [start, *(f"{name}: {value}" for name, value in fields), f"Content-Length: {len(body)}"]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header field of more than one line")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
