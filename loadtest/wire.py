"""What coordinator and workers tell each other, to and from protobuf."""

import math

import msgspec

from antiphon_proto.loadtest.v1 import loadtest_pb2 as pb
from loadtest.callers.fleet import Target
from loadtest.measures.detail import shown
from loadtest.measures.histogram import Histogram
from loadtest.measures.interval import FailedCall, Interval, bounded
from loadtest.measures.names import Count, Failure, Latency
from loadtest.scenario.scenario import Scenario

MOST_SECONDS = 200_000
"""Of a run: its ramp and its hold may each take a day, and it is over soon after."""
_MOST_COUNTED = 1 << 48
"""Of anything in a second; sums of these stay far from what 64 bits hold."""


class WireError(ValueError):
    """A message that says nothing that can be understood."""


def encode_interval(interval: Interval) -> pb.Measured:
    return pb.Measured(
        second=interval.second,
        counts={str(name): number for name, number in interval.counts.items()},
        sessions=max(0, interval.sessions),
        latencies={name: each.encode() for name, each in interval.latencies.items()},
        failures=[
            pb.FailedCall(number=each.number, reason=each.reason, detail=each.detail)
            for each in interval.failures
        ],
        failed={str(reason): number for reason, number in interval.failed.items()},
        cpu_seconds=interval.cpu_seconds,
    )


def decode_interval(message: pb.Measured) -> Interval:
    """Raises WireError."""
    try:
        _check_figures(message)
        return Interval(
            second=message.second,
            counts={Count(name): number for name, number in message.counts.items()},
            sessions=message.sessions,
            latencies={
                Latency(name): Histogram.decode(encoded)
                for name, encoded in message.latencies.items()
            },
            failures=bounded(
                FailedCall(each.number, Failure(each.reason), shown(each.detail))
                for each in message.failures
            ),
            failed={Failure(reason): number for reason, number in message.failed.items()},
            cpu_seconds=message.cpu_seconds,
        )
    except ValueError as error:
        raise WireError(str(error)) from error


def _check_figures(message: pb.Measured) -> None:
    """Raises ValueError for what no second can have."""
    if message.second > MOST_SECONDS:
        raise ValueError(f"second {message.second} is of no run")
    if not (math.isfinite(message.cpu_seconds) and message.cpu_seconds >= 0.0):
        raise ValueError(f"{message.cpu_seconds} seconds of CPU")
    for name, number in (*message.counts.items(), *message.failed.items()):
        if not 0 <= number <= _MOST_COUNTED:
            raise ValueError(f"{name} {number} times")


def encode_scenario(scenario: Scenario) -> bytes:
    return msgspec.json.encode(scenario)


def decode_scenario(encoded: bytes) -> Scenario:
    """Raises WireError."""
    try:
        return msgspec.json.decode(encoded, type=Scenario)
    except (ValueError, msgspec.DecodeError) as error:
        raise WireError(f"scenario: {error}") from error


def encode_target(target: Target, certificate_authority: str) -> pb.Target:
    """`certificate_authority` is what the file of that name holds."""
    return pb.Target(
        http=target.http,
        api_key=target.api_key,
        model=target.model,
        sip=target.sip,
        sip_user=target.sip_user,
        sip_password=target.sip_password,
        reflector=target.reflector,
        certificate_authority=certificate_authority,
    )


def decode_target(message: pb.Target, certificate_authority: str) -> Target:
    """`certificate_authority` is the file that what came of it was written to."""
    return Target(
        http=message.http,
        api_key=message.api_key,
        model=message.model,
        sip=message.sip,
        sip_user=message.sip_user,
        sip_password=message.sip_password,
        reflector=message.reflector,
        certificate_authority=certificate_authority,
    )
