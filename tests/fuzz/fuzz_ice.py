"""STUN from anywhere at an agent: the state stays bounded, strangers draw no answer."""

import hmac
import random

from antiphon_proto import stun
from antiphon_proto.address import Address
from transceiver.ice import IceAgent, IceCredentials
from transceiver.ice.path_table import MAX_PATHS

_LOCAL = IceCredentials("local", "local-password-of-24-chr")
_REMOTE = IceCredentials("peer", "remote-password-of-22c")
_LATER_LOCAL = IceCredentials("later", "later-password-of-24-chr")
_LATER_REMOTE = IceCredentials("peer2", "another-password-of-22c")
_CLIENT = ("192.0.2.1", 5000)

SEEDS = [
    stun.binding_request(
        bytes(12),
        username=username,
        password=_LOCAL.password.encode(),
        priority=1,
        tie_breaker=tie_breaker,
        controlling=controlling,
        use_candidate=controlling,
    )
    for controlling, tie_breaker in ((True, 1), (False, 0), (False, 2**64 - 1))
    for username in (b"local:peer", b"later:peer2")
]
SEEDS += [
    stun.binding_success(bytes(12), mapped=_CLIENT, password=_REMOTE.password.encode()),
    stun.binding_error(
        bytes(12), code=487, reason="Role Conflict", password=_REMOTE.password.encode()
    ),
]


def one_input(data: bytes) -> None:
    agent = IceAgent(_LOCAL, _REMOTE, random_bytes=random.Random(1).randbytes)
    _hear(agent, data, _CLIENT, 0.0)
    if not _is_authentic(data):
        assert agent.take_datagrams() == []
    # What follows reaches behind the check of integrity, and then meets a restart.
    _press(agent, _signed(data, _LOCAL.password.encode()), 0)
    agent.negotiate(_LATER_REMOTE, lambda: _LATER_LOCAL, 60.0)
    _press(agent, _signed(data, _LOCAL.password.encode()), 60)
    _press(agent, _signed(data, _LATER_LOCAL.password.encode()), 120)
    assert len(agent.known) <= 2 * MAX_PATHS


def _press(agent: IceAgent, signed: bytes, start: int) -> None:
    """Have the message come from many addresses, and be answered."""
    for port in range(2 * MAX_PATHS):
        _hear(agent, signed, ("192.0.2.2", port), start + port)
        _hear(agent, _answer(agent, signed), ("192.0.2.2", port), start + port)
    for second in range(60):
        agent.tick(start + second)
    for datagram, _ in agent.take_datagrams():
        stun.parse(datagram)


def _hear(agent: IceAgent, data: bytes, client: Address, now: float) -> None:
    try:
        message = stun.parse(data)
    except stun.StunError:
        return
    agent.receive(message, len(data), client, now)


def _is_authentic(data: bytes) -> bool:
    try:
        return stun.parse(data).verify(_LOCAL.password.encode())
    except stun.StunError:
        return False


def _answer(agent: IceAgent, signed: bytes) -> bytes:
    """The input as a response to the check that the agent has just sent, if any."""
    for datagram, _ in agent.take_datagrams():
        sent = stun.parse(datagram)
        if sent.message_class is stun.StunClass.REQUEST:
            response = signed[:8] + sent.transaction_id + signed[20:-24]
            later = (sent.username or b"").startswith(b"peer2:")
            password = (_LATER_REMOTE if later else _REMOTE).password
            return _signed(response, password.encode())
    return signed


def _signed(data: bytes, password: bytes) -> bytes:
    """The message up to its integrity, if it has any, with a valid one."""
    body = data[:20] + data[20:].partition(b"\x00\x08\x00\x14")[0]
    body = body[:2] + ((len(body) + 4) & 0xFFFF).to_bytes(2, "big") + body[4:]
    return body + b"\x00\x08\x00\x14" + hmac.digest(password, body, "sha1")
