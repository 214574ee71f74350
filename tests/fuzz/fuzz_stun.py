"""STUN: anything parses or is malformed, and nothing unsigned verifies."""

import contextlib

from antiphon_proto import stun

TRANSACTION = bytes(range(12))
PASSWORD = b"the password of the call"
SEEDS = [
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


def one_input(data: bytes) -> None:
    with contextlib.suppress(stun.StunError):
        _check(stun.parse(data), genuine=data in SEEDS)


def _check(message: stun.StunMessage, *, genuine: bool) -> None:
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
        # What follows the integrity may change; what it covers may not.
        assert genuine or any(message.protected == stun.parse(seed).protected for seed in SEEDS)
    if message.mapped_address is not None:
        again = stun.binding_success(
            message.transaction_id, mapped=message.mapped_address, password=PASSWORD
        )
        assert stun.parse(again).mapped_address == message.mapped_address
