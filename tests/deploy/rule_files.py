"""The rules of Prometheus that the chart brings along."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "deploy" / "k8s" / "rules").glob("*.yaml"), reverse=True)


@dataclass(frozen=True, slots=True)
class Alert:
    name: str
    expression: str
    severity: str
    annotations: dict[str, str]


@cache
def all_rules() -> list[dict[str, Any]]:
    """As Prometheus reads them, those that record before those that need it."""
    files = [yaml.safe_load(path.read_text()) for path in RULES]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def recorded() -> dict[str, str]:
    """The expression of each series that is recorded."""
    return {rule["record"]: rule["expr"] for rule in all_rules() if "record" in rule}


def alerts() -> list[Alert]:
    return [
        Alert(rule["alert"], rule["expr"], rule["labels"]["severity"], rule["annotations"])
        for rule in all_rules()
        if "alert" in rule
    ]
