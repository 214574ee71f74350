"""A client scripted with the STUN codec, for an agent on a virtual clock."""

import itertools
import random

from antiphon_proto import stun
from antiphon_proto.address import Address
from transceiver.ice import IceAgent, IceCredentials

SERVER = IceCredentials("serverufrag", "server-password-of-24-ch")
CLIENT = IceCredentials("clnt", "client-password-of-22c")
HOME: Address = ("192.0.2.7", 50000)
ROAMED: Address = ("198.51.100.9", 40000)
HIGHEST = 2**64 - 1


def make_agent() -> IceAgent:
    return IceAgent(SERVER, CLIENT, random_bytes=random.Random(7).randbytes)


_transactions = itertools.count(1)


def check(
    *,
    controlling: bool = True,
    tie_breaker: int = 1,
    use_candidate: bool = True,
    username: bytes = b"serverufrag:clnt",
    password: bytes = SERVER.password.encode(),
) -> bytes:
    """A client's connectivity check."""
    return stun.binding_request(
        next(_transactions).to_bytes(12, "big"),
        username=username,
        password=password,
        priority=1,
        tie_breaker=tie_breaker,
        controlling=controlling,
        use_candidate=use_candidate,
    )


def hear(agent: IceAgent, datagram: bytes, client: Address, now: float) -> None:
    agent.receive(stun.parse(datagram), len(datagram), client, now)


def answer(request: stun.StunMessage, client: IceCredentials = CLIENT) -> bytes:
    return stun.binding_success(
        request.transaction_id, mapped=("203.0.113.1", 3478), password=client.password.encode()
    )


def validated(agent: IceAgent) -> list[Address]:
    return [client for client, proven in agent.known.items() if proven]


def sent(agent: IceAgent) -> list[tuple[stun.StunMessage, Address]]:
    return [(stun.parse(datagram), client) for datagram, client in agent.take_datagrams()]


def own_check(agent: IceAgent) -> stun.StunMessage:
    """The single check among what the agent wants to send."""
    (request,) = (m for m, _ in sent(agent) if m.message_class is stun.StunClass.REQUEST)
    return request


def connect(agent: IceAgent, client: Address = HOME, now: float = 0.0) -> None:
    hear(agent, check(), client, now)
    hear(agent, answer(own_check(agent)), client, now + 0.05)
    agent.take_datagrams()


def ticks(agent: IceAgent, start: float, end: float) -> list[tuple[float, stun.StunMessage]]:
    """Tick every 10 ms; what was sent, and when."""
    out: list[tuple[float, stun.StunMessage]] = []
    for step in range(round(start * 100), round(end * 100)):
        now = step / 100
        agent.tick(now)
        out += [(now, message) for message, _ in sent(agent)]
    return out


PACKET = 120
"""Bytes of a media packet."""


def speak(agent: IceAgent, client: Address, now: float, size: int = PACKET) -> None:
    """The newest media comes from `client`."""
    agent.media_received(size, client, now)


def answer_checks(agent: IceAgent, start: float, end: float) -> None:
    """The client answers every check from the address it was sent to."""
    for step in range(round(start * 100), round(end * 100)):
        agent.tick(step / 100)
        for message, client in sent(agent):
            if message.message_class is stun.StunClass.REQUEST:
                hear(agent, answer(message), client, step / 100)
