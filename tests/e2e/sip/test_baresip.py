"""Baresip on every transport, with every protection of media, and what callers do with a call."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from antiphon.loudness import audible
from antiphon.wav import Samples
from tests.e2e.bursts import ONSETS_S, distances, onsets, rhythm
from tests.e2e.running_deployment import wait_until
from tests.e2e.sip.baresip import Account, Baresip, baresip, needs_baresip
from tests.e2e.sip.recordings import ANSWER, LONG_QUESTION, QUESTION, same_words
from tests.e2e.sip.sip_deployment import SipDeployment, needs_own_address
from tests.e2e.sip.voice_application import sip_header
from tests.e2e.speech import Speaker, silence

pytestmark = needs_baresip

ASK_AT_ONCE = 3
SPOKEN_PACKETS = 50
"""Of 20 ms: an answer has more."""
OPUS = "opus/48000/2"

WAYS = {
    "rtp": Account("alice"),
    "tcp-sdes": Account("bob", "tcp", "srtp-mand", codecs="pcma"),
    "tls-dtls-ice": Account("carol", "tls", "dtls_srtp", ice=True, codecs=OPUS),
    "udp-dtls": Account("dave", "udp", "dtls_srtp"),
    "tls-sdes": Account("eve", "tls", "srtp-mand", codecs=OPUS),
    "tcp-ice": Account("frank", "tcp", ice=True),
}


@pytest.fixture
def microphone(speaker: Speaker) -> Samples:
    """A caller waits a moment, as callers do, and asks."""
    return np.concatenate([silence(1.0), speaker.say(QUESTION)])


@asynccontextmanager
async def called(
    sip: SipDeployment,
    directory: Path,
    number: str,
    microphone: Samples,
    account: Account | None = None,
) -> AsyncIterator[Baresip]:
    """A phone that calls the number; the call is to be over when this ends."""
    account = account or Account()
    async with baresip(directory, account, microphone) as phone:
        phone.dial(sip.uri(number, account.transport))
        yield phone


async def ask(sip: SipDeployment, directory: Path, microphone: Samples, way: str) -> None:
    account = WAYS[way]
    async with called(sip, directory, way, microphone, account) as phone:
        incoming = await sip.application.incoming(way)
        assert incoming.data.sip_media_security == ("srtp" if account.media_encryption else "rtp")
        assert account.user in sip_header(incoming, "From")
        async with sip.application.taken(incoming) as sideband:
            await phone.event("CALL_ESTABLISHED")
            assert await sideband.question() == QUESTION
            assert await sideband.answered() == ANSWER
            heard = await phone.hang_up()
            await sideband.ended()
    assert same_words(await sip.application.spoken(QUESTION), heard)


@pytest.mark.alone
@needs_own_address
async def test_spoken_questions_get_their_spoken_answers(
    sip: SipDeployment, tmp_path: Path, microphone: Samples
) -> None:
    """One call of each kind, as many at once as a small machine understands."""
    turns = asyncio.Semaphore(ASK_AT_ONCE)

    async def take_turn(way: str) -> None:
        async with turns:
            await ask(sip, tmp_path, microphone, way)

    failures = await asyncio.gather(*map(take_turn, WAYS), return_exceptions=True)
    failed = [failure for failure in failures if failure is not None]
    if failed:
        raise BaseExceptionGroup("calls", failed)


@pytest.mark.alone
async def test_the_dial_plan_answers_by_itself(sip: SipDeployment, tmp_path: Path) -> None:
    async with called(sip, tmp_path, "echo", rhythm()) as phone:
        await phone.event("CALL_ESTABLISHED")
        await asyncio.sleep(ONSETS_S[-1] + 1.5)
        heard = onsets(await phone.hang_up())
    assert distances(heard) == pytest.approx(distances(list(ONSETS_S)), abs=0.04)


async def test_a_call_is_refused_as_the_dial_plan_and_the_application_say(
    sip: SipDeployment, tmp_path: Path, microphone: Samples
) -> None:
    async with called(sip, tmp_path, "busy", microphone) as phone:
        assert "486" in (await phone.event("CALL_CLOSED"))["param"]
        phone.dial(sip.uri("unwanted"))
        incoming = await sip.application.incoming("unwanted")
        calls = sip.application.client().realtime.calls
        await calls.reject(incoming.data.call_id, status_code=480)
        assert "480" in (await phone.event("CALL_CLOSED", count=2))["param"]


async def test_keys_reach_the_sideband(
    sip: SipDeployment, tmp_path: Path, microphone: Samples
) -> None:
    keys = "19*0#D"
    async with called(sip, tmp_path, "keys", microphone) as phone:
        incoming = await sip.application.incoming("keys")
        async with sip.application.taken(incoming) as sideband:
            await phone.event("CALL_ESTABLISHED")
            phone.press(keys)
            pressed = "input_audio_buffer.dtmf_event_received"
            await sideband.event(pressed, len(keys))
            await phone.end_call()
            await sideband.ended()
    assert "".join(event.event for event in sideband.of(pressed)) == keys


async def test_a_caller_cannot_transfer_the_agent(
    sip: SipDeployment, tmp_path: Path, microphone: Samples
) -> None:
    async with called(sip, tmp_path, "agent", microphone) as phone:
        await phone.event("CALL_ESTABLISHED")
        phone.command("transfer", "sip:elsewhere@127.0.0.1")
        assert "603" in (await phone.event("TRANSFER_FAILED"))["param"]
    wait_until(lambda: sip.calls() == 0, "the call's end, as this phone hangs up then")


async def test_a_call_that_was_held_goes_on_when_it_is_resumed(
    sip: SipDeployment, tmp_path: Path, speaker: Speaker
) -> None:
    """Told by what is sent: this phone writes down nothing more of a call that it held."""
    asks_late = np.concatenate([silence(3.0), speaker.say(QUESTION)])
    async with called(sip, tmp_path, "hold", asks_late) as phone:
        incoming = await sip.application.incoming("hold")
        async with sip.application.taken(incoming) as sideband:
            await phone.event("CALL_ESTABLISHED")
            phone.command("hold")
            await asyncio.sleep(0.5)
            phone.command("resume")
            before = sip.voice_packets()
            assert await sideband.answered() == ANSWER
            assert sip.voice_packets() > before + SPOKEN_PACKETS
            await phone.end_call()


async def test_a_call_is_transferred(
    sip: SipDeployment, tmp_path: Path, microphone: Samples
) -> None:
    colleague = Account("bob", answers=True)
    async with (
        baresip(tmp_path, colleague, rhythm()) as other,
        called(sip, tmp_path, "transfer", microphone) as phone,
    ):
        incoming = await sip.application.incoming("transfer")
        async with sip.application.taken(incoming) as sideband:
            await phone.event("CALL_ESTABLISHED")
            calls = sip.application.client().realtime.calls
            await calls.refer(incoming.data.call_id, target_uri=other.uri)
            await other.event("CALL_ESTABLISHED")
            await sideband.ended()
        await asyncio.sleep(1.0)
        assert audible(await phone.hang_up())


async def test_who_hangs_up_in_the_middle_of_an_answer_leaves_nothing(
    sip: SipDeployment, tmp_path: Path, speaker: Speaker
) -> None:
    asks = np.concatenate([silence(0.5), speaker.say(LONG_QUESTION)])
    async with called(sip, tmp_path, "agent", asks) as phone:
        await phone.event("CALL_ESTABLISHED")
        wait_until(lambda: sip.sessions() == 1, "the session")
        await phone.event("CALL_RTPESTAB")
        await asyncio.sleep(3.5)
        assert audible(await phone.hang_up())
    wait_until(lambda: sip.calls() == 0, "the call's end")
    wait_until(lambda: sip.sessions() == 0, "the session's end")
    wait_until(lambda: sip.flows() == 0, "the flow's end")


async def test_who_hangs_up_while_it_rings_leaves_nothing(
    sip: SipDeployment, tmp_path: Path, microphone: Samples
) -> None:
    async with called(sip, tmp_path, "impatient", microphone) as phone:
        await sip.application.incoming("impatient")
        await phone.event("CALL_RINGING")
        phone.command("hangup")
        await phone.event("CALL_CLOSED")
    wait_until(lambda: sip.calls() == 0 and sip.sessions() == 0, "the end")


async def test_the_application_hangs_up(
    sip: SipDeployment, tmp_path: Path, microphone: Samples
) -> None:
    async with called(sip, tmp_path, "enough", microphone) as phone:
        incoming = await sip.application.incoming("enough")
        async with sip.application.taken(incoming) as sideband:
            await phone.event("CALL_ESTABLISHED")
            await sip.application.client().realtime.calls.hangup(incoming.data.call_id)
            await phone.event("CALL_CLOSED")
            await sideband.ended()


async def test_a_registered_phone_calls_and_is_called(
    sip: SipDeployment, tmp_path: Path, microphone: Samples
) -> None:
    registered = Account("alice", "tcp", registrar=sip.address, answers=True)
    async with baresip(tmp_path, registered, microphone) as phone:
        await phone.registered()
        call_id = await sip.application.place({"to": "alice"})
        async with sip.application.beside(call_id) as sideband:
            assert await sideband.answered() == ANSWER
            heard = await phone.hang_up()
            await sideband.ended()
    assert same_words(await sip.application.spoken(QUESTION), heard)


async def test_a_wrong_password_registers_nobody(
    sip: SipDeployment, tmp_path: Path, microphone: Samples
) -> None:
    guesser = Account(registrar=sip.address, password="guessed")
    async with baresip(tmp_path, guesser, microphone) as phone:
        await phone.peer.says("401 Unauthorized")


async def test_the_agent_calls_a_trunk(
    sip: SipDeployment, tmp_path: Path, microphone: Samples
) -> None:
    answering = Account("bob", answers=True, port=sip.exchange_port)
    async with baresip(tmp_path, answering, microphone) as phone:
        call_id = await sip.application.place({"to": "bob", "trunk": "exchange"})
        async with sip.application.beside(call_id) as sideband:
            await phone.event("CALL_ESTABLISHED")
            assert await sideband.answered() == ANSWER
            await sip.application.client().realtime.calls.hangup(call_id)
            await phone.event("CALL_CLOSED")
    assert same_words(await sip.application.spoken(QUESTION), phone.heard())
