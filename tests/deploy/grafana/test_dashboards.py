"""What an operator is shown has a name, a unit, and a metric behind it."""

import re
from itertools import combinations
from typing import Any

import pytest

from deploy.grafana.__main__ import files
from deploy.grafana.boards import latency
from tests.deploy.dashboard_files import boards, panels, queries
from tests.deploy.exposed_metrics import exposed_metrics
from tests.deploy.promql_labels import faults, filled_in, labels
from tests.deploy.rule_files import alerts
from transceiver.ledger import TurnAccount

BOARDS = boards()
PANELS = [(name, panel) for name, board in BOARDS.items() for panel in panels(board)]
METRICS = exposed_metrics()


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_the_file_is_that_of_the_code(path) -> None:
    """`python -m deploy.grafana` makes it anew."""
    assert path.read_text() == files()[path]


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_can_be_told_from_the_others_and_filtered(name: str) -> None:
    board = BOARDS[name]
    assert board["uid"] == name
    assert board["description"].endswith(".")
    assert "antiphon" in board["tags"]
    assert {"datasource", "namespace"} <= {each["name"] for each in board["templating"]["list"]}
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)


def test_every_panel_says_what_it_shows_and_in_which_unit() -> None:
    for name, panel in PANELS:
        where = f"{name}: {panel['title']}"
        assert panel["description"].endswith("."), where
        assert panel["fieldConfig"]["defaults"].get("unit") or panel["type"] == "heatmap", where
        assert panel["datasource"]["uid"] == "${datasource}", where


@pytest.mark.parametrize("name", BOARDS)
def test_panels_fill_the_screen_and_hide_none(name: str) -> None:
    open_panels = [each["gridPos"] for each in BOARDS[name]["panels"]]
    assert all(each["x"] + each["w"] <= 24 for each in open_panels)
    for one, other in combinations(open_panels, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)


def test_every_query_names_metrics_and_labels_that_exist() -> None:
    wrong = {
        query.panel: found
        for query in queries()
        if (found := faults(filled_in(query.expression), METRICS))
    }
    assert wrong == {}


def test_every_legend_names_labels_that_the_answer_has() -> None:
    for query in queries():
        named = set(re.findall(r"\{\{(\w+)\}\}", query.legend))
        assert named <= labels(filled_in(query.expression), METRICS), query


def test_one_may_choose_by_what_exists() -> None:
    variables = [each for board in BOARDS.values() for each in board["templating"]["list"]]
    asked = [each["query"] for each in variables if each["type"] == "query"]
    for query in asked:
        match = re.fullmatch(r"label_values\((\w+)(\{.*\})?, (\w+)\)", query)
        assert match, query
        assert match[1] in METRICS


def test_alerts_are_marked_in_every_panel() -> None:
    for board in BOARDS.values():
        [mark] = board["annotations"]["list"]
        assert faults(filled_in(mark["expr"]), METRICS) == []


def links(panel: Any) -> list[str]:
    return [link["url"] for link in panel.get("links", ())]


def test_links_lead_to_alerts() -> None:
    known = {f"${{runbooks}}#{alert.name.lower()}" for alert in alerts()}
    linked = {url for _name, panel in PANELS for url in links(panel)}
    assert linked <= known
    assert len(linked) > 20


def test_the_waterfall_has_the_ledgers_parts() -> None:
    assert TurnAccount.__slots__ == latency.PARTS
