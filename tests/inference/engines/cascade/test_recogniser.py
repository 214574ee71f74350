"""Utterances at a real recogniser process, and what becomes of those that cannot be served."""

import asyncio
import os
import signal

import numpy as np
import pytest
import soxr

from inference.engines.cascade import recogniser as recogniser_module
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.embedded_recogniser import EmbeddedRecogniser
from inference.engines.cascade.engine import CascadeEngine
from inference.engines.cascade.recogniser import (
    MAX_BACKLOG_S,
    SAMPLE_RATE,
    Recogniser,
    RecogniserStream,
    RecognitionError,
)
from inference.engines.cascade.worker_process import WorkerProcess
from tests.inference.engines.cascade.caller import stopwatch
from tests.inference.user_voice import UserVoice

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECOND = bytes(2 * SAMPLE_RATE)


@pytest.fixture
def stream(cascade: CascadeEngine, recogniser: EmbeddedRecogniser) -> RecogniserStream:
    return recogniser.open_stream()


async def recognise(stream: RecogniserStream, pcm: bytes) -> str:
    utterance = stream.begin(lambda text: None)
    utterance.push(pcm)
    utterance.finish()
    return await utterance.final()


async def test_one_utterance_after_the_other(stream: RecogniserStream, user: UserVoice) -> None:
    assert await recognise(stream, user.say("spell cat")) == "spell cat"
    assert await recognise(stream, b"") == ""
    assert await recognise(stream, user.say("goodbye")) == "goodbye"


async def test_nothing_is_heard_in_silence(
    cascade: CascadeEngine, recogniser: EmbeddedRecogniser
) -> None:
    heard = [
        await recognise(recogniser.open_stream(), bytes(2 * samples))
        for samples in range(4000, 24_000, 2000)
    ]
    assert heard == [""] * len(heard)


async def test_words_come_while_there_is_speech(stream: RecogniserStream, user: UserVoice) -> None:
    partials: asyncio.Queue[str] = asyncio.Queue()
    utterance = stream.begin(partials.put_nowait)
    utterance.push(user.say("what is twelve plus thirty"))

    async with asyncio.timeout(5):
        while not (await partials.get()).startswith("what is"):
            pass
    utterance.abort()


async def test_a_bug_in_a_session_costs_its_utterance_only(
    stream: RecogniserStream,
    recogniser: EmbeddedRecogniser,
    counters: CascadeCounters,
    user: UserVoice,
) -> None:
    restarts = counters.restarts.total()

    def bug(_text: str) -> None:
        raise ZeroDivisionError("bug")

    faulty = stream.begin(bug)
    faulty.push(user.say("spell cat"))
    faulty.finish()
    assert await recognise(recogniser.open_stream(), user.say("spell cat")) == "spell cat"
    with pytest.raises(RecognitionError):
        await faulty.final()
    assert counters.restarts.total() == restarts


async def test_an_aborted_utterance(stream: RecogniserStream, user: UserVoice) -> None:
    utterance = stream.begin(lambda text: None)
    utterance.push(user.say("spell cat"))
    utterance.abort()
    utterance.push(SECOND)
    utterance.finish()

    with pytest.raises(RecognitionError, match="given up"):
        await utterance.final()
    assert await recognise(stream, user.say("spell dog")) == "spell dog"


async def test_a_closed_stream_gives_up(
    stream: RecogniserStream, user: UserVoice, counters: CascadeCounters
) -> None:
    failed = counters.utterances_failed
    spoken, finished = (stream.begin(lambda text: None) for _ in range(2))
    finished.push(user.say("spell cat"))
    finished.finish()
    stream.close()
    for utterance in (spoken, finished):
        with pytest.raises(RecognitionError, match="given up"):
            await utterance.final()
    assert counters.utterances_failed == failed, "nobody waited for them"


async def test_speech_that_comes_too_fast(
    stream: RecogniserStream, user: UserVoice, counters: CascadeCounters
) -> None:
    failed = counters.utterances_failed
    utterance = stream.begin(lambda text: None)
    for _ in range(MAX_BACKLOG_S + 1):
        utterance.push(SECOND)

    with pytest.raises(RecognitionError, match="keep up"):
        await utterance.final()
    assert counters.utterances_failed == failed + 1


async def test_speech_without_end(
    stream: RecogniserStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recogniser_module, "MAX_UTTERANCE_S", 2)
    utterance = stream.begin(lambda text: None)
    for _ in range(3):
        utterance.push(SECOND)

    with pytest.raises(RecognitionError, match="too long"):
        await utterance.final()


async def test_a_stuck_worker_is_replaced(
    recogniser: EmbeddedRecogniser,
    stream: RecogniserStream,
    user: UserVoice,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recogniser_module, "FINAL_TIMEOUT_S", 0.3)
    process_id = recogniser.workers[0].process.process_id
    assert process_id is not None
    os.kill(process_id, signal.SIGSTOP)
    with pytest.raises(RecognitionError, match="does not answer"):
        await recognise(stream, user.say("spell cat"))
    monkeypatch.undo()

    elapsed = stopwatch()
    while recogniser.unready_reason():
        assert elapsed() < 20
        await asyncio.sleep(0.02)
    assert await recognise(stream, user.say("spell cat")) == "spell cat"


async def test_a_worker_that_is_only_behind_is_kept(
    recogniser: EmbeddedRecogniser,
    stream: RecogniserStream,
    user: UserVoice,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recogniser_module, "FINAL_TIMEOUT_S", 0.05)
    monkeypatch.setattr(WorkerProcess, "silent_s", 0.0)
    process_id = recogniser.workers[0].process.process_id
    assert process_id is not None
    os.kill(process_id, signal.SIGSTOP)
    with pytest.raises(RecognitionError, match="too far behind"):
        await recognise(stream, user.say("spell cat"))
    os.kill(process_id, signal.SIGCONT)
    monkeypatch.undo()
    assert await recognise(stream, user.say("spell cat")) == "spell cat"
    assert recogniser.workers[0].process.process_id == process_id


async def test_sessions_are_spread_over_workers() -> None:
    recogniser = Recogniser(2, (), CascadeCounters())
    streams = [recogniser.open_stream() for _ in range(4)]
    assert [worker.streams for worker in recogniser.workers] == [2, 2]
    streams[0].close()
    streams[2].close()
    recogniser.open_stream()
    assert [worker.streams for worker in recogniser.workers] == [1, 2]


async def test_nothing_is_recognised_without_a_worker() -> None:
    stream = Recogniser(1, (), CascadeCounters()).open_stream()
    with pytest.raises(RecognitionError, match="not running"):
        await recognise(stream, SECOND)


async def test_a_telephones_band_is_enough(
    cascade: CascadeEngine, recogniser: EmbeddedRecogniser, user: UserVoice
) -> None:
    said = [
        "spell chicken",
        "what is fifty six plus seventeen",
        "can you spell house",
        "what is twelve minus seven",
    ]
    heard = []
    for text in said:
        line = soxr.resample(np.frombuffer(user.say(text), "<i2"), SAMPLE_RATE, 8000)
        pcm = soxr.resample(line, 8000, SAMPLE_RATE).astype("<i2").tobytes()
        heard.append(await recognise(recogniser.open_stream(), pcm))
    assert heard == said
