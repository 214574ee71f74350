"""Where the time goes between the user's last word and the agent's first."""

from grafana_foundation_sdk.builders import barchart, common
from grafana_foundation_sdk.models.common import (
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
)

from deploy.grafana.board import Board
from deploy.grafana.panels import SOURCE, Series, heat, lines, number, rows, target

PARTS = ("uplink_wait", "endpointing", "asr", "brain", "tts", "trunk", "pacing", "transport")
"""Of a turn's latency, in the order in which they happen; they sum to its total."""

_SUM = "antiphon_transceiver_turn_latency_seconds_sum"
_COUNT = "antiphon_transceiver_turn_latency_seconds_count"
_TURNS = f'sum(rate({_COUNT}{{POD, part="total"}}[$__range]))'


def _mean(parts: str) -> str:
    """What these parts take of a turn, in the mean over the time shown."""
    return f'sum(rate({_SUM}{{POD, part=~"{parts}"}}[$__range])) / {_TURNS}'


def _step(place: int, name: str, query: str) -> str:
    """A bar of the waterfall; numbered, so that they can be sorted."""
    return f'label_replace({query}, "part", "{place} {name.replace("_", " ")}", "", "")'


def _begins() -> str:
    """When each part begins, behind the turn's last voiced sample."""
    steps = [_step(0, PARTS[0], f"0 * {_mean(PARTS[0])}")]
    steps += [
        _step(at, part, _mean("|".join(PARTS[:at]))) for at, part in enumerate(PARTS) if at > 0
    ]
    steps.append(_step(len(PARTS), "total", f"0 * {_mean('total')}"))
    return " or ".join(steps)


def _lasts() -> str:
    names = (*PARTS, "total")
    return " or ".join(_step(at, part, _mean(part)) for at, part in enumerate(names))


def waterfall() -> barchart.Panel:
    """Bars that begin where the one before ends: what they stand on is not drawn."""
    hidden = [
        DynamicConfigValue("color", {"mode": "fixed", "fixedColor": "transparent"}),
        DynamicConfigValue("custom.hideFrom", {"legend": True, "tooltip": True, "viz": False}),
    ]
    return (
        barchart.Panel()
        .title("The latency ledger: where a turn's time goes")
        .description(
            "The mean turn over the time shown. Each part begins where the one before ends, from "
            "the user's last voiced sample to the agent's first heard one; they sum to the total. "
            "What each part is, says transceiver/ledger.py."
        )
        .datasource(SOURCE)
        .unit("s")
        .span(14)
        .height(10)
        .orientation(VizOrientation.HORIZONTAL)
        .stacking(StackingMode.NORMAL)
        .show_value(VisibilityMode.NEVER)
        .x_field("part")
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(False)
        )
        .targets(
            [
                target(Series(_begins(), ""), instant=True).ref_id("A"),
                target(Series(_lasts(), ""), instant=True).ref_id("B"),
            ]
        )
        .transformations(
            [
                DataTransformerConfig(
                    id_val="joinByField", options={"byField": "part", "mode": "outer"}
                ),
                DataTransformerConfig(
                    id_val="organize",
                    options={
                        "excludeByName": {"Time 1": True, "Time 2": True},
                        "indexByName": {"part": 0, "Value #A": 1, "Value #B": 2},
                        "renameByName": {"Value #A": "begins", "Value #B": "lasts"},
                    },
                ),
                DataTransformerConfig(
                    id_val="sortBy", options={"fields": {}, "sort": [{"field": "part"}]}
                ),
            ]
        )
        .override_by_name("begins", hidden)
    )


def _quantile(share: float, part: str) -> str:
    return f"""histogram_quantile({share}, sum by (le) (rate(
    antiphon_transceiver_turn_latency_seconds_bucket{{POD, part="{part}"}}[$__rate_interval])))"""


def _by_part(share: float) -> str:
    return f"""histogram_quantile({share}, sum by (part, le)
    (rate(antiphon_transceiver_turn_latency_seconds_bucket{{POD}}[$__range])))"""


NOW = (
    number(
        "Turn, p50",
        "From the user's last voiced sample to the agent's first heard one.",
        _quantile(0.5, "total"),
        unit="s",
        colours={0.8: "yellow", 1.2: "red"},
        width=6,
    ),
    number(
        "Turn, p95",
        "The same, for 19 turns of 20.",
        _quantile(0.95, "total"),
        unit="s",
        colours={1.0: "yellow", 1.5: "red"},
        width=6,
        alert="AntiphonTurnLatencyHigh",
    ),
    number(
        "Turns a minute",
        "Spoken turns that were answered.",
        f'sum(rate({_COUNT}{{POD, part="total"}}[$__rate_interval])) * 60',
        width=6,
        decimals=1,
    ),
    number(
        "Answers begun early that were given",
        "Of the answers begun before the turn was over; the others were discarded.",
        """sum(rate(antiphon_inference_cascade_speculation_hits_total{NAMESPACE}[5m]))
        / (sum(rate(antiphon_inference_cascade_speculation_started_total{NAMESPACE}[5m])) > 0)""",
        unit="percentunit",
        width=6,
        decimals=0,
    ),
)

LEDGER = (
    waterfall(),
    rows(
        "By part",
        "What each part takes in the mean, and what half of the turns and 19 of 20 take at most.",
        {
            "mean": Series(
                f"sum by (part) (rate({_SUM}{{POD}}[$__range])) / sum by (part) "
                f"(rate({_COUNT}{{POD}}[$__range]))",
                "",
            ),
            "p50": Series(_by_part(0.5), ""),
            "p95": Series(_by_part(0.95), ""),
        },
        ["part"],
        unit="s",
        width=10,
    ).height(10),
    lines(
        "The mean turn, by part",
        "Its parts on top of each other: the height is the whole.",
        *(
            Series(
                f"""sum(rate({_SUM}{{POD, part="{part}"}}[$__rate_interval]))
                / sum(rate({_COUNT}{{POD, part="total"}}[$__rate_interval]))""",
                part.replace("_", " "),
            )
            for part in PARTS
        ),
        unit="s",
        stacked=True,
        width=12,
    ),
    heat(
        "All turns",
        "How many turns took how long.",
        """sum by (le) (increase(antiphon_transceiver_turn_latency_seconds_bucket{POD,
        part="total", le=~"0[.][1-9].*|[1-9].*|[+]Inf"}[$__rate_interval]))""",
    ),
)


def _stage(share: float) -> str:
    return f"""histogram_quantile({share}, sum by (stage, le)
    (rate(antiphon_inference_stage_seconds_bucket{{NAMESPACE}}[$__rate_interval])))"""


ON_THE_WAY = (
    lines(
        "The engine's stages",
        "Medians from the arrival of the turn's last voiced sample at the engine.",
        Series(_stage(0.5), "{{stage}}"),
        unit="s",
    ),
    lines(
        "Between the tiers",
        "A client's audio from the socket to the trunk, and a probe of a relay worker and back.",
        Series(
            """histogram_quantile(0.99, sum by (le)
            (rate(antiphon_transceiver_arrival_to_engine_seconds_bucket{POD}[$__rate_interval])))""",
            "socket to trunk, p99",
        ),
        Series(
            """histogram_quantile(0.99, sum by (le)
            (rate(antiphon_transceiver_relay_probe_seconds_bucket{POD}[$__rate_interval])))""",
            "relay probe, p99",
        ),
        unit="s",
    ),
    lines(
        "Speech servers",
        "Means: from the end of speech to its transcript, and from text to its first audio.",
        Series(
            """sum(rate(
            antiphon_inference_speech_server_asr_work_seconds_total{NAMESPACE}[$__rate_interval]))
            / (sum(rate(antiphon_inference_speech_server_asr_utterances_total{NAMESPACE}
            [$__rate_interval])) > 0)""",
            "transcript",
        ),
        Series(
            """sum(rate(antiphon_inference_speech_server_tts_first_audio_seconds_total{NAMESPACE}
            [$__rate_interval])) / (sum(rate(
            antiphon_inference_speech_server_tts_pieces_total{NAMESPACE}[$__rate_interval]))
            > 0)""",
            "first audio",
        ),
        unit="s",
    ),
)

BOARD = Board(
    name="latency",
    title="Latency",
    description="Where the time goes between the user's last word and the agent's first.",
    pods_of="antiphon_transceiver_load",
    rows={"Now": NOW, "The ledger": LEDGER, "On the way": ON_THE_WAY},
)
