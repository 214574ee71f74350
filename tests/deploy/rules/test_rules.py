"""Alerts go by metrics that exist, say what they mean, and lead to a page that says what to do."""

import re
from pathlib import Path

import pytest

from relay.drop_advice import Severity, reasons
from tests.deploy.exposed_metrics import exposed_metrics
from tests.deploy.promql_labels import faults, labels, metric_names
from tests.deploy.rule_files import Alert, alerts, recorded
from tests.test_docs_links import anchors

ALERTS = alerts()
METRICS = exposed_metrics()
RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks.md"

SEVERITIES = {"critical", "warning", "info"}


def test_every_rule_names_metrics_and_labels_that_exist() -> None:
    rules = recorded() | {alert.name: alert.expression for alert in ALERTS}
    assert {name: found for name, rule in rules.items() if (found := faults(rule, METRICS))} == {}


def test_names_are_unique_and_say_whose_they_are() -> None:
    names = [alert.name for alert in ALERTS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"Antiphon[A-Z]\w+", name) for name in names)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_says_how_bad_it_is_and_where_to_read_on(alert: Alert) -> None:
    assert alert.severity in SEVERITIES
    assert set(alert.annotations) == {"summary", "description", "runbook_url"}
    assert alert.annotations["runbook_url"] == f"docs/runbooks.md#{alert.name.lower()}"


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_what_an_alert_says_it_can_fill_in(alert: Alert) -> None:
    text = " ".join(alert.annotations.values())
    assert set(re.findall(r"\$labels\.(\w+)", text)) <= labels(alert.expression, METRICS)


def test_every_alert_has_a_runbook_and_no_runbook_is_of_none() -> None:
    headings = re.findall(r"^### (Antiphon\w+)$", RUNBOOKS.read_text(), re.M)
    assert sorted(headings) == sorted(alert.name for alert in ALERTS)
    assert {alert.name.lower() for alert in ALERTS} <= anchors(RUNBOOKS)


def test_recorded_names_tell_which_labels_are_left() -> None:
    for name, expression in recorded().items():
        level = name.partition(":")[0]
        kept = labels(expression, METRICS) - {"namespace"}
        assert set(level.split("_")) - {"namespace"} == kept, name


def test_the_recorded_faults_are_those_of_the_relay() -> None:
    rule = recorded()["pod_direction_reason:antiphon_relay_fault_drops:rate5m"]
    [listed] = re.findall(r'reason=~"([^"]*)"', rule)
    severities = {reason.value: advice.severity for _way, reason, advice in reasons()}
    known = {reason for reason, severity in severities.items() if severity is Severity.FAULT}
    assert set(listed.split("|")) == known


def test_what_is_recorded_is_used_or_told_of() -> None:
    used = {name for alert in ALERTS for name in metric_names(alert.expression)}
    told = (RUNBOOKS.parent / "metrics.md").read_text()
    assert [name for name in recorded() if name not in used and name not in told] == []
