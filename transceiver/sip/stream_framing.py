"""Messages out of the bytes of a connection.

https://www.rfc-editor.org/rfc/rfc3261#section-18.3 and, for keep-alives,
https://www.rfc-editor.org/rfc/rfc5626#section-4.4.1
"""

import re
from dataclasses import dataclass

MAX_MESSAGE_BYTES = 65_535
"""Of one message, over whatever transport: what a datagram can hold."""

PONG = b"\r\n"
_PING = b"\r\n\r\n"
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\n(?:content-length|l)[ \t]*:\s*([^\r\n]*)", re.IGNORECASE)
_EMPTY_LINES = re.compile(rb"(?:\r\n)+")
_NUMBER = re.compile(rb"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Framed:
    """What some bytes of a connection completed."""

    messages: tuple[bytes, ...]
    pings: int
    """How many want a `PONG`."""
    intact: bool
    """False when what came then is no SIP, or too long: nothing behind it can be read any more,
    and the connection is to be closed."""


class _BrokenError(ValueError):
    """No message begins here."""


class StreamFraming:
    """One connection's receiving side."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._wanted = 0
        """Bytes of the message whose header is complete, else 0."""

    def feed(self, data: bytes) -> Framed:
        self._buffer += data
        messages: list[bytes] = []
        pings = 0
        try:
            while True:
                if not self._wanted:
                    pings += self._skip_keep_alives()
                    self._wanted = self._message_bytes()
                if not self._wanted or len(self._buffer) < self._wanted:
                    return Framed(tuple(messages), pings, intact=True)
                messages.append(bytes(self._buffer[: self._wanted]))
                del self._buffer[: self._wanted]
                self._wanted = self._searched = 0
        except _BrokenError:
            return Framed(tuple(messages), pings, intact=False)

    def _skip_keep_alives(self) -> int:
        """An empty line alone is the answer to a ping of ours, or an old client's habit: it is
        skipped once it is clear that no ping comes of it."""
        empty = _EMPTY_LINES.match(self._buffer)
        if empty is None:
            return 0
        pings, rest = divmod(empty.end(), len(_PING))
        begun = self._buffer[pings * len(_PING) : (pings + 1) * len(_PING)]
        may_become_ping = rest > 0 and len(begun) < len(_PING) and _PING.startswith(begun)
        del self._buffer[: pings * len(_PING) if may_become_ping else empty.end()]
        return pings

    def _message_bytes(self) -> int:
        """Of the first message, 0 while its header is not complete."""
        end = self._buffer.find(_END, self._searched)
        if end < 0:
            if len(self._buffer) > MAX_MESSAGE_BYTES:
                raise _BrokenError("a header without an end")
            self._searched = max(0, len(self._buffer) - len(_END) + 1)
            return 0
        whole = end + len(_END) + _content_length(self._buffer[:end])
        if whole > MAX_MESSAGE_BYTES:
            raise _BrokenError("a message that is too long")
        return whole


def _content_length(header: bytearray) -> int:
    """A stream has no message without one: https://www.rfc-editor.org/rfc/rfc3261#section-20.14"""
    told = {value.strip() for value in _LENGTH.findall(header)}
    length = told.pop() if len(told) == 1 else b""
    if not _NUMBER.fullmatch(length):
        raise _BrokenError("no Content-Length, or several")
    return int(length)
