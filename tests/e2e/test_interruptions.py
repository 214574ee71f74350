"""Speech over an answer, through all tiers: a listener's noise, and a real interruption."""

import asyncio
import itertools

import numpy as np
import pytest

from antiphon.call import session_config
from antiphon.realtime_call import RealtimeCall, TimedEvent
from antiphon.wav import Samples
from tests.e2e.running_deployment import RunningDeployment
from tests.e2e.speech import Speaker, silence

pytestmark = pytest.mark.calm

LONG_QUESTION = "what can you do"
LISTENING = "um hum"
"""As espeak-ng has to be told to say "mm-hm"."""
INTERRUPTION = "stop, what time is it"
WAIT_S = 20.0
SPEAKS_FOR_S = 1.5
PAUSE_S = 0.35
"""Longer than the answer's own pauses."""


async def interrupted(call: RealtimeCall, deployment: RunningDeployment, speaker: Speaker) -> str:
    """The id of the answer that is being spoken."""
    await call.place(deployment.url, deployment.api_key, session_config(None))
    call.microphone.say(speaker.say(LONG_QUESTION))
    started = await call.event("output_audio_buffer.started", timeout_s=WAIT_S)
    await asyncio.sleep(SPEAKS_FOR_S)
    response_id: str = started.event["response_id"]
    return response_id


async def over_the_answer(call: RealtimeCall, speech: Samples) -> TimedEvent:
    """Say it; the event that says that it was heard."""
    since = len(call.events)
    call.microphone.say(np.concatenate([speech, silence(1.5)]))
    return await call.event("input_audio_buffer.speech_started", since=since, timeout_s=WAIT_S)


def pauses(call: RealtimeCall, since: float) -> list[float]:
    """How long nothing was heard between two audible frames, from a little before `since`."""
    heard = [f.arrived_at for f in call.heard.frames if f.audible and f.arrived_at > since - 0.3]
    return [after - before for before, after in itertools.pairwise(heard)]


async def test_a_listener_who_follows_hears_the_whole_answer(
    deployment: RunningDeployment, speaker: Speaker
) -> None:
    async with RealtimeCall() as call:
        response_id = await interrupted(call, deployment, speaker)
        spoke = await over_the_answer(call, speaker.say(LISTENING))
        stopped = await call.event("output_audio_buffer.stopped", timeout_s=WAIT_S)
        done = await call.event("response.done", timeout_s=WAIT_S)
        assert stopped.event["response_id"] == done.event["response"]["id"] == response_id
        assert done.event["response"]["status"] == "completed"
        assert max(pauses(call, spoke.at)) > PAUSE_S
        committed = [e for e in call.events if e.event["type"] == "input_audio_buffer.committed"]
        assert len(committed) == 1
        assert call.find("conversation.item.truncated") is None


async def test_who_means_it_is_answered(deployment: RunningDeployment, speaker: Speaker) -> None:
    async with RealtimeCall() as call:
        response_id = await interrupted(call, deployment, speaker)
        await over_the_answer(call, speaker.say(INTERRUPTION))
        cleared = await call.event("output_audio_buffer.cleared", timeout_s=WAIT_S)
        assert cleared.event["response_id"] == response_id
        truncated = await call.event("conversation.item.truncated", timeout_s=WAIT_S)
        whole = await call.event("response.output_audio_transcript.done", timeout_s=WAIT_S)
        item_id = truncated.event["item_id"]
        call.send({"type": "conversation.item.retrieve", "item_id": item_id})
        retrieved = await call.event("conversation.item.retrieved", timeout_s=WAIT_S)
        (part,) = retrieved.event["item"]["content"]
        assert_whole_words(part["transcript"], whole.event["transcript"])

        answered = await call.event(
            "output_audio_buffer.started",
            since=call.events.index(cleared),
            timeout_s=WAIT_S,
        )
        assert answered.event["response_id"] != response_id


def assert_whole_words(heard: str, whole: str) -> None:
    """A beginning of what was said, and not all of it."""
    assert 0 < len(heard.split()) < len(whole.split())
    assert heard.split() == whole.split()[: len(heard.split())]
