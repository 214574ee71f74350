"""Every alert is silent while all is well, and fires when it is not: judged by promtool."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.prometheus_server import needs_prometheus, promtool
from tests.deploy.rule_files import alerts, all_rules
from tests.deploy.rules.alert_cases import CASES, ILL_MINUTES, WELL_MINUTES, Case

SEVERITIES = {alert.name: alert.severity for alert in alerts()}


def test_every_alert_has_a_case() -> None:
    assert sorted(case.alert for case in CASES) == sorted(SEVERITIES)


def firing(case: Case, minute: int, *, expected: bool) -> dict[str, Any]:
    labels = {"alertname": case.alert, "severity": SEVERITIES[case.alert], **case.labels}
    text = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
    sample = {"labels": f'ALERTS{{alertstate="firing",{text}}}', "value": 1}
    return {
        "expr": f'ALERTS{{alertname="{case.alert}",alertstate="firing"}}',
        "eval_time": f"{minute}m",
        "exp_samples": [sample] if expected else [],
    }


def story(case: Case) -> dict[str, Any]:
    return {
        "name": case.alert,
        "interval": "1m",
        "input_series": [
            {"series": series, "values": values} for series, values in case.series.items()
        ],
        "promql_expr_test": [
            firing(case, WELL_MINUTES - 1, expected=False),
            firing(case, WELL_MINUTES + ILL_MINUTES - 5, expected=True),
        ],
    }


def written(case: Case, directory: Path) -> str:
    """The name of a file with its story and the rules that play in it: all would take a minute."""
    rules = [rule for rule in all_rules() if rule.get("alert") == case.alert or needs(case, rule)]
    groups = {"groups": [{"name": "rules", "rules": rules}]}
    (directory / f"{case.alert}.rules").write_text(yaml.safe_dump(groups))
    file = {
        "rule_files": [f"{case.alert}.rules"],
        "evaluation_interval": "1m",
        "tests": [story(case)],
    }
    name = f"{case.alert}.yaml"
    (directory / name).write_text(yaml.safe_dump(file))
    return name


def needs(case: Case, rule: dict[str, Any]) -> bool:
    """Whether the rule records what the alert asks for."""
    [expression] = [each.expression for each in alerts() if each.name == case.alert]
    return rule.get("record", "none") in expression


@needs_prometheus
def test_alerts_fire_when_they_should_and_name_whom_it_is_about(tmp_path: Path) -> None:
    files = [written(case, tmp_path) for case in CASES]
    said = promtool("test", "rules", *files, directory=tmp_path)
    assert said.count("SUCCESS") == len(CASES)


@needs_prometheus
def test_promtool_finds_an_alert_that_does_not_fire(tmp_path: Path) -> None:
    """So that the test above cannot pass for nothing."""
    silent = Case("AntiphonRelayAbsent", {"antiphon_relay_workers": "1x200"}, {})
    with pytest.raises(AssertionError, match="AntiphonRelayAbsent"):
        promtool("test", "rules", written(silent, tmp_path), directory=tmp_path)
