"""Calls with aiortc, a WebRTC stack that is not ours, through all three tiers."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from antiphon import call as call_command
from antiphon.call import session_config, voice_to_voice_ms
from antiphon.realtime_call import RealtimeCall, TimedEvent
from antiphon.turn_report import PARTS, Turn, latency_account
from antiphon.wav import RATE, read_wav, write_wav
from tests.e2e.bursts import ONSETS_S, distances, onsets, rhythm
from tests.e2e.running_deployment import RunningDeployment
from tests.e2e.speech import Speaker, silence

pytestmark = pytest.mark.calm

QUESTION = "what is twelve plus thirty"
LONG_QUESTION = "what can you do"
ANSWER_S = 20.0
RHYTHM_TOLERANCE_S = 0.06


async def place(call: RealtimeCall, deployment: RunningDeployment, model: str | None) -> None:
    await call.place(deployment.url, deployment.api_key, session_config(model))


async def echo_onsets(deployment: RunningDeployment) -> tuple[list[float], RealtimeCall]:
    """Where the rhythm's bursts came back, in seconds since it was begun."""
    async with RealtimeCall() as call:
        await place(call, deployment, "echo")
        utterance = call.microphone.say(rhythm())
        await utterance.finished.wait()
        await asyncio.sleep(0.5)
        assert utterance.started_at is not None
        now = asyncio.get_running_loop().time()
        return onsets(call.heard.recording(utterance.started_at, now)), call


def assert_in_place(found: list[float]) -> None:
    assert distances(found) == pytest.approx(distances(list(ONSETS_S)), abs=RHYTHM_TOLERANCE_S), (
        found
    )
    assert 0 <= found[0] - ONSETS_S[0] < 0.6


async def test_calls_of_both_owners_behind_one_relay(deployment: RunningDeployment) -> None:
    """The kernel spreads connections over the workers; a few calls reach both.

    Before the tests of rhythm: other processes still start their deployments now.
    """
    before, forwarded_before = opened_by_worker(deployment), forwarded_speech(deployment)
    for _ in range(5):
        echoes = await asyncio.gather(*(echo_onsets(deployment) for _ in range(3)))
        for found, _ in echoes:
            assert found, "no echo was heard"
        if all(now > then for now, then in zip(opened_by_worker(deployment), before, strict=True)):
            break
    else:
        pytest.fail("all calls went to one worker")
    assert forwarded_speech(deployment) > forwarded_before


async def test_an_echo_comes_back_with_its_bursts_in_place(deployment: RunningDeployment) -> None:
    found, _ = await echo_onsets(deployment)
    assert_in_place(found)


async def test_two_calls_at_once_through_the_one_public_port(
    deployment: RunningDeployment,
) -> None:
    (first, one), (second, other) = await asyncio.gather(
        echo_onsets(deployment), echo_onsets(deployment)
    )
    assert_in_place(first)
    assert_in_place(second)
    assert one.call_id != other.call_id


def forwarded_speech(deployment: RunningDeployment) -> float:
    samples = deployment.metrics("relay")
    return samples['antiphon_relay_forwarded_packets_total{direction="to_owner",kind="rtp"}']


def opened_by_worker(deployment: RunningDeployment) -> list[float]:
    return [
        samples["antiphon_transceiver_calls_opened_total"]
        for samples in deployment.metrics_by_process("transceiver")
    ]


async def test_a_spoken_question_gets_its_spoken_answer(
    deployment: RunningDeployment, speaker: Speaker
) -> None:
    async with RealtimeCall() as call:
        await place(call, deployment, None)
        call.microphone.say(speaker.say(QUESTION))
        asked = await call.event(
            "conversation.item.input_audio_transcription.completed", timeout_s=ANSWER_S
        )
        answered = await call.event("response.output_audio_transcript.done", timeout_s=ANSWER_S)
        done = await call.event("response.done", timeout_s=ANSWER_S)
        await call.event("output_audio_buffer.stopped", timeout_s=ANSWER_S)
        created = call.find("response.created")
        assert created is not None
        assert "twelve plus thirty" in asked.event["transcript"].lower()
        assert says_42(answered.event["transcript"])
        response = done.event["response"]
        assert response["status"] == "completed"
        assert_spoken(call, created)
        assert_accounted(call, created, response["metadata"])


def says_42(text: str) -> bool:
    return "42" in text or "forty two" in text.lower().replace("-", " ")


def assert_spoken(call: RealtimeCall, created: TimedEvent) -> None:
    audible = [frame for frame in call.heard.frames if frame.audible]
    assert sum(len(frame.samples) for frame in audible) > RATE // 2
    assert audible[0].arrived_at >= created.at - 0.5


def assert_accounted(call: RealtimeCall, created: TimedEvent, metadata: dict[str, str]) -> None:
    account = latency_account(metadata)
    assert set(account) == {"total", *PARTS}
    parts = sum(ms for name, ms in account.items() if name != "total")
    assert parts == pytest.approx(account["total"], abs=len(PARTS))
    measured = voice_to_voice_ms(call, Turn(created.event["response"]["id"], created.at - 0.5))
    # One clock hears the caller's side, the other the server's: they agree, not more.
    assert measured == pytest.approx(account["total"], abs=250)


async def test_speech_over_the_answer_stops_it(
    deployment: RunningDeployment, speaker: Speaker
) -> None:
    async with RealtimeCall() as call:
        await place(call, deployment, None)
        call.microphone.say(speaker.say(LONG_QUESTION))
        await call.event("output_audio_buffer.started", timeout_s=ANSWER_S)
        await asyncio.sleep(0.8)
        barge_in = call.microphone.say(np.concatenate([speaker.say(QUESTION), silence(0.5)]))
        cleared = await call.event("output_audio_buffer.cleared", timeout_s=ANSWER_S)
        done = await call.event("response.done", timeout_s=ANSWER_S)
        truncated = await call.event("conversation.item.truncated", timeout_s=ANSWER_S)
        assert barge_in.started_at is not None
        response = done.event["response"]
        assert response["status"] == "cancelled"
        assert response["status_details"]["reason"] == "turn_detected"
        await assert_silenced(call, barge_in.started_at, cleared.at)
        assert_truncated_at_what_was_heard(call, cleared.at, truncated.event["audio_end_ms"])


async def assert_silenced(call: RealtimeCall, began_at: float, cleared_at: float) -> None:
    """Well before the answer's natural end; how fast is for the benchmark to say."""
    assert cleared_at - began_at < 1.5
    answers_again = await call.event(
        "output_audio_buffer.started",
        since=len([event for event in call.events if event.at <= cleared_at]),
        timeout_s=ANSWER_S,
    )
    late = [
        frame.arrived_at - cleared_at
        for frame in call.heard.frames
        if frame.audible and cleared_at + 0.25 < frame.arrived_at < answers_again.at - 0.25
    ]
    assert late == []


def assert_truncated_at_what_was_heard(
    call: RealtimeCall, cleared_at: float, audio_end_ms: int
) -> None:
    """Silence came before it was clear that the answer is over, but for its own pauses."""
    heard = [
        frame.arrived_at
        for frame in call.heard.frames
        if frame.audible and frame.arrived_at <= cleared_at + 0.1
    ]
    assert audio_end_ms == pytest.approx((heard[-1] - heard[0]) * 1000, abs=400)


async def test_the_call_command_records_question_and_answer(
    deployment: RunningDeployment,
    speaker: Speaker,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    question, answer = tmp_path / "question.wav", tmp_path / "answer.wav"
    write_wav(question, np.concatenate([silence(0.3), speaker.say(QUESTION), silence(0.3)]))
    argv = (f"--wav={question}", f"--out={answer}", f"--url={deployment.url}")
    environ = {"ANTIPHON_API_KEY": deployment.api_key}
    code = await asyncio.to_thread(call_command.run, argv, environ)
    printed = capsys.readouterr()
    assert (code, printed.err) == (0, "")
    lines = dict(line.split(": ", 1) for line in printed.out.splitlines())
    assert "twelve plus thirty" in lines["caller"].lower()
    assert says_42(lines["agent"])
    assert lines["turn"].startswith("voice to voice ")
    assert "the server's account" in lines["turn"]
    recording = read_wav(answer)
    spoken_from = onsets(recording)[0]
    assert spoken_from > len(speaker.say(QUESTION)) / RATE
