"""`python -m bench.inference.pauses`: silence within turns, and the voice model's lateness.

How many turns, spoken without a stop, hold a silence of a length: so many answers begun after
it are discarded. And how long after the last audible sample the model hears voice.
"""

import random
from collections.abc import Iterator

import numpy as np

from bench.figures import percentile, publish, rounded
from bench.inference.turn_latency import audible_end_s
from bench.inference.turn_utterances import PAUSED, PLAIN
from inference.engines.cascade import domain
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.turn_detection.silence import HYSTERESIS
from inference.engines.cascade.vad import (
    SAMPLE_RATE,
    WINDOW_SAMPLES,
    SileroModel,
    VoiceBatch,
    VoiceStream,
)
from tests.inference.user_voice import UserVoice

VOICES = (("en-us", 165), ("en", 150), ("en-us+f3", 140), ("en+m3", 180))
DOMAIN_SENTENCES = 100
THRESHOLD = 0.5
WINDOWS = range(1, 8)
WINDOW_MS = WINDOW_SAMPLES * 1000 // SAMPLE_RATE


def texts(chance: random.Random) -> list[str]:
    sentences = [sentence for sentence, _weight in domain.sentences()]
    return [*chance.sample(sentences, DOMAIN_SENTENCES), *PLAIN, *map(" ".join, PAUSED)]


def voiced_ends(model: SileroModel, pcm: bytes) -> list[int]:
    """Behind each window that counts as voice of a turn."""
    windows: list[tuple[float, int]] = []
    stream = VoiceStream(lambda probability, end: windows.append((probability, end)), lambda: None)
    stream.push(0, pcm)
    VoiceBatch(model, CascadeCounters(), lambda run: None).settle(stream)
    return list(_voiced(windows))


def _voiced(windows: list[tuple[float, int]]) -> Iterator[int]:
    threshold = THRESHOLD
    for probability, end in windows:
        if probability >= threshold:
            threshold = THRESHOLD - HYSTERESIS
            yield end


def main() -> None:
    chance, model, user = random.Random(0), SileroModel(), UserVoice()
    late_ms: list[float] = []
    longest: list[int] = []
    for number, text in enumerate(texts(chance)):
        voice, words_per_minute = VOICES[number % len(VOICES)]
        pcm = user.say(
            text,
            voice,
            words_per_minute=words_per_minute,
            before_ms=400 + chance.randrange(WINDOW_MS),
        )
        ends = voiced_ends(model, pcm)
        late_ms.append(1000 * (ends[-1] / SAMPLE_RATE - audible_end_s(pcm)))
        longest.append(int(max(np.diff(ends), default=0)) // WINDOW_SAMPLES - 1)
    figures: dict[str, float | str] = {
        "turns": len(longest),
        "voice_after_audible.p50_ms": rounded(percentile(late_ms, 50)),
        "voice_after_audible.p5_ms": rounded(percentile(late_ms, 5)),
        "voice_after_audible.p95_ms": rounded(percentile(late_ms, 95)),
    }
    for windows in WINDOWS:
        share = sum(silence >= windows for silence in longest) / len(longest)
        figures[f"turns_with_silence_of_{windows * WINDOW_MS}_ms.ratio"] = rounded(share)
    publish("pauses", figures)


if __name__ == "__main__":
    main()
