"""Whole conversations through the trunk, with servers that hear and speak, and with dead ones."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime

import grpc
import pytest
import pytest_asyncio

from antiphon_proto.audio_block import AudioFrame, pack_frames, unpack_frames
from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.inference.v1 import inference_pb2_grpc as pb_grpc
from chassis.host_port import HostPort
from inference.admission import Admission
from inference.config import AsrProtocol, InferenceConfig, TtsFallback
from inference.engines.cascade.answer import HEARING_APOLOGY, VOICE_APOLOGY
from inference.engines.cascade.brain.rules import Rules
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.engine import CascadeEngine
from inference.engines.speech_sources import recogniser, synthesiser
from inference.server import serve_trunks
from inference.servicer import InferenceServicer
from inference.trunk_counters import TrunkCounters
from tests.inference.engines.cascade.servers.model_servers import (
    Misbehave,
    ModelServers,
    breaks_off,
    gives,
)
from tests.inference.user_voice import UserVoice

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUESTION = "what is twelve plus thirty"
ANSWER = "Twelve plus thirty is forty two."
TIMEOUT_S = 15.0
FRAME_BYTES = 640


class Conversation:
    """A transceiver's end of a trunk with sessions 1, 2, ..."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._trunk = pb_grpc.InferenceStub(channel).Trunk()
        self._events: list[pb.Event] = []
        self._frames: list[AudioFrame] = []
        self._positions: dict[int, int] = {}

    async def open(self, session: int) -> None:
        config = pb.SessionConfig(
            voice="alloy",
            turn_detection=pb.TurnDetection(silence_duration_ms=500, create_response=True),
            transcription=pb.Transcription(),
            output_credit_ms=60_000,
        )
        opened = pb.Open(config=config, model="cascade")
        await self._trunk.write(pb.Uplink(commands=[pb.Command(session=session, open=opened)]))

    async def ask(self, session: int, pcm: bytes) -> pb.Done:
        """Speak, have what was heard answered, and wait for the answer's end."""
        ended, done = self._count("turn_ended", session), self._count("done", session)
        for start in range(0, len(pcm), FRAME_BYTES):
            frame = pcm[start : start + FRAME_BYTES]
            position = self._positions.get(session, 0)
            self._positions[session] = position + len(frame) // 2
            await self._trunk.write(pb.Uplink(audio=pack_frames([(session, position, frame)])))
        await self._until(lambda: self._count("turn_ended", session) > ended)
        number = done + 1
        commit = pb.Commit(item_id=f"user-{number}")
        respond = pb.Respond(response=number, item_id=f"agent-{number}")
        await self._trunk.write(
            pb.Uplink(
                commands=[
                    pb.Command(session=session, commit=commit),
                    pb.Command(session=session, respond=respond),
                ]
            )
        )
        await self._until(lambda: self._count("done", session) > done)
        return self.all("done", session)[-1].done

    def all(self, kind: str, session: int) -> list[pb.Event]:
        return [
            event
            for event in self._events
            if event.session == session and event.WhichOneof("kind") == kind
        ]

    def text(self, session: int) -> str:
        return "".join(event.text_delta.text for event in self.all("text_delta", session))

    def errors(self, session: int) -> list[str]:
        return [event.error.code for event in self.all("error", session)]

    def audio_s(self, session: int) -> float:
        return sum(len(f.pcm) for f in self._frames if f.session == session) / 48_000

    def _count(self, kind: str, session: int) -> int:
        return len(self.all(kind, session))

    async def _until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while not condition():
                message = await self._trunk.read()
                assert message is not grpc.aio.EOF
                self._events += message.events
                self._frames += unpack_frames(message.audio)


@pytest_asyncio.fixture(loop_scope="session")
async def conversation(
    request: pytest.FixtureRequest, servers: ModelServers, cascade_counters: CascadeCounters
) -> AsyncIterator[Conversation]:
    """With an engine whose speech is the servers', by the settings that the test is given."""
    config = InferenceConfig(
        asr_url=(servers.url,),
        asr_model="asr",
        tts_url=(servers.url,),
        tts_model="tts",
        **getattr(request, "param", {}),
    )
    engine = CascadeEngine(
        Rules(lambda: datetime(2026, 11, 21, 15, 5), time.monotonic),
        recogniser(config, cascade_counters),
        synthesiser(config, cascade_counters),
        cascade_counters,
    )
    await engine.start()
    servicer = InferenceServicer([engine], Admission(4), TrunkCounters(), lambda done: None)
    server, address = await serve_trunks(HostPort("127.0.0.1", 0), servicer)
    async with grpc.aio.insecure_channel(str(address)) as channel:
        conversation = Conversation(channel)
        await conversation.open(1)
        await conversation.open(2)
        yield conversation
    await server.stop(0)
    await engine.close()


@pytest.mark.parametrize(
    "conversation",
    [{"asr_protocol": protocol} for protocol in AsrProtocol],
    indirect=True,
)
async def test_servers_hear_and_speak(
    conversation: Conversation, user: UserVoice, cascade_counters: CascadeCounters
) -> None:
    done = await conversation.ask(1, user.say(QUESTION))
    assert (conversation.text(1), done.status) == (ANSWER, pb.Done.STATUS_COMPLETED)
    assert conversation.audio_s(1) == pytest.approx(2.0, abs=0.5)
    assert conversation.all("input_transcript", 1)[-1].input_transcript.text == QUESTION
    await conversation.ask(1, user.say("spell cat"))
    assert conversation.text(1) == f"{ANSWER}Cat is spelled C, A, T."
    assert conversation.errors(1) == []
    assert cascade_counters.speech_servers.asr_utterances >= 2
    assert cascade_counters.speech_servers.tts_pieces >= 2


async def test_a_dead_recogniser_is_apologised_for_on_the_session_that_asks(
    conversation: Conversation, servers: ModelServers, user: UserVoice
) -> None:
    servers.misbehave_at = {"/v1/audio/transcriptions": gives(b"oops", "text/html")}
    done = await conversation.ask(1, user.say(QUESTION))
    assert (conversation.text(1), done.status) == (HEARING_APOLOGY, pb.Done.STATUS_FAILED)
    assert conversation.errors(1) == ["recognition_failed"]
    assert conversation.audio_s(1) > 1

    servers.misbehave_at = {}
    await conversation.ask(2, user.say(QUESTION))
    assert (conversation.text(2), conversation.errors(2)) == (ANSWER, [])


@pytest.mark.parametrize("misbehave", [gives(b"", status=500), breaks_off(bytes(9600))])
async def test_a_dead_voice_is_apologised_for_by_the_embedded_one(
    conversation: Conversation,
    servers: ModelServers,
    user: UserVoice,
    cascade_counters: CascadeCounters,
    misbehave: Misbehave,
) -> None:
    servers.misbehave_at = {"/v1/audio/speech": misbehave}
    done = await conversation.ask(1, user.say(QUESTION))
    assert (conversation.text(1), done.status) == (
        f"{ANSWER} {VOICE_APOLOGY}",
        pb.Done.STATUS_FAILED,
    )
    assert conversation.errors(1) == ["synthesis_failed"]
    assert conversation.audio_s(1) > 2
    assert cascade_counters.speech_servers.tts_fallbacks == 1

    servers.misbehave_at = {}
    await conversation.ask(2, user.say(QUESTION))
    assert (conversation.text(2), conversation.errors(2)) == (ANSWER, [])


@pytest.mark.parametrize("conversation", [{"tts_fallback": TtsFallback.ANSWER}], indirect=True)
async def test_the_embedded_voice_gives_the_answer(
    conversation: Conversation, servers: ModelServers, user: UserVoice
) -> None:
    servers.misbehave_at = {"/v1/audio/speech": gives(b"", status=500)}
    done = await conversation.ask(1, user.say(QUESTION))
    assert (conversation.text(1), done.status) == (ANSWER, pb.Done.STATUS_COMPLETED)
    assert conversation.errors(1) == ["synthesis_failed"]
    assert conversation.audio_s(1) == pytest.approx(2.0, abs=0.5)


async def test_nothing_hears_and_no_server_speaks(
    conversation: Conversation, servers: ModelServers, user: UserVoice
) -> None:
    servers.misbehave = gives(b"", status=500)
    done = await conversation.ask(1, user.say(QUESTION))
    assert (conversation.text(1), done.status) == (HEARING_APOLOGY, pb.Done.STATUS_FAILED)
    assert conversation.errors(1) == ["recognition_failed", "synthesis_failed"]
    assert conversation.audio_s(1) > 1
