"""What a response repeats of its request, and the way that it goes back.

https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from sipmessage import Headers, Request, Via

from transceiver.sip.flow import Flow
from transceiver.sip.header_list import header_values
from transceiver.sip.message import encode, tag_of, top_via
from transceiver.sip.status_phrase import status_phrase

_RPORT = re.compile(r";\s*rport\s*(?:=\s*[0-9]*\s*)?(?=;|$)", re.IGNORECASE)
_RECEIVED = re.compile(r";\s*received\s*=[^;]*", re.IGNORECASE)
_UDP_PORT = 5060


def mark_source(request: Request, flow: Flow) -> None:
    """Write into the top Via where the request came from.

    https://www.rfc-editor.org/rfc/rfc3581#section-4
    """
    values = header_values(request.headers, "Via")
    via, host, port = top_via(request.headers), *flow.remote
    marked = _RECEIVED.sub("", values[0])
    asked = "rport" in via.parameters
    if asked:
        marked = _RPORT.sub("", marked) + f";rport={port}"
    if asked or via.host.strip("[]") != host:
        marked += f";received={host}"
    request.headers.setlist("Via", [marked, *values[1:]])


def reply_flow(via: Via, flow: Flow) -> Flow:
    """By which the response goes: the port that Via names, where it does not ask for another.

    https://www.rfc-editor.org/rfc/rfc3261#section-18.2.2
    """
    if flow.transport.reliable or "rport" in via.parameters:
        return flow
    return replace(flow, remote=(flow.remote[0], via.port or _UDP_PORT))


def encode_response(
    request: Request,
    status: int,
    to_tag: str,
    fields: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
) -> bytes:
    """`to_tag` is for a To that has none yet; empty for a 100."""
    headers = request.headers
    to = headers["To"]
    if to_tag and not tag_of_field(to):
        to += f";tag={to_tag}"
    copied = [("Via", value) for value in headers.getlist("Via")]
    copied += [("From", headers["From"]), ("To", to)]
    copied += [("Call-ID", headers["Call-ID"]), ("CSeq", headers["CSeq"])]
    copied += _copied_by_status(headers, request.method, status)
    return encode(f"SIP/2.0 {status} {status_phrase(status)}", [*copied, *fields], body)


def _copied_by_status(headers: Headers, method: str, status: int) -> list[tuple[str, str]]:
    if status == 100:
        return [("Timestamp", value) for value in headers.getlist("Timestamp")[:1]]
    if method == "INVITE" and status < 300:
        return [("Record-Route", value) for value in headers.getlist("Record-Route")]
    return []


def tag_of_field(field: str) -> str:
    """As `tag_of`; empty also for a field that cannot be parsed."""
    try:
        return tag_of(field)
    except ValueError:
        return ""
