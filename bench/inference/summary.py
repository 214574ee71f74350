"""The figures as the section of docs/benchmarks.md, and what they must keep to."""

import textwrap
from collections.abc import Iterator

from bench.tables import Bound, Figures, Table, as_markdown, bound_table

BRAINS = {
    "rules": "rules; 200 ms of silence end a turn",
    "llm300.preemptive": "300 ms to the first token, preemptive; 500 ms of silence",
    "llm300.plain": "300 ms to the first token, begun at the turn's end; 500 ms of silence",
}

STAGES = {
    "turn_ended": "turn ended",
    "transcript_final": "transcript",
    "respond": "asked to answer",
    "first_text": "first text",
    "first_audio": "first audio",
}
"""That the engine's account tells of, in their order."""

BOUNDS = (
    Bound("rules, p50", "turn_latency.rules.p50_seconds", 330, "ms", 1000),
    Bound("rules, p95", "turn_latency.rules.p95_seconds", 480, "ms", 1000),
    Bound(
        "300 ms to the first token, preemptive, p50",
        "turn_latency.llm300.preemptive.p50_seconds",
        600,
        "ms",
        1000,
    ),
    Bound(
        "300 ms to the first token, preemptive, p95",
        "turn_latency.llm300.preemptive.p95_seconds",
        800,
        "ms",
        1000,
    ),
    Bound(
        "taken off by preemption, p50",
        "turn_latency.llm300.saved.ratio",
        30,
        "%",
        100,
        at_least=True,
    ),
    Bound("questions answered right", "answers_right.ratio", 95, "%", 100, at_least=True),
    Bound("other utterances rejected", "out_of_domain_rejected.ratio", 90, "%", 100, at_least=True),
    Bound("voice activity, 64 sessions", "vad.cpu_ratio_64", 0.35, "x one session alone"),
    Bound("cancel to silence on the trunk, p99", "cancel_to_silence.p99_seconds", 20, "ms", 1000),
    Bound("stale audio behind a stalled reader", "stale_audio.seconds", 300, "ms", 1000),
    Bound("a killed replica's call is resumed, p95", "hand_off.resumed_ms.p95", 1000, "ms"),
)

OTHERS = {
    "vad.sessions_1.cpu_seconds_a_window": ("voice activity of a window, 1 session", 1e6, "us CPU"),
    "vad.sessions_64.cpu_seconds_a_window": ("of 64 sessions, each", 1e6, "us CPU"),
    "vad.unpaced.cpu_ratio_64": ("the same without waiting between frames", 1, "x one alone"),
    "cancel_to_silence.p50_seconds": ("cancel to silence on the trunk, p50", 1000, "ms"),
    "stale_audio.live_on_the_wire.seconds": ("live audio on the wire to a stalled reader", 1, "s"),
    "interruptions.real.took_floor.ratio": ("interruptions that took the floor", 100, "%"),
    "interruptions.real.floor_taken.p50_seconds": (
        "from their first sound to that, p50; the agent is silent from the start",
        1000,
        "ms",
    ),
    "interruptions.false.resumed.ratio": (
        "coughs and backchannels after which it went on",
        100,
        "%",
    ),
    "hand_off.gap_ms.p95": ("silence added to an answer whose replica is killed, p95", 1, "ms"),
    "native_cpu.sessions": ("native engine, tiny model: sessions", 1, ""),
    "native_cpu.step.p50_seconds": ("step of the batch, p50", 1000, "ms"),
    "native_cpu.step.p99_seconds": ("step of the batch, p99", 1000, "ms"),
    "native_cpu.on_time.ratio": ("steps in time", 100, "%"),
    "native_cpu.fairness.median_latency_max_to_min": (
        "slowest session's median latency, of the fastest's",
        1,
        "x",
    ),
}
"""Figures without a bound: what, scale, unit."""

DETECTORS = {
    "silence_200ms": "server_vad, 200 ms",
    "silence_500ms": "server_vad, 500 ms",
    "silence_800ms": "server_vad, 800 ms",
    "semantic_high": "semantic_vad, high",
    "semantic_medium": "semantic_vad, medium",
    "semantic_low": "semantic_vad, low",
}


def section(figures: Figures) -> str:
    intro = textwrap.fill(
        "Made by `make bench-inference`: the embedded engine, real processes, speech in real time "
        "but where nothing waits for a clock. "
        f"{_number(figures, 'machine.cores'):.0f} cores ({figures['machine.cpu']}, "
        f"{figures['machine.architecture']}), Linux {figures['machine.kernel']}, Python "
        f"{figures['machine.python']}, load average "
        f"{_number(figures, 'machine.load_average'):.2f} at the start. "
        "[What is measured, and how](../bench/inference/README.md).",
        width=100,
        break_on_hyphens=False,
    )
    return "\n".join(
        [
            "## The inference tier",
            "",
            intro,
            "",
            "![Turn latency, distribution and stages](turn-latency.svg)",
            "",
            "From the last audible sample of the user's speech to the first audio of the answer at",
            "the trunk, milliseconds; and the medians of the engine's own account, which starts at",
            "the arrival of what the voice detector took for the end of speech.",
            "",
            *as_markdown(latency_table(figures)),
            "",
            "What the inference tier must keep to.",
            "",
            *as_markdown(bound_table(BOUNDS, figures)),
            "",
            "Answers to synthesised callers, each in a session of its own, percent.",
            "",
            *as_markdown(answer_table(figures)),
            "",
            "Turns of clauses with pauses between that were cut short, and how long was waited",
            "after whole ones.",
            "",
            *as_markdown(detector_table(figures)),
            "",
            "Besides.",
            "",
            *as_markdown(other_table(figures)),
        ]
    )


def latency_table(figures: Figures) -> Table:
    head = ["brain", "p50", "p95", "turns", *STAGES.values()]
    rows = []
    for brain, text in BRAINS.items():
        name = f"turn_latency.{brain}"
        cells = [_cell(figures, f"{name}.{part}_seconds", 1000) for part in ("p50", "p95")]
        cells.append(_cell(figures, f"{name}.turns", 1))
        cells += [_cell(figures, f"{name}.{stage}.p50_seconds", 1000) for stage in STAGES]
        rows.append([text, *cells])
    return [head, *rows]


def answer_table(figures: Figures) -> Table:
    return [
        ["voice", "answered right", "other utterances rejected"],
        *(
            [
                voice,
                _cell(figures, f"answers_right.{voice}.ratio", 100),
                _cell(figures, f"out_of_domain_rejected.{voice}.ratio", 100),
            ]
            for voice in _voices(figures)
        ),
    ]


def detector_table(figures: Figures) -> Table:
    return [
        ["turn detection", "cut short, %", "waited p50, ms", "waited p95, ms"],
        *(
            [
                text,
                _cell(figures, f"turn_detection.{name}.cut.ratio", 100),
                _cell(figures, f"turn_detection.{name}.plain_wait.p50_seconds", 1000),
                _cell(figures, f"turn_detection.{name}.plain_wait.p95_seconds", 1000),
            ]
            for name, text in DETECTORS.items()
        ),
    ]


def other_table(figures: Figures) -> Table:
    rows = [
        [text, f"{_cell(figures, key, scale)} {unit}".strip()]
        for key, (text, scale, unit) in OTHERS.items()
    ]
    return [["what", "measured"], *rows]


def _voices(figures: Figures) -> Iterator[str]:
    for name in figures:
        kind, _, rest = name.partition(".")
        voice = rest.removesuffix(".ratio")
        if kind == "answers_right" and voice != rest:
            yield voice


def _cell(figures: Figures, key: str, scale: float) -> str:
    value = figures.get(key)
    return f"{value * scale:.4g}" if isinstance(value, float | int) else "not measured"


def _number(figures: Figures, key: str) -> float:
    return float(figures[key])
