"""Calls with Pion: ICE, DTLS, SRTP and SCTP of which none is OpenSSL's, libwebrtc's or aiortc's."""

import contextlib
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from antiphon.wav import Samples
from tests.e2e.encoded_audio import OPUS, PCMA, PCMU, RtpCodec, decoded, encoded, likeness
from tests.e2e.pion_call import PION_IS_HERE, PionCall, build, pion_call
from tests.e2e.running_deployment import RunningDeployment, wait_until
from tests.e2e.speech import Speaker, silence

pytestmark = [
    pytest.mark.calm,
    pytest.mark.skipif(
        not PION_IS_HERE,
        reason="no Pion: Debian's packages golang-go and golang-github-pion-webrtc.v3-dev",
    ),
]

QUESTION = "what is twelve plus thirty"
ECHO_DELAY_S = 0.6
ALIKE = 0.75
"""Speech that two codecs had in hand is at 0.9, and other speech at 0.35."""

Placed = Callable[..., contextlib.AbstractAsyncContextManager[PionCall]]


@pytest.fixture(scope="session")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("pion"))


@pytest.fixture
def placed(caller: Path, deployment: RunningDeployment, tmp_path: Path) -> Placed:
    """A call with these flags of the program, to the echo unless another model is named."""

    def place(
        *flags: str, model: str | None = "echo"
    ) -> contextlib.AbstractAsyncContextManager[PionCall]:
        return pion_call(caller, deployment, tmp_path, *flags, model=model)

    return place


async def echo_of(call: PionCall, said: Samples, codec: RtpCodec = OPUS) -> Samples:
    """What comes back of speech, until a while after its end."""
    before = len(call.reports)
    call.speak(encoded(np.concatenate([said, silence(ECHO_DELAY_S)]), codec))
    await call.report("spoken", since=before)
    return decoded(call.heard(since=before), codec)


@pytest.mark.parametrize(
    ("codec", "flags", "our_role"),
    [
        (OPUS, ["--setup=actpass", "--srtp=sha1"], "active"),
        (OPUS, ["--setup=active", "--srtp=gcm", "--data-first"], "passive"),
        (PCMU, ["--codec=PCMU", "--setup=passive", "--srtp=gcm"], "active"),
        (PCMA, ["--codec=PCMA", "--setup=active", "--srtp=sha1"], "passive"),
    ],
    ids=["opus-dtls-server", "opus-dtls-client", "pcmu-dtls-server", "pcma-dtls-client"],
)
async def test_speech_comes_back(
    placed: Placed, speaker: Speaker, codec: RtpCodec, flags: list[str], our_role: str
) -> None:
    said = speaker.say(QUESTION)
    async with placed(*flags) as call:
        answer = await call.report("answer")
        assert set(re.findall(r"a=setup:(\w+)", answer["sdp"])) == {our_role}
        await call.report("dtls", state="connected")
        assert likeness(said, await echo_of(call, said, codec)) > ALIKE


async def test_a_spoken_question_gets_its_spoken_answer(placed: Placed, speaker: Speaker) -> None:
    async with placed(model=None) as call:
        call.speak(encoded(np.concatenate([speaker.say(QUESTION), silence(1.5)]), OPUS))
        asked = await call.event("conversation.item.input_audio_transcription.completed")
        answered = await call.event("response.output_audio_transcript.done")
        await call.event("output_audio_buffer.stopped")
        assert "twelve plus thirty" in asked["transcript"].lower()
        assert re.search("42|forty.two", answered["transcript"].lower())
        assert np.abs(decoded(call.heard(), OPUS)).max() > 1000


async def test_a_message_of_many_packets_goes_both_ways(placed: Placed) -> None:
    instructions = "Be brief. " * 5000
    async with placed() as call:
        call.send(
            {
                "type": "session.update",
                "session": {"type": "realtime", "instructions": instructions},
            }
        )
        updated = await call.event("session.updated")
        assert updated["session"]["instructions"] == instructions


async def test_many_messages_keep_their_order(placed: Placed) -> None:
    said = [f"message {number}" for number in range(300)]
    async with placed() as call:
        for text in said:
            content = [{"type": "input_text", "text": text}]
            item = {"type": "message", "role": "user", "content": content}
            call.send({"type": "conversation.item.create", "item": item})
        call.send({"type": "session.update", "session": {"type": "realtime"}})
        await call.event("session.updated")
        events = [report["event"] for report in call.all("event")]
    added = [event["item"] for event in events if event["type"] == "conversation.item.added"]
    assert [item["content"][0]["text"] for item in added] == said


async def test_pion_is_told_when_the_server_hangs_up(
    placed: Placed, deployment: RunningDeployment
) -> None:
    async with placed() as call:
        answer = await call.report("answer")
        request = urllib.request.Request(
            f"{answer['resource']}/hangup",
            method="POST",
            headers={"Authorization": f"Bearer {deployment.api_key}"},
        )
        urllib.request.urlopen(request, timeout=10).close()
        await call.report("data", state="closed")


async def test_the_server_is_told_when_pion_hangs_up(
    placed: Placed, deployment: RunningDeployment
) -> None:
    def closed() -> float:
        name = 'antiphon_transceiver_calls_closed_total{reason="dtls_closed"}'
        return deployment.metrics("transceiver")[name]

    before = closed()
    async with placed():
        pass
    wait_until(lambda: closed() == before + 1, "the call closed by its client")


async def test_feedback_and_repair_tell_the_packets_that_were_lost(
    placed: Placed, deployment: RunningDeployment, speaker: Speaker
) -> None:
    def recovered_s() -> float:
        name = 'antiphon_transceiver_audio_seconds_total{origin="recovered"}'
        return deployment.metrics("transceiver")[name]

    before = recovered_s()
    said = speaker.say("what can you do, and what is twelve plus thirty")
    async with placed("--drop=0.05", "--transport-feedback") as call:
        heard = await echo_of(call, said)
        await call.report("feedback", since=len(call.reports))
        last = call.all("feedback")[-1]["received"][-1]
        dropped, sent = numbers(call, "dropped", last), numbers(call, "sent", last)
        assert likeness(said, heard) > ALIKE
    told = call.all("feedback")
    assert dropped
    assert {number for each in told for number in each["missing"] if number <= last} == dropped
    assert {number for each in told for number in each["received"] if number <= last} == sent
    assert recovered_s() - before == pytest.approx(0.02 * len(dropped), abs=0.021)


def numbers(call: PionCall, kind: str, last: int) -> set[int]:
    """The transport-wide sequence numbers, up to `last`, of packets that were sent or dropped."""
    return {each["transport_sequence"] for each in call.all(kind)} & set(range(last + 1))


async def test_a_call_goes_on_after_an_ice_restart(placed: Placed, speaker: Speaker) -> None:
    said = speaker.say(QUESTION)
    async with placed() as call:
        assert likeness(said, await echo_of(call, said)) > ALIKE
        before = len(call.reports)
        call.restart_ice()
        await call.report("answer", since=before)
        await call.report("ice", since=before, state="connected")
        assert likeness(said, await echo_of(call, said)) > ALIKE
        ufrags = {re.findall(r"a=ice-ufrag:(\S+)", each["sdp"])[0] for each in call.all("answer")}
        assert len(ufrags) == 2
