"""Speech from a real synthesiser process."""

import asyncio
import os
import signal
from contextlib import aclosing

import numpy as np
import pytest

from inference.engines.cascade import synthesiser as synthesiser_module
from inference.engines.cascade.engine import CascadeEngine
from inference.engines.cascade.speech_synthesis import SAMPLE_RATE, SynthesisError
from inference.engines.cascade.synthesiser import Synthesiser
from inference.engines.cascade.voices import DEFAULT, VOICES, EspeakVoice, espeak_voice
from tests.inference.engines.cascade.caller import stopwatch
from tests.inference.user_voice import UserVoice

pytestmark = pytest.mark.asyncio(loop_scope="session")

SENTENCE = "Twelve plus thirty is forty two."
LONG = "one two three four five six seven eight nine ten " * 200


@pytest.fixture
def voice(cascade: CascadeEngine, synthesiser: Synthesiser) -> Synthesiser:
    return synthesiser


async def spoken(voice: Synthesiser, text: str, espeak: EspeakVoice = DEFAULT) -> bytes:
    return b"".join([speech.pcm async for speech in voice.speak(text, espeak)])


async def test_speech_is_loud_and_lasts(voice: Synthesiser) -> None:
    samples = np.frombuffer(await spoken(voice, SENTENCE), np.int16)
    assert len(samples) / SAMPLE_RATE == pytest.approx(2.0, abs=0.4)
    assert np.abs(samples.astype(int)).max() > 8000


async def test_speed_is_how_many_times_faster(voice: Synthesiser) -> None:
    usual = len(await spoken(voice, LONG[:200]))
    for speed in (0.5, 1.5):
        parts = voice.voice("alloy", speed=speed).speak(LONG[:200])
        lasts = len(b"".join([speech.pcm async for speech in parts]))
        assert usual / lasts == pytest.approx(speed, rel=0.15)


async def test_chunks_are_small(voice: Synthesiser) -> None:
    speech = voice.speak(SENTENCE, DEFAULT)
    chunks = [len(part.pcm) / 2 / SAMPLE_RATE async for part in speech if part.pcm]
    assert chunks[0] < 0.1
    assert len(chunks) > 10


async def test_words_end_where_they_are_heard_to(voice: Synthesiser) -> None:
    """Each is followed by a comma's pause, which the audio itself shows."""
    text = "Twelve, naïve, forty-two."
    parts = [speech async for speech in voice.speak(text, DEFAULT)]
    words = [word for speech in parts for word in speech.words]
    assert [text[: word.text_end].split()[-1] for word in words] == text.split()

    samples = np.frombuffer(b"".join(speech.pcm for speech in parts), np.int16)
    assert words[-1].audio_end <= len(samples)
    for word in words:
        behind = samples[word.audio_end : word.audio_end + SAMPLE_RATE // 20]
        before = samples[word.audio_end - SAMPLE_RATE // 20 : word.audio_end]
        assert np.abs(behind.astype(int)).max() < np.abs(before.astype(int)).max() / 2


async def test_the_next_piece_does_not_wait_for_a_cancelled_one(voice: Synthesiser) -> None:
    whole = len(await spoken(voice, LONG))
    async with aclosing(voice.speak(LONG, DEFAULT)) as chunks:
        await anext(chunks)
    assert len(await spoken(voice, SENTENCE)) < whole / 50


async def test_pieces_of_several_sessions(voice: Synthesiser) -> None:
    alone = [len(await spoken(voice, text)) for text in ("Yes.", SENTENCE)]
    together = await asyncio.gather(spoken(voice, "Yes."), spoken(voice, SENTENCE))
    assert [len(pcm) for pcm in together] == pytest.approx(alone, rel=0.02)


@pytest.mark.parametrize("text", ["\0", "«Þetta» 你好 50 €", "[[h@l'oU]]", "<speak>Hi</speak>"])
async def test_odd_text_does_no_harm(voice: Synthesiser, text: str) -> None:
    await spoken(voice, text)
    assert await spoken(voice, "Yes.")


async def test_every_voice_exists(user: UserVoice) -> None:
    assert [name for name, voice in VOICES.items() if not user.has_voice(voice.name)] == []
    assert not user.has_voice("no-such-voice")


async def test_an_unknown_voice_is_the_default_one(voice: Synthesiser) -> None:
    assert espeak_voice("no-such-voice") == DEFAULT
    assert await spoken(voice, "Yes.", EspeakVoice("no-such-voice", 50))


async def test_a_stuck_worker_is_replaced(
    voice: Synthesiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synthesiser_module, "CHUNK_TIMEOUT_S", 0.3)
    process_id = voice.process.process_id
    assert process_id is not None
    os.kill(process_id, signal.SIGSTOP)
    with pytest.raises(SynthesisError, match="does not answer"):
        await spoken(voice, SENTENCE)
    monkeypatch.undo()

    elapsed = stopwatch()
    while not voice.ready:
        assert elapsed() < 20
        await asyncio.sleep(0.02)
    assert await spoken(voice, SENTENCE)
