"""STUN: anything parses or is malformed, and nothing unsigned verifies."""

import contextlib

from antiphon_proto import stun

TRANSACTION = bytes(range(12))
PASSWORD = b"the password of the call"
WRITTEN = [
    stun.binding_request(
        TRANSACTION,
        username=b"EKzctQJta07eLAy33+CQXsA:abcd",
        password=PASSWORD,
        priority=1845501695,
        tie_breaker=5,
        controlling=True,
        use_candidate=True,
    ),
    stun.binding_success(TRANSACTION, mapped=("192.0.2.1", 32853), password=PASSWORD),
    stun.binding_success(TRANSACTION, mapped=("2001:db8::1", 32853), password=PASSWORD),
    stun.binding_error(
        TRANSACTION,
        code=420,
        reason="Unknown Attribute",
        password=PASSWORD,
        unknown_attributes=(0x7F00, 0x7F01),
    ),
]
FINGERPRINT_BYTES = 8
SIGNED = [stun.parse(datagram).protected for datagram in WRITTEN]
SEEDS = [*WRITTEN, *(datagram[:-FINGERPRINT_BYTES] for datagram in WRITTEN)]


def one_input(data: bytes) -> None:
    for datagram in (data, _with_true_length(data)):
        with contextlib.suppress(stun.StunError):
            _check(stun.parse(datagram))


def _with_true_length(data: bytes) -> bytes:
    """The same message, past the checks that stop most mutations at the door."""
    whole = data[: len(data) // 4 * 4]
    return whole[:2] + max(0, len(whole) - 20).to_bytes(2, "big") + whole[4:]


def _check(message: stun.StunMessage) -> None:
    assert 0 <= message.method <= 0xFFF
    assert message.priority is None or 0 <= message.priority < 1 << 32
    for tie_breaker in (message.ice_controlling, message.ice_controlled):
        assert tie_breaker is None or 0 <= tie_breaker < 1 << 64
    assert message.error_code is None or 300 <= message.error_code <= 699
    assert all(kind < 0x8000 for kind in message.unknown_required)
    if message.local_ufrag is not None:
        assert message.username is not None
        assert message.username.startswith(message.local_ufrag + b":")
    if not message.has_integrity:
        assert not message.verify(PASSWORD)
    if message.verify(PASSWORD):
        assert message.protected in SIGNED
    if message.mapped_address is not None:
        again = stun.binding_success(
            message.transaction_id, mapped=message.mapped_address, password=PASSWORD
        )
        assert stun.parse(again).mapped_address == message.mapped_address
