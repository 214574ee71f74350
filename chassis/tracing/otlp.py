"""Spans as the body of an OTLP request, in protobuf.

https://opentelemetry.io/docs/specs/otlp/#otlphttp-request
"""

from collections.abc import Iterable

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2 as pb

from chassis.tracing.span import Attribute, Attributes, Span

SCOPE = "antiphon"


def span_to_protobuf(span: Span) -> pb.Span:
    message = pb.Span(
        trace_id=span.context.trace_id,
        span_id=span.context.span_id,
        parent_span_id=span.parent_id,
        name=span.name,
        kind=pb.Span.SpanKind.ValueType(span.kind),
        start_time_unix_nano=span.start_ns,
        end_time_unix_nano=span.end_ns,
        attributes=_pairs(span.attributes),
    )
    if span.error:
        message.status.code = pb.Status.STATUS_CODE_ERROR
        message.status.message = span.error
    return message


def export_request(
    spans: Iterable[pb.Span], resource: Attributes, scope_version: str = ""
) -> bytes:
    """One request's body; `resource` tells of the process."""
    scope = InstrumentationScope(name=SCOPE, version=scope_version)
    scope_spans = pb.ScopeSpans(scope=scope, spans=spans)
    of_process = pb.ResourceSpans(
        resource=Resource(attributes=_pairs(resource)), scope_spans=[scope_spans]
    )
    return ExportTraceServiceRequest(resource_spans=[of_process]).SerializeToString()


def rejected_spans(body: bytes) -> int:
    """How many a collector that took a request did not take; 0 if it says nothing readable."""
    try:
        response = ExportTraceServiceResponse.FromString(body)
    except DecodeError:
        return 0
    return response.partial_success.rejected_spans


def _pairs(attributes: Attributes) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in attributes.items()]


def _value(value: Attribute) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case tuple():
            return AnyValue(array_value=ArrayValue(values=map(_value, value)))
    return AnyValue(string_value=value)
