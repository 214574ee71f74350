"""How much a worker reads of a source: little of one that it does not know."""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass

MESSAGES_A_SECOND, AT_ONCE = 20.0, 60.0
"""Of one source: more than a phone or a trunk that begins needs."""

KNOWN_A_SECOND, KNOWN_AT_ONCE = 1000.0, 3000.0
"""Of one source that was let in: 30 calls a second need a third of it, and what is read beyond
that would be at the expense of others' calls."""

ALL_A_SECOND, ALL_AT_ONCE = 1000.0, 2000.0
"""Of all of them together, who may forge their addresses."""

READ_A_SECOND, READ_AT_ONCE = 200.0, 400.0
"""Of all that is too much of its source, to see whether it belongs to a call."""

MAX_SOURCES = 4096

GRANTED_S = 600.0
"""For how long a source is not limited to which something was granted."""


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float

    def take(self, a_second: float, at_once: float, now: float) -> bool:
        self.left = min(at_once, self.left + (now - self.at) * a_second)
        self.at = now
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True


class SourceLimits:
    """Buckets of the sources heard of last; who is forgotten begins anew, within what all may."""

    def __init__(self, now: float) -> None:
        self._all = _Bucket(ALL_AT_ONCE, now)
        self._read = _Bucket(READ_AT_ONCE, now)
        self._sources: OrderedDict[str, _Bucket] = OrderedDict()
        self._known: OrderedDict[str, _Bucket] = OrderedDict()
        self._granted: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sources) + len(self._known) + len(self._granted)

    def granted(self, host: str, now: float) -> None:
        """Somebody there was let in."""
        source = source_of(host)
        self._granted[source] = now
        self._granted.move_to_end(source)
        if len(self._granted) > MAX_SOURCES:
            self._granted.popitem(last=False)

    def admit(self, host: str, now: float, *, known: bool = False) -> bool:
        """Whether one more message from there is read; `known` says that a trunk is there, or a
        phone that was let in."""
        source = source_of(host)
        if known or now - self._granted.get(source, -GRANTED_S) < GRANTED_S:
            bucket = _bucket_of(self._known, source, KNOWN_AT_ONCE, now)
            return bucket.take(KNOWN_A_SECOND, KNOWN_AT_ONCE, now)
        bucket = _bucket_of(self._sources, source, AT_ONCE, now)
        if not bucket.take(MESSAGES_A_SECOND, AT_ONCE, now):
            return False
        return self._all.take(ALL_A_SECOND, ALL_AT_ONCE, now)

    def may_be_read(self, now: float) -> bool:
        """Whether one more message that was not admitted may cost the time to look at it."""
        return self._read.take(READ_A_SECOND, READ_AT_ONCE, now)


def _bucket_of(
    buckets: OrderedDict[str, _Bucket], source: str, at_once: float, now: float
) -> _Bucket:
    bucket = buckets.get(source)
    if bucket is None:
        bucket = buckets[source] = _Bucket(at_once, now)
        if len(buckets) > MAX_SOURCES:
            buckets.popitem(last=False)
    buckets.move_to_end(source)
    return bucket


def source_of(host: str) -> str:
    """Who is limited as one: an IPv4 address, an IPv6 network of 64 bits."""
    if ":" not in host:
        return host
    network = ipaddress.IPv6Address(host.partition("%")[0]).packed[:8]
    return network.hex()
