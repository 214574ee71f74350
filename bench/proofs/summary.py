"""What the load harness proved, as tables for the docs."""

import textwrap

from bench.tables import Bound, Figures, Table, as_markdown, bound_table

BOUNDS = (
    Bound("sessions at once by one public port", "sessions", 10_000, "", at_least=True),
    Bound("sessions set up a second", "setup_rate_per_second", 1000, "", at_least=True),
    Bound("packets lost", "loss_ratio", 0.1, "%", 100),
    Bound("packets that came to another session", "misrouted", 0, ""),
    Bound("a relay that hands over: longest silence", "healing_seconds.hand_over", 1, "s"),
    Bound("one of two relay workers killed: longest silence", "healing_seconds.kill", 1, "s"),
    Bound("WebRTC calls set up in turn", "calls.set_up", 10_000, "", at_least=True),
    Bound("of them at once", "calls.at_once", 100, "", at_least=True),
    Bound("calls that failed", "calls.failed", 0, ""),
)
STAGES = {
    "set_up": "all of it",
    "set_up_signaling": "offer and answer by HTTP",
    "set_up_ice": "ICE",
    "set_up_dtls": "DTLS",
}
TIERS = ("relay", "transceiver", "inference", "harness")
BESIDE = {
    "set_up_ms.p50": "set-up, median, ms",
    "set_up_ms.p99": "set-up, 99th percentile, ms",
    "frame_lateness_ms.p99": "frames late, 99th percentile, ms",
    "voice_to_voice_ms.p50": "a sound to its echo, median, ms",
    "frames_on_schedule": "share of frames on schedule",
    "server_cores": "cores of the server",
}


def section(figures: Figures) -> str:
    """For docs/benchmarks.md, from `bench/out/loadtest_10k.json`."""
    return "\n\n".join(
        [
            "## Load",
            _filled(
                "Made by `make loadtest-10k` ([how](loadtest.md#proofs)): callers, relay, "
                "transceivers and engines on one machine of "
                f"{figures['machine.cores']:.0f} cores ({figures['machine.cpu']})."
            ),
            *_tables(figures),
        ]
    )


def readme_figures(figures: Figures) -> str:
    return _filled(
        f"**{float(figures['sessions']):,.0f} sessions** through one public port, "
        f"{float(figures['packets_per_second']):,.0f} packets a second, "
        f"{100 * float(figures['loss_ratio']):g} % lost and {figures['misrouted']:.0f} misrouted, "
        f"set up at {float(figures['setup_rate_per_second']):,.0f} a second; "
        f"{float(figures['calls.set_up']):,.0f} WebRTC calls in turn, "
        f"{figures['calls.failed']:.0f} failed; "
        f"{figures['largest.sessions']:.0f} at once with every service level held. Callers and "
        f"servers share {figures['machine.cores']:.0f} cores: `make loadtest-10k`, "
        "[load tests](docs/loadtest.md)."
    )


def _tables(figures: Figures) -> list[str]:
    return [
        "\n".join(as_markdown(bound_table(BOUNDS, figures))),
        _filled(
            f"The sessions' packets were {float(figures['packets_per_second']):,.0f} a second, "
            "both ways together, in talk spurts: the most that this machine carried with 99 % on "
            f"schedule. The relay took {figures['relay_us_per_packet']} us of CPU for each, by "
            "which one core of it carries "
            f"{float(figures['relay_core.sessions_speaking_by_spurts']):,.0f} sessions that speak "
            "by spurts at the full rate, or "
            f"{float(figures['relay_core.sessions_speaking_on']):,.0f} that never pause. A "
            "relay that is killed as a whole and started again is silent for "
            f"{figures['healing_seconds.restart']} s: Python starts, and owners announce all "
            "their clients."
        ),
        "Set-up of the calls in turn, milliseconds.",
        "\n".join(as_markdown(_stage_table(figures))),
        _filled(
            f"At once, {figures['largest.sessions']:.0f} full calls held every service level; "
            f"with {figures['largest.failing_sessions']} it was "
            f"`{figures['largest.broke_first']}` that did not hold. By the CPU that the "
            f"callers used, a core drives {float(figures['caller_core.calls']):,.0f} such calls, "
            f"and {float(figures['caller_core.relay_sessions']):,.0f} of the sessions above. "
            "Cores used at the most that held:"
        ),
        "\n".join(as_markdown(_core_table(figures))),
        _filled(
            f"The same {figures['side_by_side.sessions']:.0f} calls to stock aiortc, which relays "
            "nothing, encodes in the same process and has no engine behind it."
        ),
        "\n".join(as_markdown(_beside_table(figures))),
    ]


def _stage_table(figures: Figures) -> Table:
    rows = [["", "p50", "p95", "p99"]]
    for stage, title in STAGES.items():
        shown = [f"{figures[f'calls.{stage}_ms.{each}']}" for each in ("p50", "p95", "p99")]
        rows.append([title, *shown])
    return rows


def _core_table(figures: Figures) -> Table:
    return [
        [tier if tier != "harness" else "the callers" for tier in TIERS],
        [f"{figures[f'largest.cores.{tier}']}" for tier in TIERS],
    ]


def _beside_table(figures: Figures) -> Table:
    rows = [["", "Antiphon", "aiortc"]]
    for name, title in BESIDE.items():
        shown = [f"{figures[f'side_by_side.{each}.{name}']}" for each in ("antiphon", "aiortc")]
        rows.append([title, *shown])
    return rows


def _filled(text: str) -> str:
    return textwrap.fill(text, width=100, break_long_words=False, break_on_hyphens=False)
