"""A span that is over: https://opentelemetry.io/docs/specs/otel/trace/api/#span"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from chassis.tracing.trace_context import TraceContext

Attribute = str | int | float | bool | tuple[str, ...]
Attributes = Mapping[str, Attribute]


class SpanKind(IntEnum):
    """Values are OTLP's."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3


@dataclass(frozen=True, slots=True)
class Span:
    """Times are Unix nanoseconds."""

    context: TraceContext
    parent_id: bytes
    """Empty for the root of a trace."""
    name: str
    kind: SpanKind
    start_ns: int
    end_ns: int
    attributes: Attributes
    error: str = ""
    """What went wrong, as a name of few values; empty: nothing did."""
