"""Server-sent events, as streaming model servers write them.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
Only `data` matters here: names, ids and comments, which keep connections alive, are passed over.
"""

MAX_EVENT_BYTES = 1 << 20


class EventStreamError(ValueError):
    """More bytes without an end of an event than any server has reason to send."""


class EventStream:
    """Bytes in, the data of whole events out."""

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._line = bytearray()
        """The start of a line whose end is to come."""
        self._data: list[bytes] = []
        self._bytes = 0
        """Since the last event."""

    def push(self, received: bytes) -> list[bytes]:
        """The data of the events that are whole now. Raises EventStreamError.

        What is left behind the last event is half an event, and counts as none.
        """
        *lines, rest = received.split(b"\n")
        events = []
        for line in lines:
            event = self._end_line(bytes(self._line) + line)
            self._line.clear()
            if event is not None:
                events.append(event)
        self._line += rest
        self._bytes = len(rest) if events else self._bytes + len(received)
        if self._bytes > self._max_event_bytes:
            raise EventStreamError("an event is too long")
        return events

    def _end_line(self, line: bytes) -> bytes | None:
        """The event's data, if this line ends one."""
        line = line.removesuffix(b"\r")
        if not line:
            data, self._data = self._data, []
            return b"\n".join(data) if data else None
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
        return None
