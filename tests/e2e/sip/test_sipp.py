"""sipp: many calls at once, a proxy in front, and callers that nobody knows."""

import asyncio
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.running_deployment import wait_until
from tests.e2e.sip.kamailio import kamailio, needs_kamailio
from tests.e2e.sip.peer_process import HOST, free_port
from tests.e2e.sip.rtp_ears import RtpEars
from tests.e2e.sip.sip_deployment import CARRIER, STRANGER, SipDeployment
from tests.e2e.sip.sipp import completed, needs_sipp, sipp, write_capture
from tests.e2e.speech import Speaker, silence

pytestmark = needs_sipp

CALLS = 20
QUESTION = "what is two plus three"
ANSWER = "Two plus three is five."
ANSWER_PACKETS = 40
"""Fewer than 20 ms pieces of the answer, more than could be heard of anything else."""


@pytest.fixture
def captured(tmp_path: Path, speaker: Speaker) -> Path:
    """A directory with the question for a scenario to play."""
    asked = np.concatenate([silence(0.4), speaker.say(QUESTION), silence(2.0)])
    write_capture(tmp_path / "question.pcap", asked)
    return tmp_path


async def serve(sip: SipDeployment, number: str, heard: Counter[str]) -> None:
    """Take one call, and tell what came of it."""
    incoming = await sip.application.incoming(number)
    async with sip.application.taken(incoming) as sideband:
        await sideband.ended()
    heard["calls"] += 1
    heard[sideband.of("response.done")[0].response.output[0].content[0].transcript] += 1
    keys = sideband.of("input_audio_buffer.dtmf_event_received")
    heard["".join(each.event for each in keys)] += 1


async def test_twenty_calls_ask_at_once(sip: SipDeployment, captured: Path) -> None:
    heard: Counter[str] = Counter()
    to = f"{sip.host}:{sip.port}"
    port = free_port(sip.host, 4 * CALLS)
    async with (
        RtpEars(sip.host, port, CALLS) as ears,
        sipp(
            captured, "question", to, "-s", "many", host=sip.host, calls=CALLS, media_port=port
        ) as peer,
        asyncio.TaskGroup() as applications,
    ):
        for _ in range(CALLS):
            applications.create_task(serve(sip, "many", heard))
        await completed(peer, captured)
    assert heard == {"calls": CALLS, ANSWER: CALLS, "5": CALLS}
    assert min(ears.audible_packets()) > ANSWER_PACKETS
    wait_until(lambda: sip.calls() == 0 and sip.sessions() == 0, "the calls' end")


@needs_kamailio
async def test_a_proxy_in_front(sip: SipDeployment, captured: Path) -> None:
    """The carrier knows the proxy alone; media goes past it."""
    heard: Counter[str] = Counter()
    servers = [f"sip:{sip.host}:{sip.port};transport=tcp"]
    async with (
        kamailio(captured, HOST, servers, [f"sip:{CARRIER}"]) as proxy,
        sipp(captured, "question", proxy, "-s", "proxied", host=CARRIER) as peer,
        asyncio.TaskGroup() as applications,
    ):
        applications.create_task(serve(sip, "proxied", heard))
        await completed(peer, captured)
    assert heard == {"calls": 1, ANSWER: 1, "5": 1}


async def test_who_is_unknown_hears_nothing(sip: SipDeployment, captured: Path) -> None:
    to = f"{sip.host}:{sip.port}"
    async with sipp(captured, "nobody", to, "-s", "agent", host=STRANGER) as peer:
        await completed(peer, captured)
    assert sip.calls() == 0
