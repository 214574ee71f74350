"""Which trace and which span something belongs to, as it travels between processes.

https://www.w3.org/TR/trace-context/#traceparent-header
"""

import re
from dataclasses import dataclass

MAX_TRACEPARENT = 512
"""Characters; one of version 00 has 55, and of later ones the first 55 are all that is read."""

TRACE_ID_BYTES, SPAN_ID_BYTES = 16, 8

_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 1


class TraceparentError(ValueError):
    """A traceparent that is none."""


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A span, and whether its trace is recorded. Neither id is all zeros."""

    trace_id: bytes
    span_id: bytes
    sampled: bool

    @property
    def traceparent(self) -> str:
        """As a header's value, version 00."""
        return f"00-{self.trace_id.hex()}-{self.span_id.hex()}-{self.sampled:02x}"

    @classmethod
    def parse(cls, traceparent: str) -> "TraceContext":
        """Read a header's value. Raises TraceparentError."""
        if len(traceparent) > MAX_TRACEPARENT:
            raise TraceparentError(f"more than {MAX_TRACEPARENT} characters")
        match = _TRACEPARENT.fullmatch(traceparent)
        if match is None or (match[1] == "00" and match[5] is not None):
            raise TraceparentError("not of the form VERSION-TRACE_ID-PARENT_ID-FLAGS")
        trace_id, span_id = bytes.fromhex(match[2]), bytes.fromhex(match[3])
        if not any(trace_id) or not any(span_id):
            raise TraceparentError("an id of zeros")
        return cls(trace_id, span_id, bool(int(match[4], 16) & _SAMPLED))


def trace_context(traceparent: str | None) -> TraceContext | None:
    """The context, or None where there is none that can be read: it is then as if none was sent."""
    try:
        return TraceContext.parse(traceparent) if traceparent else None
    except TraceparentError:
        return None
