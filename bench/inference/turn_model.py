"""`python -m bench.inference.turn_model`: what asking an end-of-turn model costs.

The model has the shape of Smart Turn v3 (the encoder of Whisper tiny over 8 s, pooled by
attention) with random weights, which cost what trained ones do.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from bench.figures import percentile, publish, rounded
from bench.machine import machine
from inference.engines.cascade.counters import TurnModelCounters
from inference.engines.cascade.turn_detection.log_mel import SAMPLE_RATE, log_mel
from inference.engines.cascade.turn_detection.onnx_turn_model import OnnxTurnModel
from inference.engines.cascade.turn_detection.turn_judge import TurnJudge

SECONDS = 8
FRAMES = 100 * SECONDS
SECONDS_OF_SPEECH = 3

TICK_S = 0.002
TICKS = 1500
TICKS_A_QUESTION = 100


class EndOfTurn(torch.nn.Module):  # type: ignore[misc]
    """Encoder, attention pooling, classifier, as Smart Turn's training builds them."""

    def __init__(self) -> None:
        super().__init__()
        config = WhisperConfig(  # type: ignore[call-arg]
            d_model=384,
            encoder_layers=4,
            encoder_attention_heads=6,
            encoder_ffn_dim=1536,
            max_source_positions=FRAMES // 2,
            attn_implementation="eager",
        )
        self.encoder = WhisperEncoder(config)
        self.attention = torch.nn.Sequential(
            torch.nn.Linear(384, 256), torch.nn.Tanh(), torch.nn.Linear(256, 1)
        )
        self.classifier = torch.nn.Sequential(
            torch.nn.Linear(384, 256), torch.nn.GELU(), torch.nn.Linear(256, 1)
        )

    def forward(self, input_features: torch.Tensor) -> torch.Tensor:
        states = self.encoder(input_features).last_hidden_state
        weights = torch.softmax(self.attention(states), dim=1)
        likelihood: torch.Tensor = self.classifier((states * weights).sum(dim=1)).sigmoid()
        return likelihood


def save_model(path: Path) -> None:
    torch.onnx.export(
        EndOfTurn().eval(),
        (torch.zeros(1, 80, FRAMES),),
        str(path),
        input_names=["input_features"],
        output_names=["logits"],
        dynamo=False,
    )


def timed(work: Callable[[], object], rounds: int) -> tuple[list[float], list[float]]:
    """Seconds and CPU seconds of each round, after one that is not counted."""
    work()
    seconds, cpu_seconds = [], []
    for _ in range(rounds):
        started, cpu_started = time.perf_counter(), time.thread_time()
        work()
        seconds.append(time.perf_counter() - started)
        cpu_seconds.append(time.thread_time() - cpu_started)
    return seconds, cpu_seconds


async def lateness(judge: TurnJudge | None, pcm: bytes) -> list[float]:
    """By how many seconds an event loop is late for its timers, while `judge` is kept busy."""
    loop = asyncio.get_running_loop()
    late = []
    for tick in range(TICKS):
        if judge is not None and tick % TICKS_A_QUESTION == 0:
            judge.ask(pcm, lambda likelihood: None)
        due = loop.time() + TICK_S
        await asyncio.sleep(TICK_S)
        late.append(loop.time() - due)
    return late


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50)
    rounds = parser.parse_args().rounds
    sound = np.random.default_rng(0).normal(0, 0.1, SECONDS_OF_SPEECH * SAMPLE_RATE)
    speech = sound.astype(np.float32)
    whole = np.pad(speech, (SECONDS * SAMPLE_RATE - len(speech), 0))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "turn.onnx"
        save_model(path)
        size = path.stat().st_size
        model = OnnxTurnModel(str(path))
        answers, answers_cpu = timed(lambda: model.judge(speech), rounds)
        judge = TurnJudge(model, TurnModelCounters())
        pcm = (speech * 32767).astype("<i2").tobytes()
        idle, busy = asyncio.run(lateness(None, pcm)), asyncio.run(lateness(judge, pcm))
        judge.close()
    _, features_cpu = timed(lambda: log_mel(whole), rounds)
    publish(
        "turn_model",
        {
            "model_bytes": float(size),
            "log_mel.cpu_p50_seconds": rounded(statistics.median(features_cpu)),
            "answer.cpu_p50_seconds": rounded(statistics.median(answers_cpu)),
            "answer.p50_seconds": rounded(statistics.median(answers)),
            "answer.p95_seconds": rounded(percentile(answers, 95)),
            "answers_per_cpu_second": rounded(1 / statistics.median(answers_cpu)),
            "loop_late.idle.p99_seconds": rounded(percentile(idle, 99)),
            "loop_late.asking.p99_seconds": rounded(percentile(busy, 99)),
            **machine(),
        },
    )


if __name__ == "__main__":
    main()
