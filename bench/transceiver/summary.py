"""The figures of the transceiver as tables, for a terminal and for the docs."""

from bench.tables import Bound, Figures, Table

_MS = ("ms", 1e3)

BOUNDS = (
    Bound(
        "calls a core, Opus VOIP", "sessions_per_core.voip.antiphon", 100, "calls", at_least=True
    ),
    Bound(
        "calls a core, Opus CELT", "sessions_per_core.celt.antiphon", 150, "calls", at_least=True
    ),
    Bound("calls a core, of aiortc's", "sessions_per_core.ratio", 5, "x", at_least=True),
    Bound("arrival to engine, p50", "arrival_to_engine.p50_seconds", 1, *_MS),
    Bound("arrival to engine, p99", "arrival_to_engine.p99_seconds", 10, *_MS),
    Bound("one lost packet delays, once", "after_one_lost_packet.antiphon.once_seconds", 60, *_MS),
    Bound(
        "one lost packet delays, for good",
        "after_one_lost_packet.antiphon.lasting_seconds",
        1,
        *_MS,
    ),
    Bound("playout frame lateness, p95", "frame_lateness.p95_seconds", 2, *_MS),
    Bound("playout frame lateness, p99", "frame_lateness.p99_seconds", 5, *_MS),
    Bound("playout frame lateness, p99.9", "frame_lateness.p999_seconds", 20, *_MS),
    Bound("CPU of a set-up", "setup_cpu.no_data_channel_seconds", 2, *_MS),
    Bound("CPU of a set-up with data channel", "setup_cpu.data_channel_seconds", 6, *_MS),
    Bound("5 % random loss, recovered by RED", "red_recovered.loss5", 94, "%", 100, at_least=True),
    Bound("memory of a call", "memory_per_session_bytes", 250, "kB", 1e-3),
)

LOADS = {
    "voip.antiphon": "Antiphon, Opus VOIP",
    "voip.aiortc": "aiortc, Opus VOIP",
    "celt.antiphon": "Antiphon, Opus CELT",
}
"""What is compared, by its name in transceiver.json."""

FLOORS = {"voip": "libopus alone, VOIP", "celt": "libopus alone, CELT"}

_PERCENTILES = {"p50": "p50", "p95": "p95", "p99": "p99", "p999": "p99.9"}

_DELAYS = {
    "frame_lateness": "a frame is due, to its leaving (by the transceiver)",
    "frame_lateness_outside.voip.antiphon": "the same, as clients see it",
    "frame_lateness_outside.voip.aiortc": "aiortc, as clients see it",
    "arrival_to_engine": "arrival to the engine's trunk (by the transceiver)",
    "send_to_engine.voip.antiphon": "a client sends, to the engine",
    "send_to_engine.voip.aiortc": "aiortc, a client sends, to the engine",
}


def load_table(figures: Figures) -> Table:
    """Calls a core, the smallest and largest run, and the load that they are extrapolated from."""
    rows = [["", "calls a core", "measured with", "of a core"]]
    for name, title in LOADS.items():
        key = f"sessions_per_core.{name}"
        rows.append(
            [
                title,
                _spread(figures, key),
                _shown(figures, f"{key}.calls", "{:.0f} calls"),
                _shown(figures, f"{key}.load", "{:.0%}"),
            ]
        )
    for name, title in FLOORS.items():
        rows.append([title, _spread(figures, f"sessions_per_core.{name}.libopus_alone"), "", ""])
    return rows


def delay_table(figures: Figures) -> Table:
    """Percentiles in milliseconds."""
    rows = [["from, to", *_PERCENTILES.values()]]
    for name, title in _DELAYS.items():
        keys = (f"{name}.{percentile}_seconds" for percentile in _PERCENTILES)
        rows.append([title, *(_milliseconds(figures, key) for key in keys)])
    return rows


def peer_table(figures: Figures) -> Table:
    """What else is measured of both, in milliseconds but for round trips."""
    rows = {
        "a client sends, to the engine, p50": "after_one_lost_packet.{}.usual_seconds",
        "one lost packet adds, once": "after_one_lost_packet.{}.once_seconds",
        "one lost packet adds, for good": "after_one_lost_packet.{}.lasting_seconds",
        "POST to the first packet of an echo": "start_up.{}.post_to_media_seconds",
    }
    table = [["", "Antiphon", "aiortc"]]
    for title, key in rows.items():
        both = (key.format(who) for who in ("antiphon", "aiortc"))
        table.append([title, *(_milliseconds(figures, each) for each in both)])
    cpu = ("setup_cpu.no_data_channel_seconds", "setup_cpu.aiortc_seconds")
    table.append(["CPU of a set-up, no data channel", *(_milliseconds(figures, k) for k in cpu)])
    trips = (f"start_up.{who}.round_trips" for who in ("antiphon", "aiortc"))
    table.append(["round trips until it can speak", *(_shown(figures, k, "{:.0f}") for k in trips)])
    return table


def _spread(figures: Figures, key: str) -> str:
    value = figures.get(key)
    if not isinstance(value, float | int):
        return "not measured"
    return f"{value:.1f} ({figures[f'{key}.min']:.1f}..{figures[f'{key}.max']:.1f})"


def _milliseconds(figures: Figures, key: str) -> str:
    value = figures.get(key)
    return f"{value * 1e3:.2f}" if isinstance(value, float | int) else "not measured"


def _shown(figures: Figures, key: str, form: str) -> str:
    value = figures.get(key)
    return form.format(value) if isinstance(value, float | int) else "not measured"
