"""A voice by a speech server on a real socket, and what becomes of servers that cannot speak."""

import struct
from collections.abc import AsyncIterator
from contextlib import aclosing

import numpy as np
import pytest
import pytest_asyncio

from inference.engines.cascade.servers.counters import SpeechServerCounters
from inference.engines.cascade.servers.speech_server import SpeechServer, SpeechSettings
from inference.engines.cascade.servers.wav import wav_file
from inference.engines.cascade.speech_synthesis import SAMPLE_RATE, SynthesisError, Voice
from inference.engines.cascade.synthesiser import Synthesiser
from inference.model_server.counters import ModelServerCounters, Outcome, ServerKind
from inference.model_server.http_client import ServerAccess
from tests.inference.engines.cascade.servers.model_servers import (
    Misbehave,
    ModelServers,
    breaks_off,
    drips,
    gives,
    says_nothing,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

SENTENCE = "Twelve plus thirty is forty two."
SECOND = (8000 * np.sin(np.arange(SAMPLE_RATE) / 8)).astype("<i2").tobytes()
TIMEOUT_S = 0.3
SETTINGS = SpeechSettings(model="tts", voices={"marin": "en-gb"}, timeout_s=TIMEOUT_S)


class Embedded(Synthesiser):
    """The voice that the tests have already: not for the server to start and close."""

    def __init__(self, synthesiser: Synthesiser) -> None:
        self.__dict__ = synthesiser.__dict__

    async def start(self) -> None: ...

    async def close(self) -> None: ...


@pytest_asyncio.fixture(loop_scope="session")
async def speech(
    access: ServerAccess,
    synthesiser: Synthesiser,
    server_counters: ModelServerCounters,
    speech_counters: SpeechServerCounters,
) -> AsyncIterator[SpeechServer]:
    server = SpeechServer(access, SETTINGS, server_counters, speech_counters, Embedded(synthesiser))
    yield server
    await server.close()


async def spoken(voice: Voice, text: str = SENTENCE) -> bytes:
    return b"".join([part.pcm async for part in voice.speak(text)])


async def test_the_server_is_asked_as_documented(
    speech: SpeechServer, servers: ModelServers
) -> None:
    await spoken(speech.voice("marin", "call-1"))
    request = servers.requests[0]
    assert request.pop("headers")["Authorization"] == "Bearer sk-1"
    assert request == {
        "model": "tts",
        "input": SENTENCE,
        "voice": "en-gb",
        "response_format": "pcm",
    }


async def test_the_sessions_speed_is_asked_for(speech: SpeechServer, servers: ModelServers) -> None:
    await spoken(speech.voice("marin", speed=1.25))
    assert servers.requests[0]["speed"] == 1.25


async def test_its_samples_are_given(
    speech: SpeechServer, synthesiser: Synthesiser, speech_counters: SpeechServerCounters
) -> None:
    pcm = await spoken(speech.voice("alloy"))
    assert len(pcm) == pytest.approx(len(await spoken(synthesiser.voice("alloy"))), rel=0.02)
    assert speech_counters.tts_pieces == 1
    assert speech_counters.tts_audio_seconds == pytest.approx(len(pcm) / 48_000)
    assert 0 < speech_counters.tts_first_audio_seconds <= speech_counters.tts_work_seconds


@pytest.mark.parametrize(
    ("settings", "name", "expected"),
    [
        (SpeechSettings(model="m"), "", "alloy"),
        (SpeechSettings(model="m"), "cedar", "cedar"),
        (SpeechSettings(model="m", voice="af_heart"), "cedar", "af_heart"),
        (SpeechSettings(model="m", voice="a", voices={"cedar": "b"}), "cedar", "b"),
    ],
)
async def test_names_of_voices(settings: SpeechSettings, name: str, expected: str) -> None:
    assert settings.server_voice(name) == expected


@pytest.mark.parametrize(
    ("misbehave", "seconds"),
    [
        (gives(SECOND), 1),
        (gives(SECOND + b"\0"), 1),
        (gives(wav_file(SECOND, 24_000), "audio/wav"), 1),
        (gives(wav_file(SECOND, 48_000), "audio/wav"), 0.5),
        (gives(wav_file(SECOND, 16_000)), 1.5),
        (gives(SECOND, "audio/l16"), 1),
    ],
)
async def test_other_forms_of_samples(
    speech: SpeechServer, servers: ModelServers, misbehave: Misbehave, seconds: float
) -> None:
    servers.misbehave = misbehave
    assert len(await spoken(speech.voice(""))) / 48_000 == pytest.approx(seconds, abs=0.01)


@pytest.mark.parametrize(
    ("misbehave", "outcome"),
    [
        (gives(b"<html>Bad gateway</html>", "text/html"), Outcome.GARBLED),
        (gives(b"<!DOCTYPE html>"), Outcome.GARBLED),
        (gives(b'{"error": "no"}', "application/json"), Outcome.GARBLED),
        (gives(b"ID3\x04" + SECOND, "audio/mpeg"), Outcome.GARBLED),
        (gives(b"ID3\x04" + SECOND), Outcome.GARBLED),
        (gives(b""), Outcome.GARBLED),
        (gives(b"RIFF\0\0"), Outcome.GARBLED),
        (gives(b"RIFF\0\0\0\0WAVE" + struct.pack("<4sI", b"junk", 1 << 31)), Outcome.GARBLED),
        (gives(wav_file(SECOND, 1)), Outcome.GARBLED),
        (gives(b"", status=500), Outcome.FAILED),
        (gives(b"", status=400), Outcome.REFUSED),
        (gives(b"", status=429), Outcome.OVERLOADED),
        (breaks_off(SECOND), Outcome.BROKEN_OFF),
        (breaks_off(b""), Outcome.BROKEN_OFF),
        (says_nothing, Outcome.TIMED_OUT),
        (drips(b"", 0.05), Outcome.TIMED_OUT),
        (drips(b"ab", 0.05), Outcome.TIMED_OUT),
        (drips(SECOND, 0.0), Outcome.GARBLED),
    ],
)
async def test_a_server_that_cannot_speak(
    speech: SpeechServer,
    servers: ModelServers,
    server_counters: ModelServerCounters,
    misbehave: Misbehave,
    outcome: Outcome,
) -> None:
    servers.misbehave = misbehave
    with pytest.raises(SynthesisError, match="the speech server"):
        await spoken(speech.voice("alloy"))
    assert server_counters.tries[ServerKind.TTS, outcome] >= 1

    servers.misbehave = None
    assert await spoken(speech.voice("alloy"))


async def test_closing_the_iterator_hangs_up(speech: SpeechServer, servers: ModelServers) -> None:
    servers.misbehave = drips(SECOND, 0.01)
    async with aclosing(speech.voice("").speak(SENTENCE)) as parts:
        await anext(parts)
    servers.misbehave = None
    assert await spoken(speech.voice(""))


async def test_an_absent_server(
    synthesiser: Synthesiser,
    server_counters: ModelServerCounters,
    speech_counters: SpeechServerCounters,
) -> None:
    nowhere = ServerAccess(urls=("http://127.0.0.1:1/v1",))
    server = SpeechServer(
        nowhere, SETTINGS, server_counters, speech_counters, Embedded(synthesiser)
    )
    voice = server.voice("")
    with pytest.raises(SynthesisError):
        await spoken(voice)
    embedded = voice.fall_back()
    assert embedded is not None
    assert await spoken(embedded)
    assert speech_counters.tts_fallbacks == 1
    await server.close()


async def test_the_embedded_voice_goes_on_with_the_answer(
    access: ServerAccess,
    servers: ModelServers,
    synthesiser: Synthesiser,
    server_counters: ModelServerCounters,
    speech_counters: SpeechServerCounters,
) -> None:
    settings = SpeechSettings(model="tts", falls_back_to_answer=True)
    server = SpeechServer(access, settings, server_counters, speech_counters, Embedded(synthesiser))
    servers.misbehave = breaks_off(SECOND)
    errors: list[SynthesisError] = []
    voice = server.voice("alloy", report=errors.append)
    whole = len(await spoken(synthesiser.voice("alloy")))

    parts = [part async for part in voice.speak(SENTENCE)]
    assert sum(len(part.pcm) for part in parts) == pytest.approx(len(SECOND) + whole, rel=0.3)
    words = [word for part in parts for word in part.words]
    assert len(SECOND) // 2 < words[0].audio_end < words[-1].audio_end
    assert len(await spoken(voice)) == pytest.approx(whole, rel=0.02)
    assert len(errors) == 1
    await server.close()
