"""sipp: many calls at once, a proxy in front, and callers that nobody knows."""

import asyncio
import secrets
import socket
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.running_deployment import wait_until
from tests.e2e.sip.kamailio import kamailio, needs_kamailio
from tests.e2e.sip.peer_process import HOST
from tests.e2e.sip.recordings import ANSWER, QUESTION
from tests.e2e.sip.rtp_ears import RtpEars
from tests.e2e.sip.sip_deployment import CARRIER, PROXY, STRANGER, SipDeployment
from tests.e2e.sip.sipp import PORTS_A_CALL, completed, needs_sipp, sipp, write_capture
from tests.e2e.speech import Speaker, silence
from tests.free_ports import free_port

pytestmark = needs_sipp

CALLS = 20
ECHOED_PACKETS = 30
"""The question has more that hold a sound."""


@pytest.fixture
def captured(tmp_path: Path, speaker: Speaker) -> Path:
    """A directory with the question for a scenario to play."""
    asked = np.concatenate([silence(0.4), speaker.say(QUESTION), silence(1.0)])
    write_capture(tmp_path / "question.pcap", asked)
    return tmp_path


async def serve(sip: SipDeployment, number: str, told: Counter[str], model: str) -> None:
    """Take one call, wait until a key was pressed, and hang up."""
    incoming = await sip.application.incoming(number)
    async with sip.application.taken(incoming, model=model) as sideband:
        told[(await sideband.event("input_audio_buffer.dtmf_event_received")).event] += 1
        if model != "echo":
            told[await sideband.answered()] += 1
        await sip.application.client().realtime.calls.hangup(incoming.data.call_id)
        await sideband.ended()
    told["calls"] += 1


async def test_twenty_calls_at_once(sip: SipDeployment, captured: Path) -> None:
    told: Counter[str] = Counter()
    port = free_port(CARRIER, PORTS_A_CALL * CALLS)  # at the first of which sipp listens
    async with (
        RtpEars(CARRIER, port + PORTS_A_CALL, CALLS - 1) as ears,
        sipp(captured, "question", sip.address, "many", CARRIER, CALLS, port) as peer,
        asyncio.TaskGroup() as applications,
    ):
        for _ in range(CALLS):
            applications.create_task(serve(sip, "many", told, "echo"))
        await completed(peer, captured)
    assert told == {"calls": CALLS, "5": CALLS}
    assert min(ears.audible_packets()) > ECHOED_PACKETS
    wait_until(lambda: sip.calls() == 0 and sip.sessions() == 0, "the calls' end")


@needs_kamailio
async def test_a_proxy_in_front(sip: SipDeployment, captured: Path) -> None:
    """The carrier knows the proxy alone; media goes past it."""
    told: Counter[str] = Counter()
    servers = [f"sip:{sip.address};transport=tcp"]
    async with (
        kamailio(captured, PROXY, servers, [f"sip:{CARRIER}"]) as proxy,
        sipp(captured, "question", proxy, "proxied", CARRIER) as peer,
        asyncio.TaskGroup() as applications,
    ):
        applications.create_task(serve(sip, "proxied", told, "gpt-realtime"))
        await completed(peer, captured)
    assert told == {"calls": 1, ANSWER: 1, "5": 1}


@pytest.mark.parametrize(
    ("host", "method", "answered"),
    [
        (CARRIER, "OPTIONS", b"SIP/2.0 200 "),
        (CARRIER, "INVITE", b"SIP/2.0 100 "),
        (STRANGER, "OPTIONS", None),
        (STRANGER, "INVITE", b"SIP/2.0 401 "),
    ],
)
async def test_a_stranger_learns_that_phones_have_passwords_and_nothing_else(
    sip: SipDeployment, host: str, method: str, answered: bytes | None
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.bind((host, 0))
        asking.setblocking(False)
        asking.sendto(request(method, sip.uri("busy"), *asking.getsockname()), (HOST, sip.port))
        answer = asyncio.get_running_loop().sock_recv(asking, 2048)
        if answered:
            assert (await asyncio.wait_for(answer, 5)).startswith(answered)
        else:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(answer, 1)


def request(method: str, uri: str, host: str, port: int) -> bytes:
    lines = (
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{secrets.token_hex(8)};rport",
        f"From: <sip:somebody@{host}>;tag=1",
        f"To: <{uri}>",
        f"Call-ID: {secrets.token_hex(8)}",
        f"CSeq: 1 {method}",
        f"Contact: <sip:somebody@{host}:{port}>",
        "Max-Forwards: 70",
        "Content-Length: 0",
    )
    return "\r\n".join([*lines, "", ""]).encode()
