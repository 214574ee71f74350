"""Sessions over WebSockets, as OpenAI's own client for Python holds them, through all tiers."""

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.realtime import RealtimeServerEvent
from websockets.exceptions import ConnectionClosed

from antiphon.wav import Samples
from tests.e2e.running_deployment import RunningDeployment
from tests.e2e.speech import Speaker, silence
from tests.e2e.tier_process import Replica, Transceiver
from tests.inference.engines.cascade.brain.chat_server import (
    ChatServer,
    call,
    chat_server,
    finish,
    text,
)
from transceiver.audio.format import Codec
from transceiver.audio.g711 import G711Decoder, G711Encoder

PATIENCE_S = 30.0
QUESTION = "what time is it"
LONG_QUESTION = "what can you do"
PNG = "data:image/png;base64,iVBORw0KGgo="
MANUAL = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}


def pcm(samples: Samples) -> bytes:
    """At 24 kHz; a voice of 22 kHz has nothing to lose by it."""
    return samples[::2].astype("<i2").tobytes()


def pcmu(samples: Samples) -> bytes:
    averaged = samples[: len(samples) // 6 * 6].reshape(-1, 6).mean(axis=1)
    return G711Encoder(Codec.PCMU).encode(averaged.astype("<i2").tobytes())


@dataclass
class Session:
    connection: AsyncRealtimeConnection
    events: list[RealtimeServerEvent] = field(default_factory=list)

    async def event(self, type_: str) -> Any:
        """The next one of the type."""
        while True:
            event = await self.connection.recv()
            self.events.append(event)
            if event.type == type_:
                return event

    async def say(self, audio: bytes, piece: int = 9600) -> None:
        for start in range(0, len(audio), piece):
            encoded = b64encode(audio[start : start + piece]).decode()
            await self.connection.input_audio_buffer.append(audio=encoded)

    async def write(self, words: str, *images: str) -> None:
        parts = [{"type": "input_text", "text": words}]
        parts += [{"type": "input_image", "image_url": url} for url in images]
        item = {"type": "message", "role": "user", "content": parts}
        await self.connection.conversation.item.create(item=item)

    def types(self) -> set[str]:
        return {event.type for event in self.events}

    def audio(self) -> bytes:
        """What the client would play."""
        deltas = [e.delta for e in self.events if e.type == "response.output_audio.delta"]
        return b"".join(map(b64decode, deltas))

    async def answers(self) -> None:
        """It still does what it is asked."""
        await self.connection.input_audio_buffer.clear()
        await self.event("input_audio_buffer.cleared")


@asynccontextmanager
async def session(
    url: str, key: str, config: dict[str, Any] | None = None
) -> AsyncIterator[Session]:
    client = AsyncOpenAI(base_url=f"{url}/v1", api_key=key)
    async with asyncio.timeout(PATIENCE_S), client.realtime.connect(model="gpt-realtime") as made:
        opened = Session(made)
        assert (await made.recv()).type == "session.created"
        if config is not None:
            await made.session.update(session=config)
            await opened.event("session.updated")
        yield opened


def loud(audio: bytes) -> bool:
    return np.abs(np.frombuffer(audio, "<i2").astype(int)).max() > 2000


async def test_a_spoken_question_is_answered(
    deployment: RunningDeployment, speaker: Speaker
) -> None:
    owner = AsyncOpenAI(base_url=f"{deployment.url}/v1", api_key=deployment.api_key)
    transcription = {"audio": {"input": {"transcription": {"model": "any"}}}}
    secret = await owner.realtime.client_secrets.create(
        session={"type": "realtime", **transcription}
    )
    async with session(deployment.url, secret.value) as caller:
        await caller.say(pcm(np.concatenate([speaker.say(QUESTION), silence(1.5)])))
        done = await caller.event("response.done")
        if "conversation.item.input_audio_transcription.completed" not in caller.types():
            await caller.event("conversation.item.input_audio_transcription.completed")
    completed = [e for e in caller.events if e.type.endswith("transcription.completed")]
    assert [event.transcript for event in completed] == [QUESTION]
    assert done.response.status == "completed"
    assert "antiphon_latency_ms" in done.response.metadata
    [item] = done.response.output
    assert item.content[0].transcript.startswith("It is ")
    assert loud(caller.audio())


async def test_a_telephones_audio_goes_both_ways(
    deployment: RunningDeployment, speaker: Speaker
) -> None:
    side = {"format": {"type": "audio/pcmu"}}
    config = {"type": "realtime", "audio": {"input": side, "output": side}}
    async with session(deployment.url, deployment.api_key, config) as caller:
        await caller.say(pcmu(np.concatenate([speaker.say(QUESTION), silence(1.5)])), 1600)
        await caller.event("input_audio_buffer.committed")
        done = await caller.event("response.done")
    # Its band is too narrow for the embedded recogniser to be held to the words.
    assert done.response.status == "completed"
    decoder, sent = G711Decoder(Codec.PCMU), caller.audio()
    assert loud(b"".join(decoder.decode(sent[at : at + 160]) for at in range(0, len(sent), 160)))


async def test_who_speaks_over_an_answer_says_how_much_of_it_was_heard(
    deployment: RunningDeployment, speaker: Speaker
) -> None:
    async with session(deployment.url, deployment.api_key) as caller:
        await caller.write(LONG_QUESTION)
        await caller.connection.response.create()
        answer = (await caller.event("response.done")).response.output[0]
        await caller.say(pcm(np.concatenate([speaker.say("stop"), silence(0.2)])))
        await caller.event("input_audio_buffer.speech_started")
        await caller.connection.conversation.item.truncate(
            item_id=answer.id, content_index=0, audio_end_ms=1200
        )
        await caller.event("conversation.item.truncated")
        await caller.connection.conversation.item.retrieve(item_id=answer.id)
        heard = (await caller.event("conversation.item.retrieved")).item.content[0].transcript
    whole = answer.content[0].transcript
    assert 0 < len(heard) < len(whole)
    assert whole.startswith(heard)


async def test_text_in_and_text_out(deployment: RunningDeployment) -> None:
    config = {"type": "realtime", "output_modalities": ["text"]}
    async with session(deployment.url, deployment.api_key, config) as caller:
        await caller.write("what is two plus three")
        await caller.connection.response.create()
        done = await caller.event("response.done")
    assert "five" in done.response.output[0].content[0].text
    assert caller.audio() == b""


async def test_a_recording_is_committed_by_hand(
    deployment: RunningDeployment, speaker: Speaker
) -> None:
    async with session(deployment.url, deployment.api_key, MANUAL) as caller:
        recording = pcm(np.concatenate([silence(20), speaker.say(QUESTION), silence(0.5)]))
        await caller.say(recording, len(recording))
        await caller.connection.input_audio_buffer.commit()
        await caller.event("input_audio_buffer.committed")
        await caller.connection.response.create()
        done = await caller.event("response.done")
    assert done.response.output[0].content[0].transcript.startswith("It is ")
    assert "input_audio_buffer.speech_started" not in caller.types()


async def test_a_response_is_cancelled(deployment: RunningDeployment) -> None:
    async with session(deployment.url, deployment.api_key) as caller:
        await caller.write("repeat after me " + "the quick brown fox " * 200)
        await caller.connection.response.create()
        await caller.event("response.output_audio.delta")
        await caller.connection.response.cancel()
        done = await caller.event("response.done")
        assert done.response.status == "cancelled"
        assert done.response.status_details.reason == "client_cancelled"
        await caller.connection.response.cancel(event_id="mine")
        error = (await caller.event("error")).error
        assert (error.code, error.event_id) == ("response_cancel_not_active", "mine")


async def test_bad_input_harms_neither_its_session_nor_another(
    deployment: RunningDeployment, speaker: Speaker
) -> None:
    async with (
        session(deployment.url, deployment.api_key, MANUAL) as bad,
        session(deployment.url, deployment.api_key) as good,
    ):
        raw = bad.connection._connection
        for message, code in {
            "{": "invalid_json",
            '{"type": "no.such.event"}': "invalid_value",
            '{"type": "input_audio_buffer.append", "audio": "!"}': "invalid_value",
            json.dumps({"type": "session.update", "session": "x" * 300_000}): "event_too_large",
            " " * (22 << 20): "event_too_large",
        }.items():
            await raw.send(message)
            assert (await bad.event("error")).error.code == code
        flooding = asyncio.create_task(bad.say(bytes(60 * 48_000), 48_000))
        await good.say(pcm(np.concatenate([speaker.say(QUESTION), silence(1.5)])))
        done = await good.event("response.done")
        assert done.response.output[0].content[0].transcript.startswith("It is ")
        await flooding
        await bad.answers()


@asynccontextmanager
async def with_chat_server(
    deployment: RunningDeployment,
) -> AsyncIterator[tuple[ChatServer, Transceiver]]:
    async with chat_server() as server:
        replica = Replica(deployment, f"--llm-url={server.url}", "--llm-model=m")
        transceiver = await asyncio.to_thread(
            lambda: Transceiver(deployment, f"--inference={replica.address}", "--drain-seconds=1")
        )
        try:
            yield server, transceiver
        finally:
            transceiver.end()
            replica.end()


async def test_an_image_is_seen_a_tool_is_called_and_a_drain_ends_the_session(
    deployment: RunningDeployment,
) -> None:
    weather = {
        "type": "function",
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
    config = {"type": "realtime", "tools": [weather], "output_modalities": ["text"]}
    async with with_chat_server(deployment) as (server, transceiver):
        asked = {"name": "weather", "arguments": '{"city": "Rome"}'}
        server.script = [call(0, id="call_1", type="function", function=asked)]
        server.script.append(finish("tool_calls"))
        async with session(transceiver.url, transceiver.api_key, config) as caller:
            await caller.write("How is the weather in Rome?", PNG)
            await caller.connection.response.create()
            arguments = await caller.event("response.function_call_arguments.done")
            assert (arguments.name, json.loads(arguments.arguments)) == (
                "weather",
                {"city": "Rome"},
            )
            await caller.event("response.done")
            server.script = [text("It is sunny in Rome."), finish("stop")]
            seen = server.requests[0]["messages"][-1]["content"]
            assert seen[1] == {"type": "image_url", "image_url": {"url": PNG}}
            output = {"type": "function_call_output", "call_id": arguments.call_id}
            await caller.connection.conversation.item.create(item={**output, "output": "sunny"})
            await caller.connection.response.create()
            done = await caller.event("response.done")
            assert done.response.output[0].content[0].text == "It is sunny in Rome."

            transceiver.process.terminate()
            assert (await caller.event("error")).error.code == "draining"
            with pytest.raises(ConnectionClosed) as closed:
                await caller.event("none")
            assert closed.value.rcvd.code == 1012
