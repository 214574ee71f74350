"""What the bodies of a session's messages say."""

import email.parser
import email.policy
import re

from sipmessage import Request, Response

SDP = ("Content-Type", "application/sdp")

MAX_PARTS = 16

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
    header = f"Content-Type: {message.headers['Content-Type']}\r\n\r\n".encode()
    try:
        whole = email.parser.BytesParser(policy=email.policy.compat32).parsebytes(
            header + message.body
        )
        parts = whole.get_payload()
        for part in parts[:MAX_PARTS] if isinstance(parts, list) else ():
            if part.get_content_type() == SDP[1]:  # type: ignore[union-attr]
                return bytes(part.get_payload(decode=True))  # type: ignore[union-attr]
    except (LookupError, TypeError, ValueError) as error:
        raise BodyError("a multipart body that cannot be read") from error
    raise BodyError("no SDP among the parts")


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
