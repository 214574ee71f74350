"""The dashboards that the chart brings along, as Grafana would read them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DASHBOARDS = sorted(
    (Path(__file__).parents[2] / "deploy" / "k8s" / "dashboards").glob("antiphon-*.json")
)


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel."""

    panel: str
    """With its dashboard."""
    expression: str
    legend: str
    instant: bool


def boards() -> dict[str, Any]:
    return {path.stem: json.loads(path.read_text()) for path in DASHBOARDS}


def panels(board: Any) -> Iterator[Any]:
    """Of all rows, folded ones too; without the rows."""
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", ())
        else:
            yield panel


def queries() -> list[Query]:
    return [
        Query(f"{name}: {panel['title']}", each["expr"], each["legendFormat"], "instant" in each)
        for name, board in boards().items()
        for panel in panels(board)
        for each in panel["targets"]
    ]
