"""What of a message tells whose it is, read without understanding the rest.

Every message of everybody is looked at by whichever worker it reaches, so this takes time that is
linear in its length, and takes it once. Where it finds another value than the parser of the
message's owner would, the message merely reaches a worker that knows nothing of it.
"""

import re
from dataclasses import dataclass

from transceiver.sip.branch import MAGIC_COOKIE

_START = re.compile(
    rb"(?:SIP/2\.0 ([1-6][0-9]{2})(?: [^\r\n]*)?|"
    rb"([A-Za-z0-9.!%*_+`'~-]{1,64}) ([^ \r\n]{1,2048}) +SIP/2\.0)\r?\n"
)
_USER = re.compile(rb"sips?:([^@;:?]{1,256})(?::[^@]*)?@", re.IGNORECASE)
_CALL_ID = re.compile(rb"\n(?:call-id|i)[ \t]*:\s*([^\s]{1,512})", re.IGNORECASE)
_TO = re.compile(rb"\n(?:to|t)[ \t]*:([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.IGNORECASE)
_TAG = re.compile(rb";\s*tag\s*=\s*([^\s;,>]{1,256})", re.IGNORECASE)
_VIA = re.compile(rb"\n(?:via|v)[ \t]*:([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.IGNORECASE)
_BRANCH = re.compile(
    rb";\s*branch\s*=\s*(" + MAGIC_COOKIE.encode() + rb"[^\s;,]{1,256})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class RoutingFields:
    """Empty where the message has none."""

    method: str
    """Empty for a response."""
    status: int
    """0 for a request."""
    user: str
    """Of the Request-URI."""
    call_id: str
    to_tag: str
    branch: str
    """Of the top Via."""

    @classmethod
    def of(cls, message: bytes) -> "RoutingFields | None":
        """None for what does not begin as a SIP message does."""
        start = _START.match(message)
        if start is None:
            return None
        status, method, uri = start.groups()
        header = message[start.end() - 1 :].partition(b"\r\n\r\n")[0]
        return cls(
            method=(method or b"").decode(),
            status=int(status or 0),
            user=_found(_USER.match(uri or b"")),
            call_id=_found(_CALL_ID.search(header)),
            # A quoted name before the address may hold anything.
            to_tag=_found(_TAG.search(_value(_TO, header).rpartition(b">")[2])),
            branch=_found(_BRANCH.search(_value(_VIA, header))),
        )


def _value(field: re.Pattern[bytes], header: bytes) -> bytes:
    found = field.search(header)
    return b"" if found is None else found[1]


def _found(found: re.Match[bytes] | None) -> str:
    return found[1].decode("latin-1") if found else ""
