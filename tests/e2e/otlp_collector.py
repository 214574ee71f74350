"""An OpenTelemetry collector's stand-in: what is posted to it by OTLP over HTTP, decoded."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2 as pb


@dataclass(frozen=True)
class ReceivedSpan:
    resource: dict[str, Any]
    trace_id: str
    span_id: str
    parent_id: str
    """Empty for a root."""
    name: str
    kind: int
    start_ns: int
    end_ns: int
    error: str
    attributes: dict[str, Any]

    @property
    def service(self) -> str:
        return str(self.resource["service.name"])


@dataclass
class Traces:
    """What came."""

    url: str = ""
    spans: list[ReceivedSpan] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Statuses and headers of the next responses; behind them everything is taken."""

    def named(self, name: str) -> list[ReceivedSpan]:
        return [span for span in self.spans if span.name == name]

    def below(self, parent: ReceivedSpan) -> list[ReceivedSpan]:
        """A span's children, the earliest first."""
        found = [span for span in self.spans if span.parent_id == parent.span_id]
        return sorted(found, key=lambda span: span.start_ns)

    def tree(self, root: ReceivedSpan) -> dict[str, Any]:
        """The names of what is below a span."""
        return {child.name: self.tree(child) for child in self.below(root)}

    def take(self, body: bytes, headers: dict[str, str]) -> None:
        self.bodies.append(body)
        self.headers.append(headers)
        for of_process in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = _members(of_process.resource.attributes)
            for scope in of_process.scope_spans:
                self.spans += [_received(span, resource) for span in scope.spans]


@contextmanager
def otlp_collector() -> Iterator[Traces]:
    """One that listens on this machine, in threads."""
    traces = Traces()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            assert self.headers["Content-Type"] == "application/x-protobuf"
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers = traces.answers.pop(0) if traces.answers else (200, {})
            if status == 200:
                traces.take(body, {name.lower(): value for name, value in self.headers.items()})
            self._answer(status, headers)

        def _answer(self, status: int, headers: dict[str, str]) -> None:
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Not of interest."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    traces.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield traces
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def _received(span: pb.Span, resource: dict[str, Any]) -> ReceivedSpan:
    return ReceivedSpan(
        resource,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.name,
        span.kind,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.status.message if span.status.code == pb.Status.STATUS_CODE_ERROR else "",
        _members(span.attributes),
    )


def _members(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in pairs}
