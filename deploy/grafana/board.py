"""What all dashboards have: variables to choose by, links to each other, alerts as marks."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
    TextBoxVariable,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    VariableHide,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from deploy.grafana.panels import SOURCE, Panel

TAG = "antiphon"
ALL = VariableOption(selected=True, text="All", value="$__all")
RUNBOOKS_PAGE = "docs/runbooks.md"


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard: rows of panels, by the rows' titles."""

    name: str
    """Of its file and its uid, behind `antiphon-`."""
    title: str
    description: str
    pods_of: str | None
    """A metric that the pods have from which one may choose; None where it shows all tiers."""
    rows: Mapping[str, Sequence[Panel]]
    folded: frozenset[str] = field(default_factory=frozenset)
    """Rows that are closed at first, as not every deployment has what they show."""

    def json(self) -> str:
        """As Grafana imports it."""
        board = self._frame()
        for title, panels in self.rows.items():
            row = Row(title)
            if title in self.folded:
                board.with_row(_folded(row, panels))
                continue
            board.with_row(row)
            for panel in panels:
                board.with_panel(panel)
        text = json.dumps(board.build(), cls=JSONEncoder, sort_keys=True)
        return json.dumps(_numbered(json.loads(text)), indent=2) + "\n"

    def _frame(self) -> Dashboard:
        board = (
            Dashboard(f"Antiphon / {self.title}")
            .uid(f"antiphon-{self.name}")
            .description(self.description)
            .tags([TAG])
            .refresh("15s")
            .time("now-1h", "now")
            .timezone("browser")
            .tooltip(DashboardCursorSync.CROSSHAIR)
            .with_variable(DatasourceVariable("datasource").label("Data source").type("prometheus"))
            .with_variable(_choice("namespace", "Namespace", "antiphon_build_info"))
            .link(_others())
            .annotation(_firing())
        )
        if self.pods_of is not None:
            metric = f'{self.pods_of}{{namespace=~"$namespace"}}'
            board.with_variable(_choice("pod", "Pod", metric))
        runbooks = TextBoxVariable("runbooks").label("Runbooks").default_value(RUNBOOKS_PAGE)
        return board.with_variable(runbooks.hide(VariableHide.HIDE_VARIABLE))


def _choice(name: str, label: str, metric: str) -> QueryVariable:
    """All at first: `.*` matches a series that lacks the label as well."""
    return (
        QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(f"label_values({metric}, {name})")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(ALL)
    )


def _others() -> DashboardLink:
    link = DashboardLink("Antiphon").type(DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.as_dropdown(True).include_vars(True).keep_time(True)


def _firing() -> AnnotationQuery:
    """Marks in every panel for as long as an alert fires."""
    return (
        AnnotationQuery()
        .name("Alerts")
        .datasource(SOURCE)
        .enable(True)
        .hide(False)
        .icon_color("red")
        .expr('ALERTS{alertname=~"Antiphon.*", alertstate="firing", namespace=~"$namespace"}')
    )


def _folded(row: Row, panels: Sequence[Panel]) -> Row:
    row.collapsed(True)
    for panel in panels:
        row.with_panel(panel)
    return row


def _numbered(board: dict[str, Any]) -> dict[str, Any]:
    """With ids of panels, by which links and the marks of annotations know them."""
    panels = [each for top in board["panels"] for each in (top, *top.get("panels", ()))]
    for number, panel in enumerate(panels, start=1):
        panel["id"] = number
    return board
