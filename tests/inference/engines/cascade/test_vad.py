"""Voice activity on real speech, alone and in a batch."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.vad import (
    SAMPLE_RATE,
    WINDOW_SAMPLES,
    SileroModel,
    VoiceBatch,
    VoiceStream,
)
from tests.inference.user_voice import UserVoice

Judged = list[tuple[float, int]]


@pytest.fixture(scope="module")
def model() -> SileroModel:
    return SileroModel()


class BatchUnderTest:
    def __init__(self, model: SileroModel) -> None:
        self.counters = CascadeCounters()
        self.scheduled = 0
        self.batch = VoiceBatch(model, self.counters, self._schedule)

    def _schedule(self, run: object) -> None:
        self.scheduled += 1

    def stream(self) -> tuple[VoiceStream, Judged]:
        judged: Judged = []

        def hear(probability: float, end: int) -> None:
            judged.append((probability, end))

        return VoiceStream(hear, lambda: None), judged

    def run(self) -> None:
        """Judge all that waits, as an event loop would."""
        while self.scheduled:
            self.scheduled -= 1
            self.batch.run()


@pytest.fixture
def under_test(model: SileroModel) -> BatchUnderTest:
    return BatchUnderTest(model)


def judge_alone(model: SileroModel, pcm: bytes) -> Judged:
    under_test = BatchUnderTest(model)
    stream, judged = under_test.stream()
    under_test.batch.push(stream, 0, pcm)
    under_test.run()
    return judged


def test_speech_is_told_from_silence(model: SileroModel, user: UserVoice) -> None:
    judged = judge_alone(model, user.say("what is twelve plus thirty", before_ms=500, after_ms=500))

    assert all(probability < 0.35 for probability, end in judged if end < SAMPLE_RATE * 0.4)
    assert all(probability < 0.35 for probability, _ in judged[-8:])
    voiced = [end for probability, end in judged if probability >= 0.5]
    assert len(voiced) * WINDOW_SAMPLES > SAMPLE_RATE
    assert voiced[0] < SAMPLE_RATE * 0.65


@pytest.mark.parametrize("sound", ["noise", "tone", "click"])
def test_other_sounds_are_no_speech(model: SileroModel, sound: str) -> None:
    random = np.random.default_rng(0)
    times = np.arange(SAMPLE_RATE)
    samples = {
        "noise": random.normal(0, 800, SAMPLE_RATE),
        "tone": 8000 * np.sin(times * 2 * np.pi * 440 / SAMPLE_RATE),
        "click": np.where(times == SAMPLE_RATE // 2, 30000, 0),
    }[sound]
    assert max(judge_alone(model, samples.astype("<i2").tobytes()))[0] < 0.35


def test_a_batch_judges_as_each_stream_alone(
    under_test: BatchUnderTest, model: SileroModel, user: UserVoice
) -> None:
    speech = [user.say(text) for text in ("hello", "spell cat", "what time is it")]
    streams = [under_test.stream() for _ in speech]
    for start in range(0, max(map(len, speech)), 4000):
        for (stream, _), pcm in zip(streams, speech, strict=True):
            under_test.batch.push(stream, start // 2, pcm[start : start + 4000])
        under_test.run()

    for (_, judged), pcm in zip(streams, speech, strict=True):
        alone = judge_alone(model, pcm)
        assert [end for _, end in judged] == [end for _, end in alone]
        assert [p for p, _ in judged] == pytest.approx([p for p, _ in alone], abs=1e-3)
    assert under_test.counters.vad_batches < under_test.counters.vad_windows


def test_one_run_is_scheduled_for_all_that_is_ready(under_test: BatchUnderTest) -> None:
    streams = [under_test.stream()[0] for _ in range(3)]
    for stream in streams:
        under_test.batch.push(stream, 0, bytes(2 * WINDOW_SAMPLES))
    assert under_test.scheduled == 1

    under_test.batch.run()
    assert (under_test.counters.vad_batches, under_test.counters.vad_windows) == (1, 3)


def test_windows_keep_the_clock_over_odd_frames_and_jumps(under_test: BatchUnderTest) -> None:
    stream, judged = under_test.stream()
    under_test.batch.push(stream, 0, bytes(2 * 300))
    assert under_test.scheduled == 0
    under_test.batch.push(stream, 300, bytes(2 * 800))
    under_test.batch.push(stream, 16_000, bytes(2 * 512))
    under_test.run()

    assert [end for _, end in judged[:2]] == [512, 1024]
    assert 16_000 < judged[2][1] <= 16_512


def test_a_closed_stream_is_not_judged(under_test: BatchUnderTest) -> None:
    stream, judged = under_test.stream()
    under_test.batch.push(stream, 0, bytes(2 * WINDOW_SAMPLES))
    stream.closed = True
    under_test.batch.run()

    assert judged == []


def test_a_stream_that_fails_costs_itself_only(under_test: BatchUnderTest) -> None:
    def fail(probability: float, end: int) -> None:
        raise ZeroDivisionError

    failures: list[bool] = []
    failing = VoiceStream(fail, lambda: failures.append(True))
    healthy, judged = under_test.stream()
    for run in range(2):
        for stream in (failing, healthy):
            under_test.batch.push(stream, run * WINDOW_SAMPLES, bytes(2 * WINDOW_SAMPLES))
        assert under_test.scheduled == run + 1
        under_test.batch.run()

    assert [end for _, end in judged] == [512, 1024]
    assert failures == [True]


def test_a_burst_is_judged_a_window_at_a_time(under_test: BatchUnderTest) -> None:
    stream, judged = under_test.stream()
    under_test.batch.push(stream, 0, bytes(2 * 3 * WINDOW_SAMPLES))
    for windows in (1, 2, 3):
        assert under_test.scheduled == windows
        under_test.batch.run()
        assert len(judged) == windows
    assert under_test.scheduled == 3


def test_a_stream_can_be_judged_before_its_turn(under_test: BatchUnderTest) -> None:
    stream, judged = under_test.stream()
    under_test.batch.push(stream, 0, bytes(2 * 3 * WINDOW_SAMPLES))
    under_test.batch.settle(stream)
    assert [end for _, end in judged] == [512, 1024, 1536]

    under_test.batch.run()
    assert (len(judged), under_test.scheduled) == (3, 1)


def test_the_runtime_reports_to_nobody(tmp_path: Path) -> None:
    """ONNX Runtime's telemetry would leave its session's file where temporary files go."""
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    program = "from inference.engines.cascade.vad import SileroModel; SileroModel()"
    subprocess.run(
        (sys.executable, "-c", program),
        env={**environment, "TMPDIR": str(tmp_path), "HOME": str(tmp_path)},
        check=True,
    )
    assert list(tmp_path.iterdir()) == []
