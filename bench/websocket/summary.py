"""The figures of the sessions over WebSockets as tables, for a terminal and for the docs."""

import textwrap

from bench.figures import percentile, rounded
from bench.tables import Figures, Table, as_markdown
from bench.websocket.event_load import LoadRun
from bench.websocket.stamping_inference import FRAME_MS

PERCENTILES = {"p50": 50.0, "p95": 95.0, "p99": 99.0, "p999": 99.9}

DELAYS = {
    "event_to_event": "`conversation.item.retrieve` sent, to `conversation.item.retrieved`",
    "append_to_engine": "`input_audio_buffer.append` sent, to the engine",
    "engine_to_delta": "the engine makes audio, to `response.output_audio.delta`",
}


def figures_of(run: LoadRun) -> dict[str, float | str]:
    """What `bench/out/websocket.json` holds of a run."""
    delays = {
        "event_to_event": run.asked,
        "append_to_engine": run.spoken,
        "engine_to_delta": run.heard,
    }
    return {
        "sessions": float(run.sessions),
        "seconds": rounded(run.seconds),
        "worker_load": rounded(run.busy),
        "cpu_per_session_ms_per_s": rounded(1000 * run.busy / run.sessions),
        "memory_per_session_bytes": rounded(run.bytes_per_session),
        **{
            f"{name}.{label}_seconds": rounded(percentile(values, percent))
            for name, values in delays.items()
            for label, percent in PERCENTILES.items()
        },
        **{f"{name}.count": float(len(values)) for name, values in delays.items()},
        **{
            f"load.{name}": rounded(used / run.seconds)
            for name, used in run.other_cpu_seconds.items()
        },
    }


def delay_table(figures: Figures) -> Table:
    """Percentiles in milliseconds."""
    rows = [["from, to", "p50", "p95", "p99", "p99.9"]]
    for name, title in DELAYS.items():
        values = (float(figures[f"{name}.{label}_seconds"]) for label in PERCENTILES)
        rows.append([title, *(f"{1000 * value:.1f}" for value in values)])
    return rows


def section(figures: Figures) -> str:
    """For docs/benchmarks.md."""
    text = (
        f"Made by `make bench-websocket`. {figures['sessions']:.0f} sessions at once on one worker "
        f"for {figures['seconds']:.0f} s, each with audio both ways without a pause: events of "
        f"{FRAME_MS} ms, PCM of 24 kHz, which the worker resamples to 16 kHz for the engine; and a "
        "question a second. The worker has a core for itself and used "
        f"{100 * float(figures['worker_load']):.0f} % of it: "
        f"**{figures['cpu_per_session_ms_per_s']} ms of CPU a session and second**, "
        f"{float(figures['memory_per_session_bytes']) / 1000:.0f} kB of memory a session. "
        f"{figures['machine.cores']:.0f} cores ({figures['machine.cpu']}, "
        f"{figures['machine.architecture']}), Linux {figures['machine.kernel']}, Python "
        f"{figures['machine.python']}, load average {figures['machine.load_average']:.2f} at the "
        "start. [What is measured, and how](../bench/websocket/README.md)."
    )
    filled = textwrap.fill(text, width=100, break_long_words=False, break_on_hyphens=False)
    return "\n".join(
        [
            "## Sessions over WebSockets",
            "",
            filled,
            "",
            "Milliseconds.",
            "",
            *as_markdown(delay_table(figures)),
        ]
    )
