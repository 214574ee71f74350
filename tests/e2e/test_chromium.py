"""Calls with Chromium, the most common client, from the playground page."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import expect

from tests.e2e.browser import CHROMIUM, LEAD_IN_S, BrowserCall, browser_call
from tests.e2e.bursts import ONSETS_S, distances, rhythm
from tests.e2e.running_deployment import RunningDeployment
from tests.e2e.speech import Speaker, silence

pytestmark = [
    pytest.mark.calm,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: Debian's package of that name"),
]

ANSWER_S = 20.0
RHYTHM_TOLERANCE_S = 0.08
AUDIBLE_DB = -45.0


async def test_an_echo_comes_back_with_its_bursts_in_place(
    deployment: RunningDeployment, tmp_path: Path
) -> None:
    microphone = np.concatenate([silence(LEAD_IN_S), rhythm()])
    async with browser_call(deployment, microphone, tmp_path, model="echo") as call:
        found = await call.onsets(len(ONSETS_S))
    assert distances(found) == pytest.approx(distances(list(ONSETS_S)), abs=RHYTHM_TOLERANCE_S), (
        found
    )


async def test_a_spoken_question_gets_its_spoken_answer(
    deployment: RunningDeployment, speaker: Speaker, tmp_path: Path
) -> None:
    microphone = np.concatenate([silence(LEAD_IN_S), speaker.say("what is twelve plus thirty")])
    async with browser_call(deployment, microphone, tmp_path) as call:
        await call.wait_for_event("response.done", timeout_s=ANSWER_S)
        await call.wait_for_event("output_audio_buffer.stopped", timeout_s=ANSWER_S)
        transcripts = {
            event["type"]: event["transcript"].lower()
            for event in (timed["event"] for timed in await call.events())
            if "transcript" in event
        }
        asked = transcripts["conversation.item.input_audio_transcription.completed"]
        assert "twelve plus thirty" in asked
        assert re.search("42|forty.two", transcripts["response.output_audio_transcript.done"])
        assert sound_s(*await call.levels(), audible=True) > 0.5
        await page_shows_the_turn(call)


async def page_shows_the_turn(call: BrowserCall) -> None:
    transcript = call.page.get_by_test_id("transcript")
    await expect(transcript).to_contain_text(re.compile("twelve plus thirty", re.IGNORECASE))
    await expect(transcript).to_contain_text(re.compile("42|forty.two", re.IGNORECASE))
    await expect(call.page.get_by_test_id("latency")).to_contain_text("ms")
    await expect(call.page.get_by_test_id("rtt")).to_contain_text("ms")


async def test_speech_over_the_answer_stops_it(
    deployment: RunningDeployment, speaker: Speaker, tmp_path: Path
) -> None:
    question, barge_in = speaker.say("what can you do"), speaker.say("what is twelve plus thirty")
    pause = silence(4.0)  # the answer has begun and goes on
    microphone = np.concatenate([silence(LEAD_IN_S), question, pause, barge_in])
    async with browser_call(deployment, microphone, tmp_path) as call:
        started = await call.wait_for_event("output_audio_buffer.started", timeout_s=ANSWER_S)
        cleared = await call.wait_for_event("output_audio_buffer.cleared", timeout_s=ANSWER_S)
        done = await call.wait_for_event("response.done", timeout_s=ANSWER_S)
        events = await call.events()
        assert started < cleared
        response = events[done]["event"]["response"]
        assert response["status"] == "cancelled"
        assert response["status_details"]["reason"] == "turn_detected"
        again = await call.wait_for_event(
            "output_audio_buffer.started", after=cleared, timeout_s=ANSWER_S
        )
        assert (await silence_between(call, cleared, again)) > 0.3


async def silence_between(call: BrowserCall, cleared: int, again: int) -> float:
    """Seconds without sound from the agent between the cut answer and the next one."""
    events = await call.events()
    times, levels = await call.levels()
    between = (times > events[cleared]["at"]) & (times < events[again]["at"])
    return sound_s(times[between], levels[between], audible=False)


def sound_s(times: np.ndarray, levels: np.ndarray, *, audible: bool) -> float:
    """For how many seconds something was heard, or else nothing."""
    steps = np.diff(times, prepend=times[:1])
    return float(steps[(levels > AUDIBLE_DB) == audible].sum())
