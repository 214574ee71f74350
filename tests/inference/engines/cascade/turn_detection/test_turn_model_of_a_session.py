"""A listener whose turns a real ONNX model ends, on real speech."""

import asyncio
import time
from pathlib import Path

import pytest

from antiphon_proto.trunk import (
    Eagerness,
    SessionConfig,
    SpeechStopped,
    Transcription,
    TurnDetection,
    TurnDetectionKind,
    TurnEnded,
)
from inference.engine_output import EngineOutput
from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.listener import Listener
from inference.engines.cascade.speech_recognition import OnPartial
from inference.engines.cascade.turn_detection.eagerness import WAITS
from inference.engines.cascade.turn_detection.onnx_turn_model import OnnxTurnModel
from inference.engines.cascade.turn_detection.turn_judge import TurnJudge
from inference.engines.cascade.vad import SileroModel, VoiceBatch
from tests.inference.engines.cascade.turn_detection import tiny_models
from tests.inference.user_voice import UserVoice

FRAME = 320
LOW = TurnDetection(kind=TurnDetectionKind.SEMANTIC_VAD, eagerness=Eagerness.LOW)


class WordlessUtterance:
    """Of a recogniser that knows words only in the end."""

    partial = ""
    pushed = 0
    done = False

    def push(self, pcm: bytes) -> None: ...
    def settle(self, on_settled: OnPartial) -> None: ...
    def finish(self) -> None: ...
    def abort(self) -> None: ...
    async def final(self) -> str:
        return ""


class WordlessStream:
    def begin(
        self, on_partial: OnPartial, transcription: Transcription | None = None
    ) -> WordlessUtterance:
        return WordlessUtterance()

    def close(self) -> None: ...


@pytest.mark.parametrize("fails", [False, True])
async def test_the_model_ends_the_turn(tmp_path: Path, user: UserVoice, fails: bool) -> None:
    counters = CascadeCounters()
    model = OnnxTurnModel(tiny_models.loudness_at_the_end(tmp_path / "v3.onnx"))
    if fails:
        model.judge = lambda sound: 1 / 0  # type: ignore[method-assign]
    judge = TurnJudge(model, counters.turn_model)
    batch = VoiceBatch(SileroModel(), counters, asyncio.get_running_loop().call_soon)
    outputs: list[EngineOutput] = []
    listener = Listener(
        SessionConfig(turn_detection=LOW),
        batch,
        WordlessStream(),
        outputs.append,
        time.monotonic,
        turn_judge=judge,
    )
    pcm = user.say("what is twelve plus thirty", after_ms=9000)
    stopped: SpeechStopped | None = None
    for position in range(0, len(pcm) // 2, FRAME):
        listener.push_audio(position, pcm[position * 2 : (position + FRAME) * 2])
        while batch._waiting:
            await asyncio.sleep(0)
        while judge._waiting:
            await asyncio.sleep(0.001)
        stopped = next((out for out in outputs if isinstance(out, SpeechStopped)), None)
        if stopped is not None:
            break
    listener.close()
    judge.close()

    assert stopped is not None
    (ended,) = (out for out in outputs if isinstance(out, TurnEnded))
    waited_ms = stopped.audio_end_ms - ended.voiced_end_ms
    waits = WAITS[Eagerness.LOW]
    unsure = waits.wait_ms(0.5)
    if fails:
        assert waited_ms == pytest.approx(unsure, abs=40)
        assert counters.turn_model.failed >= 1
    else:
        assert waits.complete_ms <= waited_ms < (waits.complete_ms + unsure) / 2
        assert counters.turn_model.answered >= 1
