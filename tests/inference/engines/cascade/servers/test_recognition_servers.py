"""Utterances at servers of both protocols on real sockets, and at servers that cannot hear."""

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio

from antiphon_proto.trunk import Transcription
from inference.engines.cascade.servers import realtime_transcription, remote_utterance
from inference.engines.cascade.servers import utterance_audio as audio_module
from inference.engines.cascade.servers.counters import SpeechServerCounters
from inference.engines.cascade.servers.realtime_transcription import (
    RealtimeSettings,
    RealtimeTranscriptionServer,
)
from inference.engines.cascade.servers.transcription_server import (
    TranscriptionServer,
    TranscriptionSettings,
)
from inference.engines.cascade.speech_recognition import (
    RecognitionError,
    RecognitionSource,
    RecognitionStream,
)
from inference.model_server.counters import ModelServerCounters, Outcome, ServerKind
from inference.model_server.http_client import ServerAccess
from tests.inference.engines.cascade.servers.model_servers import (
    Misbehave,
    ModelServers,
    breaks_off,
    drips,
    gives,
    says_nothing,
    socket_says,
)
from tests.inference.user_voice import UserVoice

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUESTION = "what is twelve plus thirty"
SECOND = bytes(32_000)
TIMEOUT_S = 5.0
SOON_S = 1.5
"""For servers that say nothing, and long enough for one that answers on a busy machine."""
CREATED = '{"type": "session.created"}'


def posted(
    access: ServerAccess,
    servers: ModelServerCounters,
    speech: SpeechServerCounters,
    timeout_s: float = TIMEOUT_S,
) -> TranscriptionServer:
    settings = TranscriptionSettings(model="asr", timeout_s=timeout_s, partial_interval_s=0.5)
    return TranscriptionServer(access, settings, servers, speech)


def streamed(
    access: ServerAccess,
    servers: ModelServerCounters,
    speech: SpeechServerCounters,
    timeout_s: float = TIMEOUT_S,
) -> RealtimeTranscriptionServer:
    settings = RealtimeSettings(model="asr", timeout_s=timeout_s)
    return RealtimeTranscriptionServer(access, settings, servers, speech)


@pytest_asyncio.fixture(params=[posted, streamed], loop_scope="session")
async def source(
    request: pytest.FixtureRequest,
    access: ServerAccess,
    server_counters: ModelServerCounters,
    speech_counters: SpeechServerCounters,
) -> AsyncIterator[RecognitionSource]:
    """Of either protocol."""
    source: RecognitionSource = request.param(access, server_counters, speech_counters)
    yield source
    await source.close()


@pytest_asyncio.fixture(loop_scope="session")
async def post(
    access: ServerAccess,
    server_counters: ModelServerCounters,
    speech_counters: SpeechServerCounters,
) -> AsyncIterator[TranscriptionServer]:
    source = posted(access, server_counters, speech_counters)
    yield source
    await source.close()


@pytest_asyncio.fixture(loop_scope="session")
async def stream(
    access: ServerAccess,
    server_counters: ModelServerCounters,
    speech_counters: SpeechServerCounters,
) -> AsyncIterator[RealtimeTranscriptionServer]:
    source = streamed(access, server_counters, speech_counters)
    yield source
    await source.close()


async def recognise(stream: RecognitionStream, pcm: bytes) -> str:
    utterance = stream.begin(lambda text: None)
    for start in range(0, len(pcm), 640):
        utterance.push(pcm[start : start + 640])
        await asyncio.sleep(0)
    utterance.finish()
    return await utterance.final()


async def test_one_utterance_after_the_other(
    source: RecognitionSource, user: UserVoice, speech_counters: SpeechServerCounters
) -> None:
    stream = source.open_stream("call-1")
    pcm = user.say(QUESTION)
    assert await recognise(stream, pcm) == QUESTION
    assert await recognise(stream, b"") == ""
    assert await recognise(stream, user.say("goodbye")) == "goodbye"
    assert speech_counters.asr_utterances == 2
    assert speech_counters.asr_audio_seconds > len(pcm) / 32_000


async def test_words_come_early(
    post: TranscriptionServer, user: UserVoice, speech_counters: SpeechServerCounters
) -> None:
    partials: asyncio.Queue[str] = asyncio.Queue()
    utterance = post.open_stream().begin(partials.put_nowait)
    utterance.push(user.say(QUESTION, after_ms=0))
    assert await asyncio.wait_for(partials.get(), 5) == QUESTION
    assert (utterance.partial, utterance.done) == (QUESTION, False)
    assert speech_counters.asr_partials == 1
    utterance.abort()


@pytest.mark.parametrize(
    ("source", "words"), [(posted, QUESTION), (streamed, "")], indirect=["source"]
)
async def test_words_where_the_speaker_pauses(
    source: RecognitionSource, words: str, user: UserVoice
) -> None:
    """A streaming server has said what it heard when nothing more comes."""
    settled: asyncio.Queue[str] = asyncio.Queue()
    utterance = source.open_stream().begin(lambda text: None)
    utterance.push(user.say(QUESTION, after_ms=160))
    utterance.settle(settled.put_nowait)
    assert await asyncio.wait_for(settled.get(), 5) == words
    utterance.finish()
    assert await utterance.final() == QUESTION


async def test_the_sessions_wishes_are_sent(
    post: TranscriptionServer, servers: ModelServers
) -> None:
    wishes = Transcription(language="de", prompt="Antiphon")
    utterance = post.open_stream().begin(lambda text: None, wishes)
    utterance.push(SECOND)
    utterance.finish()
    await utterance.final()
    request = servers.requests[-1]
    assert (request["language"], request["prompt"], request["model"]) == ("de", "Antiphon", "asr")
    assert request["headers"]["Authorization"] == "Bearer sk-1"


GARBAGE = [
    (gives(b"<html></html>", "text/html"), Outcome.GARBLED),
    (gives(b'{"txt": "hello"}', "application/json"), Outcome.GARBLED),
    (gives(b"\xff\xfe", "application/json"), Outcome.GARBLED),
    (gives(b'"' + b"a" * (2 << 20), "application/json"), Outcome.GARBLED),
    (gives(b"{}", "application/json", 500), Outcome.FAILED),
    (gives(b"{}", "application/json", 404), Outcome.REFUSED),
    (gives(b"{}", "application/json", 503), Outcome.OVERLOADED),
    (breaks_off(b'{"tex', "application/json"), Outcome.BROKEN_OFF),
    (drips(b" ", 0.02, "application/json"), Outcome.TIMED_OUT),
    (says_nothing, Outcome.TIMED_OUT),
]

SOCKET_GARBAGE = [
    (gives(b"<html></html>", "text/html"), Outcome.REFUSED),
    (gives(b"{}", "application/json", 500), Outcome.FAILED),
    (gives(b"{}", "application/json", 503), Outcome.OVERLOADED),
    (says_nothing, Outcome.TIMED_OUT),
    (socket_says(), Outcome.TIMED_OUT),
    (socket_says(closes=True), Outcome.BROKEN_OFF),
    (socket_says(CREATED), Outcome.TIMED_OUT),
    (socket_says(CREATED, closes=True), Outcome.BROKEN_OFF),
    (socket_says("<html>"), Outcome.GARBLED),
    (socket_says(CREATED, b"\0"), Outcome.GARBLED),
    (socket_says(CREATED, '{"type": "transcription.done"}'), Outcome.GARBLED),
    (socket_says(CREATED, '{"type": "error", "error": "no", "code": "x"}'), Outcome.FAILED),
    (socket_says(CREATED, '{"type": "error", "error": {"message": "no"}}'), Outcome.FAILED),
    (
        socket_says(
            CREATED, *2 * [json.dumps({"type": "transcription.delta", "delta": "a" * 60_000})]
        ),
        Outcome.GARBLED,
    ),
]


def waited_s(outcome: Outcome) -> float:
    """How long a test has patience with a server that brings this about."""
    return SOON_S if outcome is Outcome.TIMED_OUT else TIMEOUT_S


@pytest.mark.parametrize(
    ("source", "misbehave", "outcome"),
    [(partial(posted, timeout_s=waited_s(case[-1])), *case) for case in GARBAGE]
    + [(partial(streamed, timeout_s=waited_s(case[-1])), *case) for case in SOCKET_GARBAGE],
    indirect=["source"],
)
async def test_a_server_that_cannot_hear(
    source: RecognitionSource,
    servers: ModelServers,
    server_counters: ModelServerCounters,
    misbehave: Misbehave,
    outcome: Outcome,
) -> None:
    servers.misbehave = misbehave
    stream = source.open_stream()
    with pytest.raises(RecognitionError, match="the speech recognition server"):
        await recognise(stream, SECOND)
    assert server_counters.tries[ServerKind.ASR, outcome] >= 1

    servers.misbehave = None
    await recognise(stream, SECOND)
    assert server_counters.tries[ServerKind.ASR, Outcome.ANSWERED] == 1


async def test_speech_is_sent_again_where_a_connection_broke(
    stream: RealtimeTranscriptionServer, servers: ModelServers, user: UserVoice
) -> None:
    servers.disconnects = 1
    assert await recognise(stream.open_stream(), user.say("spell cat")) == "spell cat"
    servers.disconnects = 2
    with pytest.raises(RecognitionError, match="broke off"):
        await recognise(stream.open_stream(), user.say("spell cat"))


async def test_an_absent_server(
    server_counters: ModelServerCounters, speech_counters: SpeechServerCounters
) -> None:
    nowhere = ServerAccess(urls=("http://127.0.0.1:1/v1",))
    for make in (posted, streamed):
        source = make(nowhere, server_counters, speech_counters)
        with pytest.raises(RecognitionError):
            await recognise(source.open_stream(), SECOND)
        await source.close()


async def test_a_server_that_fails_too_often_is_left_alone(
    stream: RealtimeTranscriptionServer, servers: ModelServers, server_counters: ModelServerCounters
) -> None:
    servers.misbehave = gives(b"", status=500)
    for _ in range(6):
        with pytest.raises(RecognitionError):
            await recognise(stream.open_stream(), SECOND)
    assert server_counters.tries[ServerKind.ASR, Outcome.CIRCUIT_OPEN] == 1
    assert len(servers.requests) == 5


async def test_a_closed_stream_gives_up(source: RecognitionSource) -> None:
    stream = source.open_stream()
    utterance = stream.begin(lambda text: None)
    utterance.push(SECOND)
    utterance.finish()
    stream.close()
    with pytest.raises(RecognitionError, match="given up"):
        await utterance.final()
    utterance.push(SECOND)
    utterance.finish()
    assert utterance.pushed == 16_000


async def test_speech_that_no_server_takes_is_shed(
    stream: RealtimeTranscriptionServer,
    servers: ModelServers,
    speech_counters: SpeechServerCounters,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(realtime_transcription, "MAX_BACKLOG_S", 2.5)
    servers.misbehave = says_nothing
    utterance = stream.open_stream().begin(lambda text: None)
    for _ in range(3):
        utterance.push(SECOND)
    with pytest.raises(RecognitionError, match="keep up"):
        await utterance.final()
    assert speech_counters.asr_shed_seconds == 3


async def test_speech_without_end(
    source: RecognitionSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (audio_module, remote_utterance):
        monkeypatch.setattr(module, "MAX_UTTERANCE_S", 2)
    utterance = source.open_stream().begin(lambda text: None)
    for _ in range(3):
        utterance.push(SECOND)
    with pytest.raises(RecognitionError, match="more than 2 seconds"):
        await utterance.final()
