from transceiver.sip.source_limits import (
    ALL_A_SECOND,
    ALL_AT_ONCE,
    AT_ONCE,
    GRANTED_S,
    KNOWN_A_SECOND,
    KNOWN_AT_ONCE,
    MAX_SOURCES,
    MESSAGES_A_SECOND,
    READ_A_SECOND,
    READ_AT_ONCE,
    SourceLimits,
)


def admitted(limits: SourceLimits, host: str, messages: int, now: float) -> int:
    return sum(limits.admit(host, now) for _ in range(messages))


def test_one_source_has_its_share_and_no_more() -> None:
    limits = SourceLimits(0.0)
    assert admitted(limits, "192.0.2.1", 1000, 0.0) == AT_ONCE
    assert admitted(limits, "192.0.2.1", 1000, 1.0) == MESSAGES_A_SECOND
    assert admitted(limits, "192.0.2.2", 10, 1.0) == 10


def test_a_network_of_ipv6_is_one_source() -> None:
    limits = SourceLimits(0.0)
    assert sum(limits.admit(f"2001:db8::{n:x}", 0.0) for n in range(1, 200)) == AT_ONCE
    assert limits.admit("2001:db8:0:1::1", 0.0)


def test_who_was_let_in_has_more_for_a_while() -> None:
    limits = SourceLimits(0.0)
    limits.granted("192.0.2.1", 10.0)
    assert admitted(limits, "192.0.2.1", 10000, 10.0) == KNOWN_AT_ONCE
    assert admitted(limits, "192.0.2.1", 10000, 11.0) == KNOWN_A_SECOND
    assert admitted(limits, "192.0.2.2", 1000, 10.0) == AT_ONCE
    assert admitted(limits, "192.0.2.1", 1000, 10.0 + GRANTED_S) == AT_ONCE
    for number in range(2 * MAX_SOURCES):
        limits.granted(f"10.0.{number >> 8}.{number & 255}", 10.0)
    assert len(limits) == MAX_SOURCES + 3


def test_nobody_is_so_well_known_as_to_take_the_time_of_others() -> None:
    limits = SourceLimits(0.0)
    known = sum(limits.admit("192.0.2.1", 0.0, known=True) for _ in range(10000))
    assert known == KNOWN_AT_ONCE
    assert limits.admit("192.0.2.2", 0.0, known=True)
    for number in range(2 * MAX_SOURCES):
        limits.admit(f"10.0.{number >> 8}.{number & 255}", 0.0, known=True)
    assert len(limits) == MAX_SOURCES


def test_what_is_too_much_is_looked_at_so_often_and_no_more() -> None:
    limits = SourceLimits(0.0)
    assert sum(limits.may_be_read(0.0) for _ in range(1000)) == READ_AT_ONCE
    assert sum(limits.may_be_read(1.0) for _ in range(1000)) == READ_A_SECOND


def test_forged_sources_are_limited_together_and_remembered_within_bounds() -> None:
    limits = SourceLimits(0.0)
    hosts = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(2 * MAX_SOURCES)]
    assert sum(limits.admit(host, 0.0) for host in hosts) == ALL_AT_ONCE
    assert len(limits) == MAX_SOURCES
    assert sum(limits.admit(host, 1.0) for host in hosts) == ALL_A_SECOND
