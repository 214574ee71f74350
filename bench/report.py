"""Writes the measured figures into the docs: `python -m bench.report`, after the others.

`docs/benchmarks.md` is made anew. In README.md, what stands between the two `figures`
comments is: nobody types a figure by hand.
"""

import json
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path

from antiphon.turn_report import PARTS
from bench.figures import OUT

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BENCHMARKS = ROOT / "docs" / "benchmarks.md"

Figures = Mapping[str, float | str]

CALLER = {
    "voice_to_voice_ms": "its last voiced sample to the first audible frame of the answer",
    "barge_in_stop_ms": "its first voiced sample over an answer to the answer's last audible frame",
    "post_to_first_audio_ms": "sending the offer to the first audible frame of an echo",
    "echo_ms": "a sound to its echo, on a call that is up",
}


def readme_figures(call: Figures) -> str:
    answered, slowly = (_whole(call, f"voice_to_voice_ms.{p}") for p in ("p50", "p95"))
    stopped = _whole(call, "barge_in_stop_ms.p50")
    text = (
        f"**{answered} ms** from the caller's last voiced sample to the first audible sample of "
        f"the answer (p95 {slowly} ms, {call['turns']} spoken turns), "
        "500 ms of which are the silence that ends a turn; talking over the answer stops it "
        f"{stopped} ms after the first voiced sample. Measured by an aiortc client on the same "
        f"machine, the embedded engine, {call['machine.cores']} cores, no GPU: `make bench`, "
        "[all figures](docs/benchmarks.md)."
    )
    return textwrap.fill(text, width=100)


def benchmarks(call: Figures, wire: Figures) -> str:
    return "\n".join(
        [
            "# Benchmarks",
            "",
            "Made by `make bench`, which runs `bench/wire.py` and `bench/first_call.py` and writes",
            f"this page. Machine: {call['machine.cores']} cores, {call['machine.architecture']}, "
            f"Python {call['machine.python']}, shared with other work.",
            "",
            "## What a caller waits for",
            "",
            "An aiortc client calls `antiphon up` on the same machine, embedded engine, default",
            "settings (a turn ends after 500 ms of silence). Milliseconds, by the caller's clock.",
            "",
            *_table("from, to", {text: name for name, text in CALLER.items()}, call),
            "",
            f"{call['turns']} turns, {call['barge_ins']} interruptions, {call['echo_calls']} echo "
            "calls.",
            "",
            "The server's own account of the same turns, which each `response.done` carries. It",
            "starts at the last sample that the voice detector took for voice, and ends with the",
            "first frame sent, audible or not; so it differs from the caller's measure.",
            "",
            *_table("part", {part: f"account.{part}_ms" for part in ("total", *PARTS)}, call),
            "",
            "## Codecs",
            "",
            "CPU microseconds a call of one codec, the best of several runs.",
            "",
            "| step | us |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in wire.items()),
            "",
        ]
    )


def _table(head: str, rows: Mapping[str, str], figures: Figures) -> list[str]:
    lines = [f"| {head} | p50 | p95 |", "|---|---|---|"]
    for label, name in rows.items():
        shown = label.replace("_", " ")
        lines.append(f"| {shown} | {figures[f'{name}.p50']} | {figures[f'{name}.p95']} |")
    return lines


def _whole(figures: Figures, key: str) -> int:
    return round(float(figures[key]))


def _load(name: str) -> Figures:
    figures: Figures = json.loads((OUT / f"{name}.json").read_text())
    return figures


def main() -> None:
    call, wire = _load("first_call"), _load("wire")
    BENCHMARKS.write_text(benchmarks(call, wire))
    between = re.compile(r"(?<=<!-- figures -->\n).*?(?=\n<!-- /figures -->)", re.DOTALL)
    README.write_text(between.sub(lambda _match: readme_figures(call), README.read_text(), count=1))


if __name__ == "__main__":
    main()
