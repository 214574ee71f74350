"""`python -m bench.native_gpu`: how many conversations one GPU holds at the size of real weights.

Moshi's architecture (7.7 billion parameters, 16 bit) and Mimi with random weights: a step
costs what it would with trained ones. Batches of 1 to 64 slots, with CUDA graphs and
without, and with 8 bit weights on request; in each, slots stall and begin anew as they do
in use. Counted is the time of a whole step: hear, think, speak, and bring the result to
the host. A batch is held where 99 % of its steps take less than 80 ms.

Needs torch, moshi (PYTHONPATH may name an unpacked wheel), einops, sentencepiece,
safetensors, huggingface_hub, numpy and this checkout; `PYTHONPATH=.:proto`.
On a CPU, to see that it runs: `--lm tiny --device cpu`.
"""

import argparse
import contextlib
import gc
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.random_moshi import TINY_LM, Pieces, random_lm, random_mimi, tiny_mimi_config

# isort: split
import numpy as np
import torch
from moshi.models import loaders
from moshi.utils.compile import no_cuda_graph

from bench.figures import OUT, percentile, rounded
from inference.engines.native.int8_linear import quantise
from inference.engines.native.moshi_batch import MoshiBatch, MoshiParts
from inference.engines.native.step import STEP_S, STEP_SAMPLES, StepPlan

WARM_UP_STEPS = 8
STALL_EVERY, BEGIN_ANEW_EVERY = 7, 20
BUDGET_S = 0.8 * STEP_S
"""What admission allows a step."""

Figures = dict[str, float | str | bool]


def model(options: argparse.Namespace) -> MoshiParts:
    dtype = torch.bfloat16 if options.device.startswith("cuda") else torch.float32
    tiny = options.lm == "tiny"
    config: dict[str, Any] = {**loaders._lm_kwargs, **(TINY_LM if tiny else {})}
    if not tiny:
        config["context"] = options.context
    mimi = random_mimi(tiny_mimi_config() if tiny else None, options.device)
    lm = random_lm(config, options.device, dtype, spread=0.2 if tiny else 0.02)
    if options.int8:
        quantise(lm)
    return MoshiParts(mimi, lm, Pieces())


def step_times(batch: MoshiBatch, steps: int) -> list[float]:
    """Seconds of each step, its results on the host."""
    random = np.random.default_rng(0)
    voice = (random.standard_normal((batch.slots, STEP_SAMPLES)) * 0.1).astype(np.float32)
    taken = []
    for number in range(WARM_UP_STEPS + steps):
        heard = {slot: voice[slot] for slot in range(batch.slots)}
        if number % STALL_EVERY == 3 and batch.slots > 1:
            del heard[number % batch.slots]
        resets = (number % batch.slots,) if number % BEGIN_ANEW_EVERY == 11 else ()
        began = time.perf_counter()
        batch.run(StepPlan(heard, {}, resets))
        taken.append(time.perf_counter() - began)
    return taken[WARM_UP_STEPS:]


def measure(parts: MoshiParts, slots: int, steps: int, *, graphs: bool) -> Figures:
    """Raises torch.OutOfMemoryError."""
    with (
        contextlib.nullcontext() if graphs else no_cuda_graph(),
        closing(MoshiBatch(parts, slots)) as batch,
    ):
        taken = step_times(batch, steps)
    p99 = percentile(taken, 99)
    return {
        "slots": slots,
        "cuda_graphs": graphs,
        "step_p50_seconds": rounded(percentile(taken, 50)),
        "step_p99_seconds": rounded(p99),
        "step_max_seconds": rounded(max(taken)),
        "on_time_ratio": rounded(sum(seconds < STEP_S for seconds in taken) / len(taken)),
        "held": p99 < STEP_S,
        "admitted": p99 <= BUDGET_S,
        **memory(),
    }


def memory() -> dict[str, float]:
    if not torch.cuda.is_available():
        return {}
    peak = torch.cuda.max_memory_allocated() / 2**30
    torch.cuda.reset_peak_memory_stats()
    return {"memory_gib": rounded(peak)}


def runs(parts: MoshiParts, options: argparse.Namespace) -> Iterator[Figures]:
    on_cuda = options.device.startswith("cuda")
    for graphs in (True, False) if on_cuda else (False,):
        for slots in options.slots:
            try:
                yield measure(parts, slots, options.steps, graphs=graphs)
            except torch.OutOfMemoryError:
                yield {"slots": slots, "cuda_graphs": graphs, "out_of_memory": True, "held": False}
                break
            finally:
                gc.collect()
                if on_cuda:
                    torch.cuda.empty_cache()


def main(argv: Sequence[str]) -> int:
    options = _options(argv)
    if options.device == "cpu":
        torch.set_num_threads(1)
    parts = model(options)
    device = torch.cuda.get_device_name() if options.device.startswith("cuda") else "cpu"
    weights = sum(each.numel() for each in parts.language_model.parameters())
    report: dict[str, Any] = {
        "device": device,
        "torch": torch.__version__,
        "lm": options.lm,
        "int8": options.int8,
        "context_steps": parts.language_model.context,
        "lm_parameters": weights,
        "runs": [],
    }
    path = Path(os.environ.get("OUT") or OUT) / f"native_gpu{'_int8' if options.int8 else ''}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    for figures in runs(parts, options):
        print(json.dumps(figures), flush=True)
        report["runs"].append(figures)
        path.write_text(json.dumps(report, indent=2) + "\n")
    for graphs in (True, False):
        runs_so = [run for run in report["runs"] if run["cuda_graphs"] == graphs]
        if held := [run["slots"] for run in runs_so if run["held"]]:
            print(f"streams held on {device}, CUDA graphs {'on' if graphs else 'off'}: {max(held)}")
    return 0


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--lm", choices=("full", "tiny"), default="full")
    parser.add_argument("--context", type=int, default=3000, help="steps that are remembered")
    parser.add_argument("--steps", type=int, default=120, help="measured in each batch")
    parser.add_argument("--int8", action="store_true", help="8 bit weights")
    parser.add_argument(
        "--slots",
        type=lambda text: [int(part) for part in text.split(",")],
        default=[1, 2, 4, 8, 16, 24, 32, 48, 64],
        help="batch sizes, with commas between",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
