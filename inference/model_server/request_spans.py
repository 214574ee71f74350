"""What is traced of a request to a model server: a span of each try.

https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client
"""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from chassis.tracing.span import Attribute, SpanKind
from chassis.tracing.tracer import UNTRACED, OpenSpan, SpanScope
from inference.model_server.model_server_error import ModelServerError

TRACEPARENT = "traceparent"

_PORTS = {"http": 80, "https": 443}


class RequestSpans:
    """Of one request's tries, one after the other, below `scope`."""

    def __init__(self, scope: SpanScope, path: str) -> None:
        self._scope = scope
        self._path = path
        self._tries = 0
        self._span: OpenSpan = UNTRACED

    def begin(self, url: str) -> dict[str, str]:
        """A try at the server with this base URL; the headers that tell it of the trace."""
        if self._scope.context is None:
            return {}
        parts = urlsplit(url)
        attributes: dict[str, Attribute] = {
            "http.request.method": "POST",
            "server.address": parts.hostname or "",
            "server.port": parts.port or _PORTS.get(parts.scheme, 0),
            "url.full": f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{self._path}",
        }
        if self._tries:
            attributes["http.request.resend_count"] = self._tries
        self._tries += 1
        self._span = self._scope.begin(f"POST {self._path}", attributes, kind=SpanKind.CLIENT)
        return {TRACEPARENT: self._span.traceparent}

    def answered(self, status: int) -> None:
        """The try's body is on its way."""
        self._span.note({"http.response.status_code": status})

    def failed(self, error: ModelServerError) -> None:
        """The try came to nothing."""
        if error.status is not None:
            self._span.note({"http.response.status_code": error.status})
        self._span.end(error.outcome.value)

    @contextmanager
    def ended(self) -> Iterator[None]:
        """The last try goes on until the end of the block."""
        try:
            yield
        except ModelServerError as error:
            self.failed(error)
            raise
        finally:
            self._span.end()
