"""`python -m bench.inference.answers`: how many questions are answered right, and how much of
what the rules know nothing of is answered all the same.

Two voices on which nothing was tuned ask a hundred questions each, and say a hundred things
that are none, each in a session of its own, with the engine whole: voice activity, turns,
recogniser, rules. An answer is right if it is what the rules say to the written question. Nothing
waits for a clock: the engine's time is that of the samples.
"""

import argparse
import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from antiphon_proto.trunk import InputTranscript, SessionConfig, Transcription, TurnDetection
from bench.figures import publish
from bench.inference.callers_voice import say
from bench.inference.questions import domain_questions, other_utterances
from bench.machine import machine
from inference.config import InferenceConfig
from inference.engines.cascade.brain.rules import NOT_UNDERSTOOD, Rules
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.embedded_recogniser import EmbeddedRecogniser
from inference.engines.cascade.engine import CascadeEngine
from inference.engines.cascade.synthesiser import Synthesiser
from tests.inference.engines.cascade.caller import Caller

VOICES = ("flite:slt", "flite:rms")
"""Not to be tuned on. There are others for that: flite:awb, flite:kal16, espeak:en-us, ..."""

CONFIG = SessionConfig(
    turn_detection=TurnDetection(), transcription=Transcription(), text_only=True
)
CONCURRENT = 4
STRETCH_BYTES = 6400
MAX_WAITING_S = 1.0
"""Speech that all sessions together may be ahead of the recognisers."""

RULES = Rules(lambda: datetime(2026, 11, 21, 15, 5), lambda: 0.0)
"""At a time that does not pass, so that an answer is the same whenever it is given."""


@dataclass(frozen=True, slots=True)
class Outcome:
    voice: str
    said: str
    heard: str
    answer: str
    """Empty where nothing was taken for a turn."""

    @property
    def right(self) -> bool:
        return self.answer == RULES.open().reply(self.said)

    @property
    def rejected(self) -> bool:
        return self.answer in ("", NOT_UNDERSTOOD)


async def ask(
    engine: CascadeEngine, counters: CascadeCounters, voice: str, text: str, before_ms: int
) -> Outcome:
    """Raises RuntimeError when speech was lost."""
    pcm = await asyncio.to_thread(say, text, voice, before_ms=before_ms)
    caller = Caller(engine, CONFIG)
    try:
        for start in range(0, len(pcm), STRETCH_BYTES):
            await caller.speak(pcm[start : start + STRETCH_BYTES])
            while counters.work.recognition.waiting > MAX_WAITING_S:
                await asyncio.sleep(0.005)
        answer = ""
        if caller.responses:
            await caller.done(1)
            answer = caller.answer(1)
        finals = [each for each in caller.all(InputTranscript) if each.final]
        if lost := [each.error for each in finals if each.error]:
            raise RuntimeError(f"the recogniser lost {text!r}: {lost[0]}")
        return Outcome(voice, text, " / ".join(each.text for each in finals), answer)
    finally:
        caller.session.close("asked")


async def outcomes(voices: Sequence[str], texts: Sequence[str]) -> list[Outcome]:
    counters = CascadeCounters()
    engine = CascadeEngine(
        RULES,
        EmbeddedRecogniser(counters, workers=os.cpu_count() or 1),
        Synthesiser(counters),
        counters,
        pause_ms=InferenceConfig().preempt_after_ms,
    )
    await engine.start()
    limit = asyncio.Semaphore(CONCURRENT)

    async def one(number: int, voice: str, text: str) -> Outcome:
        async with limit:
            # Not always at the same place in a window of the voice activity model.
            return await ask(engine, counters, voice, text, before_ms=400 + 7 * number % 32)

    try:
        spoken = [(voice, text) for voice in voices for text in texts]
        asked = (one(number, *each) for number, each in enumerate(spoken))
        return await asyncio.gather(*asked)
    finally:
        await engine.close()


def figures(asked: Sequence[Outcome], others: Sequence[Outcome]) -> dict[str, float]:
    """Ratios of all voices and of each."""
    ratios = _ratios("answers_right", [(each.voice, each.right) for each in asked])
    ratios |= _ratios("out_of_domain_rejected", [(each.voice, each.rejected) for each in others])
    return ratios


def _ratios(name: str, hits: Sequence[tuple[str, bool]]) -> dict[str, float]:
    ratios = {f"{name}.ratio": _share([hit for _, hit in hits]), f"{name}.count": float(len(hits))}
    for voice in dict.fromkeys(voice for voice, _ in hits):
        of_voice = [hit for each, hit in hits if each == voice]
        ratios[f"{name}.{voice.partition(':')[2]}.ratio"] = _share(of_voice)
    return ratios


def _share(hits: Sequence[bool]) -> float:
    return round(sum(hits) / len(hits), 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="of each kind and voice")
    parser.add_argument("--voices", nargs="+", default=VOICES)
    parser.add_argument("--show", action="store_true", help="print what went wrong")
    arguments = parser.parse_args()
    asked = asyncio.run(outcomes(arguments.voices, domain_questions(arguments.count)))
    others = asyncio.run(outcomes(arguments.voices, other_utterances(arguments.count)))
    if arguments.show:
        for each in (*(it for it in asked if not it.right), *(o for o in others if not o.rejected)):
            print(f"{each.voice:20}{each.said!r} was heard as {each.heard!r}")
    publish("answers", machine() | figures(asked, others))


if __name__ == "__main__":
    main()
