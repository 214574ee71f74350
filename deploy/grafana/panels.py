"""The kinds of panels that the dashboards have, drawn alike.

A panel is 24th parts of the screen wide. In queries, POD stands for the chosen namespaces and
pods, and NAMESPACE for the namespaces alone. Colours follow the rule that a number without
thresholds is never red.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from grafana_foundation_sdk.builders import (
    barchart,
    bargauge,
    common,
    heatmap,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders.dashboard import DashboardLink, FieldColor, ThresholdsConfig
from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    GraphTresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    LineInterpolation,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    DataTransformerConfig,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
RUNBOOKS = "${runbooks}"
"""A dashboard's variable: where docs/runbooks.md is served."""

_SCOPES = {"POD": 'namespace=~"$namespace", pod=~"$pod"', "NAMESPACE": 'namespace=~"$namespace"'}

Levels: TypeAlias = Mapping[float, str]
"""Colours by the value that they begin at; green below the first."""


@dataclass(frozen=True, slots=True)
class Series:
    """One query, and how its lines are called."""

    query: str
    legend: str


def scoped(query: str) -> str:
    """The query on one line, for the namespaces and pods that were chosen."""
    text = " ".join(query.split())
    for token, matchers in _SCOPES.items():
        text = text.replace(f"{{{token}", f"{{{matchers}")
    return text


def target(series: Series, *, instant: bool = False) -> prometheus.Dataquery:
    query = prometheus.Dataquery().datasource(SOURCE).expr(scoped(series.query))
    query.legend_format(series.legend)
    if instant:
        return query.instant().format(PromQueryFormat.TABLE)
    return query.range()


def levels(colours: Levels) -> ThresholdsConfig:
    steps = [Threshold(value=None, color="green")]
    steps += [Threshold(value=value, color=colour) for value, colour in colours.items()]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def runbook(alert: str) -> list[Builder[dashboard.DashboardLink]]:
    """The link in a panel's corner to what to do."""
    link = DashboardLink(f"Runbook: {alert}").type(DashboardLinkType.LINK)
    return [link.url(f"{RUNBOOKS}#{alert.lower()}").target_blank(True)]


def lines(
    title: str,
    description: str,
    *series: Series,
    unit: str = "short",
    width: int = 8,
    stacked: bool = False,
    top: float | None = None,
    alert: str | None = None,
    limit: float | None = None,
) -> timeseries.Panel:
    """Values over time; `limit` is drawn as a line, beyond which somebody should look."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .span(width)
        .height(8)
        .line_width(1)
        .line_interpolation(LineInterpolation.LINEAR)
        .fill_opacity(30 if stacked else 8)
        .show_points(VisibilityMode.NEVER)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
        .targets([*map(target, series)])
    )
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("all"))
    if all(each.query.rstrip().endswith("> 0") for each in series):
        panel.no_value("None")  # What is never counted is left out of the legend.
    if top is not None:
        panel.max(top)
    if limit is not None:
        panel.thresholds(levels({limit: "red"}))
        panel.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(GraphTresholdsStyleMode.DASHED)
        )
    return panel.links(runbook(alert)) if alert else panel


def number(
    title: str,
    description: str,
    query: str,
    *,
    unit: str = "short",
    colours: Levels | None = None,
    width: int = 4,
    decimals: int | None = None,
    alert: str | None = None,
) -> stat.Panel:
    """The present value, large, over how it has been; `colours` make it a verdict."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .span(width)
        .height(4)
        .no_value("-")
        .graph_mode(BigValueGraphMode.AREA)
        .color_mode(BigValueColorMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(target(Series(query, "")))
    )
    if colours is None:
        panel.color_scheme(FieldColor().mode(FieldColorModeId.FIXED).fixed_color("blue"))
    else:
        panel.thresholds(levels(colours))
    if decimals is not None:
        panel.decimals(decimals)
    return panel.links(runbook(alert)) if alert else panel


def gauges(
    title: str,
    description: str,
    series: Series,
    colours: Levels,
    *,
    width: int = 8,
    height: int = 8,
    alert: str | None = None,
) -> bargauge.Panel:
    """How much of something is used, a bar for each line of the query; 1 is all."""
    panel = (
        bargauge.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit("percentunit")
        .min(0)
        .max(1)
        .span(width)
        .height(height)
        .display_mode(BarGaugeDisplayMode.BASIC)
        .orientation(VizOrientation.HORIZONTAL)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(levels(colours))
        .with_target(target(series))
    )
    return panel.links(runbook(alert)) if alert else panel


def heat(title: str, description: str, query: str, *, width: int = 12) -> heatmap.Panel:
    """A histogram over time; the query gives its buckets by `le`, in seconds."""
    buckets = target(Series(query, "{{le}}")).format(PromQueryFormat.HEATMAP)
    return (
        heatmap.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .span(width)
        .height(8)
        .calculate(False)
        .y_axis(heatmap.YAxisConfig().unit("s"))
        .with_target(buckets)
    )


def rows(
    title: str,
    description: str,
    columns: Mapping[str, Series],
    by: Sequence[str],
    *,
    unit: str = "short",
    width: int = 12,
) -> table.Panel:
    """A row for each set of values of the labels `by`, the greatest first; a column for each
    query."""
    targets: list[Builder[variants.Dataquery]] = [
        target(series, instant=True).ref_id(chr(ord("A") + at))
        for at, series in enumerate(columns.values())
    ]
    names = {f"Value #{chr(ord('A') + at)}": name for at, name in enumerate(columns)}
    if len(names) == 1:
        names["Value"] = next(iter(columns))
    greatest_first = common.TableSortByFieldState().display_name(next(iter(columns))).desc(True)
    return (
        table.Panel()
        .sort_by([greatest_first])
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .span(width)
        .height(8)
        .targets(targets)
        .transformations(
            [
                DataTransformerConfig(id_val="merge", options={}),
                DataTransformerConfig(
                    id_val="organize",
                    options={
                        "excludeByName": {"Time": True},
                        "indexByName": {name: at for at, name in enumerate([*by, *names])},
                        "renameByName": names,
                    },
                ),
            ]
        )
    )


Panel: TypeAlias = (
    barchart.Panel | timeseries.Panel | stat.Panel | bargauge.Panel | heatmap.Panel | table.Panel
)
