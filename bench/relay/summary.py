"""The figures of the relay as tables, for a terminal and for the docs."""

from collections.abc import Sequence

from bench.tables import Bound, Figures, Table

COLUMNS = {
    "saturated.up": "up",
    "saturated.down": "down",
    "saturated.both": "both",
    "saturated.both_single": "both, single",
    "paced10k.both": "paced 10k/s",
    "paced20k.both": "paced 20k/s",
}
RELAYS = {
    "antiphon": "Antiphon",
    "antiphon_unmoderated": "Antiphon, moderation off",
    "antiphon_plain": "Antiphon, fast path off",
    "go": "Go reference",
    "go_unlocked": "Go, threads not locked",
    "asyncio": "asyncio",
    "coturn": "coturn, ChannelData",
}
LATENCIES = {
    "moderated": "Antiphon",
    "unmoderated": "Antiphon, moderation off",
    "go": "Go reference",
    "direct": "(no relay: the whole way)",
}


_OF_GO = "x Go"
BOUNDS = (
    Bound("CPU, saturated, both ways", "saturated.both.ratio", 0.5, _OF_GO),
    Bound("CPU, saturated, up", "saturated.up.ratio", 0.35, _OF_GO),
    Bound("CPU, saturated, down", "saturated.down.ratio", 0.85, _OF_GO),
    Bound("CPU, 20,000 packets/s each way", "paced20k.both.ratio", 0.35, _OF_GO),
    Bound("added latency, p50", "latency20k.moderated.p50_seconds", 1, "ms", 1e3),
    Bound("added latency, p99", "latency20k.moderated.p99_seconds", 2.5, "ms", 1e3),
    Bound(
        "added latency, moderation off, p50", "latency20k.unmoderated.p50_seconds", 50, "us", 1e6
    ),
    Bound("two workers carry, of one", "workers2.speedup", 1.7, "x", at_least=True),
    Bound("flow table, a flow", "memory.table_bytes_per_flow", 100, "bytes"),
    Bound("memory growth over refreshes", "memory.growth", 1, "%", 100),
    Bound("flow installs", "install.flows_per_second", 20_000, "flows/s", at_least=True),
)


def cost_table(figures: Figures) -> Table:
    """CPU seconds a million packets, the spread, and the multiple of the Go relay's."""
    rows = [["relay", *COLUMNS.values()]]
    for relay, title in RELAYS.items():
        rows.append([title, *(_cost(figures, load, relay) for load in COLUMNS)])
    return rows


def latency_table(figures: Figures) -> Table:
    """One way, in microseconds."""
    rows = [["relay", "p50", "p99"]]
    for name, title in LATENCIES.items():
        keys = (f"latency20k.{name}.{percentile}_seconds" for percentile in ("p50", "p99"))
        rows.append([title, *(_microseconds(figures, key) for key in keys)])
    return rows


def _cost(figures: Figures, load: str, relay: str) -> str:
    key = f"{load}.{relay}"
    value, go = figures.get(key), figures.get(f"{load}.go")
    if not isinstance(value, float | int):
        return "not measured"
    shown = f"{value:.2f} ({figures[f'{key}.min']:.2f}..{figures[f'{key}.max']:.2f})"
    return f"{shown} {value / go:.2f}x" if isinstance(go, float | int) else shown


def _microseconds(figures: Figures, key: str) -> str:
    value = figures.get(key)
    if not isinstance(value, float | int):
        return "not measured"
    spread: Sequence[float | str] = (figures[f"{key}.min"], figures[f"{key}.max"])
    low, high = (float(each) * 1e6 for each in spread)
    return f"{value * 1e6:.1f} ({low:.1f}..{high:.1f})"
