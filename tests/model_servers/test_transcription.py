"""Recognition by a server that is not ours: `transformers serve` with a tiny random Whisper.

It writes nonsense, but of the very samples that it was sent.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from antiphon_proto.trunk import Transcription
from inference.engines.cascade.servers.counters import SpeechServerCounters
from inference.engines.cascade.servers.transcription_server import (
    TranscriptionServer,
    TranscriptionSettings,
)
from inference.engines.cascade.speech_recognition import RecognitionError
from inference.model_server.counters import ModelServerCounters, Outcome, ServerKind
from inference.model_server.http_client import ServerAccess
from tests.model_servers.server_process import ServerProcess

TIMEOUT_S = 30.0


def noise(seconds: float) -> bytes:
    samples = np.random.default_rng(0).normal(0, 10_000, int(seconds * 16_000))
    return bytes(samples.clip(-32768, 32767).astype("<i2").tobytes())


def tone(hertz: int) -> bytes:
    samples = 20_000 * np.sin(np.arange(32_000) * 2 * np.pi * hertz / 16_000)
    return bytes(samples.astype("<i2").tobytes())


@pytest_asyncio.fixture
async def server(
    transformers_server: ServerProcess, recognition_model: Path, counters: ModelServerCounters
) -> AsyncIterator[TranscriptionServer]:
    access = ServerAccess(urls=(transformers_server.url,))
    settings = TranscriptionSettings(
        model=str(recognition_model), timeout_s=TIMEOUT_S, partial_interval_s=1.0
    )
    server = TranscriptionServer(access, settings, counters, SpeechServerCounters())
    yield server
    await server.close()


@pytest.fixture
def counters() -> ModelServerCounters:
    return ModelServerCounters()


async def test_it_hears_the_samples_that_were_pushed(
    server: TranscriptionServer, recognition_model: Path
) -> None:
    from tests.model_servers.tiny_whisper import transcript

    stream = server.open_stream("call-1")
    heard = {}
    for pcm in (noise(1.0), tone(500), tone(50)):
        utterance = stream.begin(lambda text: None, Transcription(language="en", prompt="Hello."))
        for start in range(0, len(pcm), 640):
            utterance.push(pcm[start : start + 640])
        utterance.finish()
        heard[transcript(recognition_model, pcm).strip()] = await utterance.final()
    assert list(heard) == list(heard.values())
    assert len(heard) > 1


async def test_a_model_that_it_does_not_have(
    transformers_server: ServerProcess, recognition_model: Path, counters: ModelServerCounters
) -> None:
    access = ServerAccess(urls=(transformers_server.url,))
    settings = TranscriptionSettings(
        model=str(recognition_model / "none"), timeout_s=TIMEOUT_S, partial_interval_s=0
    )
    server = TranscriptionServer(access, settings, counters, SpeechServerCounters())
    utterance = server.open_stream().begin(lambda text: None)
    utterance.push(noise(0.5))
    utterance.finish()
    with pytest.raises(RecognitionError, match="the speech recognition server answered"):
        await utterance.final()
    failed = {Outcome.REFUSED, Outcome.FAILED}
    assert sum(counters.tries[ServerKind.ASR, outcome] for outcome in failed) == 1
    await server.close()
