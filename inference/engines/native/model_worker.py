"""`python -m inference.engines.native.model_worker`: the process that runs the model.

Between two steps it reads whatever came; it steps as soon as a slot is ready. It
ends when its standard input closes. Messages: `model_messages`.
"""

import argparse
import math
import os
import select
import signal
import sys
import time
from collections.abc import Sequence

import msgspec
import torch

from chassis.logs import LogFormat, configure_logging
from inference.engines.cascade.worker_messages import Kind, WorkerMessage, WorkerMessageReader
from inference.engines.native.checkpoint import CheckpointError
from inference.engines.native.compaction import ContextLimits
from inference.engines.native.model_messages import ModelInfo
from inference.engines.native.moshi_batch import MoshiBatch, MoshiParts, load_parts
from inference.engines.native.step import StepModel, StepPlan
from inference.engines.native.step_budget import BUDGET_S, slots_within_budget
from inference.engines.native.step_scheduler import SILENCE
from inference.engines.native.step_server import StepServer

LONGEST_REASON = 1000
"""Characters: some of torch's errors are pages."""
SPARE_SLOTS = 1
"""Beside those of sessions: where a long conversation is compacted."""
READ_BYTES = 1 << 20
WARM_UP_STEPS, MEASURED_STEPS = 4, 12


def step_seconds(model: StepModel) -> float:
    """What a step of every slot takes at best: what disturbs it, the running batch shows."""
    plan = StepPlan(dict.fromkeys(range(model.slots), SILENCE), {})
    taken = []
    for _ in range(WARM_UP_STEPS + MEASURED_STEPS):
        began = time.perf_counter()
        model.run(plan)
        taken.append(time.perf_counter() - began)
    return min(taken[WARM_UP_STEPS:])


def fitting_batch(parts: MoshiParts, sessions: int, budget_s: float) -> tuple[MoshiBatch, float]:
    """The largest batch for up to so many sessions that keeps up, and what its step takes.

    Raises CheckpointError when not even one session keeps up.
    """
    measured: dict[int, float] = {}
    batches: list[MoshiBatch] = []

    def measure(slots: int) -> float:
        if batches:
            batches.pop().close()
        try:
            batches.append(MoshiBatch(parts, slots + SPARE_SLOTS))
            measured[slots] = step_seconds(batches[0])
        except torch.OutOfMemoryError:
            measured[slots] = math.inf
        return measured[slots]

    fitting = slots_within_budget(sessions, measure, budget_s)
    if not fitting:
        raise CheckpointError(
            f"a step takes {measured[1]:.3f} s here, and may take {budget_s:.3f} s"
        )
    batches[0].forget(range(batches[0].slots))
    return batches[0], measured[fitting]


def serve(server: StepServer) -> None:
    """Until standard input closes."""
    reader = WorkerMessageReader()
    source, sink = sys.stdin.fileno(), sys.stdout.fileno()
    timeout: float | None = 0.0
    while True:
        if select.select([source], [], [], timeout)[0]:
            data = os.read(source, READ_BYTES)
            if not data:
                return
            for message in reader.feed(data):
                server.receive(message)
        output = server.step()
        timeout = 0.0 if output else server.wait_s()
        _write(sink, b"".join(message.encode() for message in output))


def main(argv: Sequence[str]) -> int:
    options = _options(argv)
    configure_logging("model", options.log_level, LogFormat(options.log_format))
    # Ctrl-C is for the parent, which then closes standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        parts = load_parts(options.model, options.device, int8=options.int8)
        batch, seconds = fitting_batch(parts, options.slots, options.budget_s)
    except (CheckpointError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:LONGEST_REASON]
        failed = WorkerMessage(Kind.FAILED, payload=reason.encode())
        _write(sys.stdout.fileno(), failed.encode())
        return 2
    info = ModelInfo(batch.slots - SPARE_SLOTS, seconds, batch.context_steps)
    hello = WorkerMessage(Kind.MODEL, payload=msgspec.json.encode(info))
    _write(sys.stdout.fileno(), hello.encode() + WorkerMessage(Kind.READY).encode())
    limits = ContextLimits.of(batch.context_steps)
    serve(StepServer(batch, limits, time.monotonic))
    return 0


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--budget-s", type=float, default=BUDGET_S)
    parser.add_argument("--int8", action="store_true")
    parser.add_argument("--log-level", default="info")
    parser.add_argument("--log-format", default=LogFormat.TEXT)
    return parser.parse_args(argv)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
