"""Transcription sessions and idle timeouts through all tiers, as OpenAI's client has them."""

import asyncio

import numpy as np
from openai import AsyncOpenAI

from tests.e2e.running_deployment import RunningDeployment
from tests.e2e.speech import Speaker, silence
from tests.e2e.test_websocket import PATIENCE_S, QUESTION, Session, pcm, session


async def test_a_transcription_session_tells_words_and_never_answers(
    deployment: RunningDeployment, speaker: Speaker
) -> None:
    client = AsyncOpenAI(base_url=f"{deployment.url}/v1", api_key=deployment.api_key)
    connecting = client.realtime.connect(extra_query={"intent": "transcription"})
    async with asyncio.timeout(PATIENCE_S), connecting as made:
        caller = Session(made)
        created = await caller.event("session.created")
        assert created.session.type == "transcription"
        transcription = {"model": "gpt-4o-mini-transcribe", "language": "en"}
        audio = {"input": {"transcription": transcription}}
        await made.session.update(session={"type": "transcription", "audio": audio})
        updated = await caller.event("session.updated")
        assert updated.session.audio.input.transcription.model == "gpt-4o-mini-transcribe"
        for _ in range(2):
            await caller.say(pcm(np.concatenate([speaker.say(QUESTION), silence(1.0)])))
            started = await caller.event("input_audio_buffer.speech_started")
            completed = await caller.event("conversation.item.input_audio_transcription.completed")
            assert completed.item_id == started.item_id
            assert completed.transcript == QUESTION
        deltas = [e for e in caller.events if e.type.endswith("input_audio_transcription.delta")]
        assert {event.item_id for event in deltas} >= {completed.item_id}
        await made.response.create()
        refused = (await caller.event("error")).error
        assert refused.code == "unsupported_in_transcription_session"
        assert "response.created" not in caller.types()


async def test_a_secret_for_transcripts_opens_no_other_session(
    deployment: RunningDeployment,
) -> None:
    owner = AsyncOpenAI(base_url=f"{deployment.url}/v1", api_key=deployment.api_key)
    secret = await owner.realtime.client_secrets.create(session={"type": "transcription"})
    assert secret.session.type == "transcription"
    async with session(deployment.url, secret.value) as caller:
        await caller.connection.session.update(session={"type": "realtime"})
        assert (await caller.event("error")).error.param == "session.type"


async def test_the_agent_asks_whether_somebody_is_there(deployment: RunningDeployment) -> None:
    detection = {"type": "server_vad", "idle_timeout_ms": 1000}
    config = {"type": "realtime", "audio": {"input": {"turn_detection": detection}}}
    async with session(deployment.url, deployment.api_key, config) as caller:
        await caller.write("stop")
        await caller.connection.response.create()
        await caller.event("response.done")
        triggered = await caller.event("input_audio_buffer.timeout_triggered")
        committed = await caller.event("input_audio_buffer.committed")
        done = await caller.event("response.done")
    assert committed.item_id == triggered.item_id
    assert done.response.output[0].content[0].transcript == "Are you still there?"
