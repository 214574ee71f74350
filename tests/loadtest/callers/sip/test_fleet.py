"""Telephones against Antiphon, and against a far side that hangs up at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import msgspec
import pytest
from sipmessage import CSeq, Message, Request, Response

from loadtest.callers.fleet import FleetContext, FleetError, Target
from loadtest.callers.sip.fleet import SipFleet
from loadtest.measures.interval import Interval
from loadtest.measures.measures import Measures
from loadtest.measures.names import Count, Failure, Latency
from loadtest.scenario.scenario import (
    CallerProfile,
    Expect,
    Kind,
    Load,
    Network,
    Scenario,
    Talk,
    TalkModel,
)
from tests.free_ports import free_port
from tests.loadtest.called_deployment import AGENT, BUSY, ECHO, CalledDeployment
from tests.loadtest.placed_calls import place_calls, stop_a_call

SPEAKS = CallerProfile(
    kind=Kind.SIP,
    talk=Talk(
        model=TalkModel.ON_OFF,
        expect=Expect.ECHO,
        spurt_seconds=1.5,
        pause_seconds=0.6,
        patience_seconds=2.0,
    ),
)
ASKS = CallerProfile(
    kind=Kind.SIP,
    talk=Talk(model=TalkModel.TURNS, expect=Expect.ANSWER, pause_seconds=0.2, barge_in=1.0),
)


def failures(found: Interval) -> list[tuple[Failure, str]]:
    return [(each.reason, each.detail) for each in found.failures]


async def test_speech_is_echoed(deployment: CalledDeployment) -> None:
    found = await place_calls(SipFleet, deployment.target(ECHO), SPEAKS, calls=3, seconds=7)
    assert failures(found) == []
    counts = found.counts
    assert counts[Count.CALLS_SET_UP] == counts[Count.CALLS_ENDED] == 3
    assert counts[Count.TURNS_RIGHT] >= 3
    assert counts.get(Count.TURNS_WRONG, 0) < counts[Count.TURNS_RIGHT] / 3
    assert Count.FRAMES_UNAUTHENTICATED not in counts
    assert counts[Count.FRAMES_RECEIVED] > 3 * 100
    assert found.latencies[Latency.SET_UP].count == 3
    assert found.sessions == 0


async def test_questions_are_answered_and_answers_interrupted(
    deployment: CalledDeployment,
) -> None:
    found = await place_calls(SipFleet, deployment.target(AGENT), ASKS, calls=2, seconds=9)
    assert failures(found) == []
    assert found.counts[Count.TURNS_RIGHT] >= 2
    assert found.counts[Count.BARGE_INS] >= 1
    assert found.latencies[Latency.VOICE_TO_VOICE].count >= 2


async def test_what_the_network_took_is_not_lost_by_the_server(
    deployment: CalledDeployment,
) -> None:
    network = Network(loss=0.2, delay_ms=30.0, jitter_ms=5.0)
    profile = msgspec.structs.replace(SPEAKS, network=network)
    found = await place_calls(SipFleet, deployment.target(ECHO), profile, calls=2, seconds=6)
    assert failures(found) == []
    counts = found.counts
    passed = counts[Count.FRAMES_SENT] + counts[Count.FRAMES_RECEIVED]
    assert 0.1 < counts[Count.FRAMES_DROPPED] / passed < 0.35
    assert counts[Count.FRAMES_RECEIVED] > 100
    assert counts.get(Count.FRAMES_LOST, 0) < 0.05 * counts[Count.FRAMES_RECEIVED]


async def test_silence_is_told(deployment: CalledDeployment) -> None:
    profile = msgspec.structs.replace(SPEAKS, network=Network(loss=1.0))
    found = await place_calls(SipFleet, deployment.target(ECHO), profile, seconds=4)
    assert failures(found) == [(Failure.NO_MEDIA, "nothing was answered")]
    assert found.counts[Count.FRAMES_DROPPED] >= found.counts[Count.FRAMES_SENT] - 1


@pytest.mark.parametrize(
    ("number", "password", "detail"),
    [(ECHO, "wrong", "SIP 401 "), (ECHO, "", "SIP 401 "), (BUSY, "correct-horse", "SIP 486 ")],
)
async def test_who_is_refused(
    deployment: CalledDeployment, number: str, password: str, detail: str
) -> None:
    target = replace(deployment.target(number), sip_password=password)
    found = await place_calls(SipFleet, target, SPEAKS)
    [(reason, told)] = failures(found)
    assert reason is Failure.REFUSED
    assert told.startswith(detail)
    assert Count.CALLS_SET_UP not in found.counts


async def test_who_is_told_to_stop_hangs_up(deployment: CalledDeployment) -> None:
    found = await stop_a_call(SipFleet, deployment.target(ECHO), SPEAKS)
    assert failures(found) == []
    assert found.counts[Count.CALLS_ENDED] == 1
    assert found.sessions == 0


async def test_nobody_is_there() -> None:
    target = Target(sip=f"127.0.0.1:{free_port()}")
    found = await place_calls(SipFleet, target, SPEAKS)
    [(reason, _)] = failures(found)
    assert reason is Failure.UNREACHABLE


class _HangsUp(asyncio.DatagramProtocol):
    """Takes each call, and ends it as soon as it is acknowledged."""

    def __init__(self, sdp: bytes) -> None:
        self._sdp = sdp

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport
        host, port = transport.get_extra_info("sockname")
        self.address = f"{host}:{port}"

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        message = Message.parse(data)
        if not isinstance(message, Request):
            return
        if message.method == "INVITE":
            self._transport.sendto(bytes(self._taken(message)), source)
        elif message.method == "ACK":
            self._transport.sendto(bytes(self._bye(message)), source)

    def _taken(self, invite: Request) -> Response:
        response = Response(200, "OK", self._sdp)
        for name in ("Via", "From", "Call-ID", "CSeq"):
            response.headers.set(name, invite.headers[name])
        response.headers.set("To", f"{invite.headers['To']};tag=1")
        response.headers.set("Contact", f"<sip:{self.address}>")
        return response

    def _bye(self, ack: Request) -> Request:
        bye = Request("BYE", ack.uri)
        bye.headers.set("Via", f"SIP/2.0/UDP {self.address};branch=z9hG4bK1")
        bye.headers.set("From", ack.headers["To"])
        bye.headers.set("To", ack.headers["From"])
        bye.headers.set("Call-ID", ack.headers["Call-ID"])
        bye.cseq = CSeq(1, "BYE")
        return bye


@asynccontextmanager
async def far_side(sdp: bytes) -> AsyncIterator[Target]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: _HangsUp(sdp), local_addr=("127.0.0.1", 0)
    )
    yield Target(sip=server.address)
    transport.close()


@pytest.mark.parametrize(
    ("sdp", "reason", "detail", "calls_set_up"),
    [
        (b"c=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n", Failure.ENDED_EARLY, "BYE", 1),
        (b"c=IN IP4 127.0.0.1\r\nm=audio 0 RTP/AVP 0\r\n", Failure.BAD_ANSWER, "refused", 0),
    ],
)
async def test_a_far_side_that_hangs_up(
    sdp: bytes, reason: Failure, detail: str, calls_set_up: int
) -> None:
    async with far_side(sdp) as target:
        found = await place_calls(SipFleet, target, SPEAKS, seconds=20)
    [(told, text)] = failures(found)
    assert told is reason
    assert detail in text
    assert found.counts.get(Count.CALLS_SET_UP, 0) == calls_set_up
    assert found.sessions == 0


@pytest.mark.parametrize(
    ("target", "network", "named"),
    [
        (Target(), Network(), "HOST"),
        (Target(sip="127.0.0.1:1"), Network(rebind_seconds=1.0), "rebind"),
        (Target(sip="127.0.0.1:1"), Network(move_seconds=1.0), "move"),
    ],
)
async def test_what_could_never_work_is_told_at_once(
    target: Target, network: Network, named: str
) -> None:
    profile = CallerProfile(kind=Kind.SIP, network=network)
    scenario = Scenario(name="test", load=Load(sessions=1), callers=(profile,))
    fleet = SipFleet(FleetContext(target, scenario, Measures()))
    with pytest.raises(FleetError, match=named):
        await fleet.start()
