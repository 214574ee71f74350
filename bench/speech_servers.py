"""What each way to ask a speech server costs: `python -m bench.speech_servers`, half a minute.

The servers are the tests' own, on loopback, which hear with the embedded recogniser and speak
with the embedded voice: the differences between the ways are the cascade's, not a model's.

- ASR: spoken sentences at the pace of speech. `final`: from the end of the speech to its
  transcript; `first words`: from its first sample to the first words; `sent`: seconds of audio sent
  for each second of speech. `embedded` is the recogniser without a server in between.
- TTS: from asking to the first audio, and seconds waited for each second of speech.
"""

import asyncio
import statistics
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bench.tables import as_text
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.embedded_recogniser import EmbeddedRecogniser
from inference.engines.cascade.servers.counters import SpeechServerCounters
from inference.engines.cascade.servers.realtime_transcription import (
    RealtimeSettings,
    RealtimeTranscriptionServer,
)
from inference.engines.cascade.servers.speech_server import SpeechServer, SpeechSettings
from inference.engines.cascade.servers.transcription_server import (
    TranscriptionServer,
    TranscriptionSettings,
)
from inference.engines.cascade.speech_recognition import RecognitionSource
from inference.engines.cascade.synthesiser import Synthesiser
from inference.model_server.counters import ModelServerCounters
from inference.model_server.http_client import ServerAccess
from tests.inference.engines.cascade.servers.model_servers import ModelServers, model_servers
from tests.inference.user_voice import UserVoice

SENTENCES = (
    "what is twelve plus thirty",
    "what time is it",
    "spell cat",
    "repeat after me good morning",
)
FRAME_BYTES = 640
FRAME_S = 0.02
TIMEOUT_S = 10.0
PIECES = 40


@asynccontextmanager
async def running() -> AsyncIterator[tuple[ModelServers, EmbeddedRecogniser, Synthesiser]]:
    counters = CascadeCounters()
    recogniser, synthesiser = EmbeddedRecogniser(counters), Synthesiser(counters)
    await asyncio.gather(recogniser.start(), synthesiser.start())
    async with model_servers(recogniser, synthesiser) as servers:
        yield servers, recogniser, synthesiser
    await asyncio.gather(recogniser.close(), synthesiser.close())


async def hear(source: RecognitionSource, pcm: bytes) -> tuple[float, float]:
    """Seconds to the first words from the start, and to the transcript from the end."""
    clock = asyncio.get_running_loop().time
    first: list[float] = []
    started = clock()
    stream = source.open_stream()
    utterance = stream.begin(lambda text: first.append(clock() - started))
    for number, start in enumerate(range(0, len(pcm), FRAME_BYTES), start=1):
        await asyncio.sleep(started + number * FRAME_S - clock())
        utterance.push(pcm[start : start + FRAME_BYTES])
    ended = clock()
    utterance.finish()
    await utterance.final()
    stream.close()
    return (first[0] if first else clock() - started), clock() - ended


async def asr_line(
    name: str, source: RecognitionSource, spoken: list[bytes], sent_s: Callable[[], float]
) -> list[str]:
    firsts, finals = zip(*[await hear(source, pcm) for pcm in spoken], strict=True)
    speech_s = sum(len(pcm) for pcm in spoken) / 32_000
    figures = statistics.median(finals) * 1e3, statistics.median(firsts) * 1e3
    return [name, *(f"{figure:.0f}" for figure in figures), f"{sent_s() / speech_s:.1f}"]


async def asr_lines() -> list[list[str]]:
    spoken = [UserVoice().say(text, before_ms=200, after_ms=200) for text in SENTENCES]
    speech_s = sum(len(pcm) for pcm in spoken) / 32_000
    lines = []
    async with running() as (servers, recogniser, _):
        access = ServerAccess(urls=(servers.url,))
        lines.append(await asr_line("embedded", recogniser, spoken, lambda: speech_s))
        streamed = RealtimeTranscriptionServer(
            access,
            RealtimeSettings(model="asr", timeout_s=TIMEOUT_S),
            ModelServerCounters(),
            SpeechServerCounters(),
        )
        lines.append(await asr_line("realtime", streamed, spoken, lambda: speech_s))
        await streamed.close()
        for interval_s in (0.0, 0.5, 1.0, 2.0):
            servers.heard_s = 0.0
            settings = TranscriptionSettings(
                model="asr", timeout_s=TIMEOUT_S, partial_interval_s=interval_s
            )
            posted = TranscriptionServer(
                access, settings, ModelServerCounters(), SpeechServerCounters()
            )
            name = f"transcriptions, every {interval_s} s" if interval_s else "transcriptions"
            lines.append(await asr_line(name, posted, spoken, lambda: servers.heard_s))
            await posted.close()
    return lines


async def tts_line() -> list[str]:
    counters = SpeechServerCounters()
    async with running() as (servers, _, _):
        access = ServerAccess(urls=(servers.url,))
        embedded = Synthesiser(CascadeCounters())
        speech = SpeechServer(
            access, SpeechSettings(model="tts"), ModelServerCounters(), counters, embedded
        )
        for number in range(PIECES):
            async for _ in speech.voice("").speak(SENTENCES[number % len(SENTENCES)]):
                pass
        await speech.close()
    first_ms = counters.tts_first_audio_seconds / counters.tts_pieces * 1e3
    return [f"{first_ms:.1f}", f"{counters.tts_work_seconds / counters.tts_audio_seconds:.3f}"]


async def measure() -> None:
    print(as_text([["asr", "final ms", "first words ms", "sent"], *await asr_lines()]))
    print()
    print(as_text([["tts: first audio ms", "work/audio"], await tts_line()]))


if __name__ == "__main__":
    asyncio.run(measure())
