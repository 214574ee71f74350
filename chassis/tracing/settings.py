"""What a process that is traced is told of traces."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from chassis.settings import setting

TRACES_PATH = "/v1/traces"

MAX_PAIRS, MAX_PAIR = 32, 4096

_DECIMAL = re.compile(r"[0-9]*\.?[0-9]+", re.ASCII)
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")


def otlp_endpoint(text: str) -> str:
    """The URL that traces are posted to, from a collector's: http://collector:4318.

    Raises ValueError. https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp
    """
    parts = urlsplit(text)
    if parts.username is not None or parts.password is not None:
        raise ValueError("a name and a password go into --otlp-headers, not into the URL")
    named = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    if not named or parts.query or parts.fragment or re.search(r"\s", text):
        raise ValueError(f"expected http://HOST[:PORT], not {text!r}")
    url = text.rstrip("/")
    return url if url.endswith(TRACES_PATH) else url + TRACES_PATH


def otlp_headers(text: str) -> Mapping[str, str]:
    """NAME=VALUE,... as in OTEL_EXPORTER_OTLP_HEADERS. Raises ValueError, without the values."""
    headers = _pairs(text)
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"{name!r} is no header's name, or its value cannot be one's")
    return headers


def trace_attributes(text: str) -> Mapping[str, str]:
    """NAME=VALUE,... as in OTEL_RESOURCE_ATTRIBUTES. Raises ValueError."""
    return _pairs(text)


def trace_ratio(text: str) -> float:
    """A number from 0 to 1. Raises ValueError."""
    number = float(text) if _DECIMAL.fullmatch(text) else -1.0
    if not 0 <= number <= 1:
        raise ValueError(f"expected a number from 0 to 1, not {text!r}")
    return number


def _pairs(text: str) -> dict[str, str]:
    """Values may be percent-encoded."""
    parts = [part.partition("=") for part in text.split(",") if part.strip()]
    if len(parts) > MAX_PAIRS:
        raise ValueError(f"more than {MAX_PAIRS} pairs")
    for name, equals, value in parts:
        if not (name.strip() and equals) or len(name) + len(value) > MAX_PAIR:
            raise ValueError("expected NAME=VALUE,...")
    return {name.strip(): unquote(value.strip()) for name, _, value in parts}


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingSettings:
    """Of a tier whose calls are traced."""

    otlp_endpoint: str | None = setting(
        None,
        parse=otlp_endpoint,
        help="OpenTelemetry collector that traces of calls are posted to by OTLP over HTTP, such "
        "as http://collector:4318; needs the package antiphon[tracing]",
    )
    otlp_headers: Mapping[str, str] | None = field(
        default=None,
        repr=False,
        metadata={
            "parse": otlp_headers,
            "help": "NAME=VALUE,... of headers that the collector asks for, values "
            "percent-encoded; better as the variable, as every user of the machine sees flags",
        },
    )
    trace_attributes: Mapping[str, str] | None = setting(
        None,
        parse=trace_attributes,
        help="NAME=VALUE,... of what traces tell of this process, values percent-encoded: "
        "k8s.pod.name=transceiver-1",
    )
