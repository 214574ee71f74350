"""Writes the measured figures into the docs: `python -m bench.report`, after the others.

In README.md, docs/benchmarks.md and docs/capacity.md, what stands between two comments of a
name is made anew from what was measured on this machine, and kept when nothing was: nobody
types a figure by hand.
"""

import json
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path

from antiphon.turn_report import PARTS
from bench.capacity import section as capacity_section
from bench.figures import OUT
from bench.inference.summary import section as inference_section
from bench.loss.tables import section as loss_section
from bench.narrowband.summary import section as narrowband_section
from bench.proofs import summary as proofs
from bench.relay.summary import BOUNDS, cost_table, latency_table
from bench.rollout.summary import section as rollout_section
from bench.tables import Figures, as_markdown, bound_table
from bench.transceiver import summary as transceiver
from bench.websocket.summary import section as websocket_section

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BENCHMARKS = ROOT / "docs" / "benchmarks.md"
CAPACITY = ROOT / "docs" / "capacity.md"

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
    return _filled(text)


def call_sections(call: Figures, wire: Figures) -> str:
    return "\n".join(
        [
            f"Machine: {call['machine.cores']} cores, {call['machine.architecture']}, "
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
        ]
    )


def relay_section(relay: Figures) -> str:
    return "\n".join(
        [
            "## The relay and its peers",
            "",
            _filled(
                f"Made by `make bench-relay`. {relay['rounds']:.0f} rounds, each relay in turn in "
                f"each, {relay['seconds']:g} s a run: the median, and the smallest and largest "
                f"run. {relay['machine.cores']:.0f} cores ({relay['machine.cpu']}, "
                f"{relay['machine.architecture']}), {_versions(relay)}, load average "
                f"{relay['machine.load_average']:.2f} at the start; "
                f"{relay['not_counted']:.0f} runs not counted. [What is measured, and "
                "how](../bench/relay/README.md)."
            ),
            "",
            "CPU seconds of the relay per million packets, each direction counting one, and the",
            "multiple of the Go reference's. 4096 clients, 4 owners, 120-byte packets, one core.",
            "",
            *as_markdown(cost_table(relay)),
            "",
            _filled(
                "Microseconds, one way, that a relay adds to a packet at 20,000 packets a second, "
                f"{relay['latency20k.scheduling']}."
            ),
            "",
            *as_markdown(latency_table(relay)),
            "",
            _filled(
                "What the relay must keep to. Two workers beside one: by "
                f"{relay.get('workers2.basis', 'nothing, not measured')}."
            ),
            "",
            *as_markdown(bound_table(BOUNDS, relay)),
        ]
    )


def transceiver_section(figures: Figures) -> str:
    return "\n".join(
        [
            "## The transceiver and stock aiortc",
            "",
            _filled(
                f"Made by `make bench-transceiver`. {figures['rounds']:.0f} rounds, each contender "
                f"in turn in each, {figures['seconds']:g} s a run of continuous speech both ways: "
                "the median, and the smallest and largest run. "
                f"{figures['machine.cores']:.0f} cores ({figures['machine.cpu']}, "
                f"{figures['machine.architecture']}), {_versions(figures)}, load average "
                f"{figures['machine.load_average']:.2f} at the start; "
                f"{figures['not_counted']:.0f} runs not counted. [What is measured, and "
                "how](../bench/transceiver/README.md)."
            ),
            "",
            "Calls that one core carries, by the CPU seconds of the measured process, extrapolated",
            "from the load beside it; and what a core carried if it only ran libopus.",
            "",
            *as_markdown(transceiver.load_table(figures)),
            "",
            "Milliseconds, in the same runs.",
            "",
            *as_markdown(transceiver.delay_table(figures)),
            "",
            "Milliseconds but for the last row; medians.",
            "",
            *as_markdown(transceiver.peer_table(figures)),
            "",
            "What the transceiver must keep to.",
            "",
            *as_markdown(bound_table(transceiver.BOUNDS, figures)),
        ]
    )


def _versions(figures: Figures) -> str:
    names = {
        "kernel": "Linux",
        "python": "Python",
        "numba": "numba",
        "numpy": "numpy",
        "go": "Go",
        "coturn": "coturn",
        "libopus": "libopus",
        "aiortc": "aiortc",
    }
    present = {title: figures.get(f"machine.{name}") for name, title in names.items()}
    return ", ".join(f"{title} {found}" for title, found in present.items() if found)


def _filled(text: str) -> str:
    return textwrap.fill(text, width=100, break_long_words=False, break_on_hyphens=False)


def _table(head: str, rows: Mapping[str, str], figures: Figures) -> list[str]:
    lines = [f"| {head} | p50 | p95 |", "|---|---|---|"]
    for label, name in rows.items():
        shown = label.replace("_", " ")
        lines.append(f"| {shown} | {figures[f'{name}.p50']} | {figures[f'{name}.p95']} |")
    return lines


def _whole(figures: Figures, key: str) -> int:
    return round(float(figures[key]))


def _load(name: str) -> Figures | None:
    """None when its command has not run here."""
    try:
        figures: Figures = json.loads((OUT / f"{name}.json").read_text())
    except FileNotFoundError:
        return None
    return figures


def between(document: str, name: str, text: str) -> str:
    """The document with `text` between its two comments of that name."""
    pattern = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=\n<!-- /{name} -->)", re.DOTALL)
    return pattern.sub(lambda _match: text, document, count=1)


def _write(path: Path, name: str, text: str) -> None:
    path.write_text(between(path.read_text(), name, text))


def main() -> None:
    call, wire, relay = _load("first_call"), _load("wire"), _load("relay")
    measured = _load("transceiver")
    if call and wire:
        _write(README, "figures", readme_figures(call))
        _write(BENCHMARKS, "calls", call_sections(call, wire))
    if relay:
        _write(BENCHMARKS, "relay", relay_section(relay))
    if measured:
        _write(BENCHMARKS, "transceiver", transceiver_section(measured))
    if websocket := _load("websocket"):
        _write(BENCHMARKS, "websocket", websocket_section(websocket))
    if rollout := _load("rollout"):
        _write(BENCHMARKS, "rollout", rollout_section(rollout))
    if loss := _load("loss"):
        _write(BENCHMARKS, "loss", loss_section(loss))
    if narrowband := _load("narrowband"):
        _write(BENCHMARKS, "narrowband", narrowband_section(narrowband))
    if (inference := _load("inference")) and not inference["quick"]:
        _write(BENCHMARKS, "inference", inference_section(inference))
    if (load := _load("loadtest_10k")) and load["complete"]:
        _write(README, "load", proofs.readme_figures(load))
        _write(BENCHMARKS, "load", proofs.section(load))
    _write(CAPACITY, "capacity", capacity_section(BENCHMARKS.read_text()))


if __name__ == "__main__":
    main()
