"""What a query of Prometheus asks for, and which labels its answer has.

Enough of PromQL's semantics to find a label that cannot be there: a misspelt one in a
matcher, a grouping or a legend gives no error, but a line without a name, or none.
https://prometheus.io/docs/prometheus/latest/querying/operators/
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import promql_parser

from tests.deploy.exposed_metrics import TARGET_LABELS, Exposed

GRAFANA_VARIABLES = {
    "$__rate_interval": "5m",
    "$__range": "20m",
    "$namespace": ".*",
    "$pod": ".*",
}
SET_OPERATORS = ("and", "unless")


def filled_in(query: str) -> str:
    """As Grafana asks Prometheus."""
    for variable, value in GRAFANA_VARIABLES.items():
        query = query.replace(variable, value)
    return query


def faults(query: str, metrics: Mapping[str, Exposed]) -> list[str]:
    """What is wrong with the query's names; raises ValueError where it does not parse."""
    found: list[str] = []
    for node in _nodes(promql_parser.parse(query)):
        match type(node).__name__:
            case "VectorSelector":
                found += _selector_faults(node, metrics)
            case "AggregateExpr" if node.modifier is not None:
                inner = _labels(node.expr, metrics)
                unknown = set(node.modifier.labels) - inner
                found += [f"no series has the label {label} to group by" for label in unknown]
    return found


def labels(query: str, metrics: Mapping[str, Exposed]) -> frozenset[str]:
    """Labels that the query's answer may have."""
    return _labels(promql_parser.parse(query), metrics)


def metric_names(query: str) -> set[str]:
    nodes = _nodes(promql_parser.parse(query))
    return {node.name for node in nodes if type(node).__name__ == "VectorSelector"}


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for name in ("expr", "lhs", "rhs", "args", "vector_selector"):
        below = getattr(node, name, None)
        for each in below if isinstance(below, list) else [below]:
            if each is not None:
                yield from _nodes(each)


def _selector_faults(node: Any, metrics: Mapping[str, Exposed]) -> list[str]:
    exposed = metrics.get(node.name)
    if exposed is None:
        return [f"there is no metric {node.name}"]
    found = []
    for matcher in node.matchers.matchers:
        if matcher.name not in exposed.names():
            found.append(f"{node.name} has no label {matcher.name}")
        values = exposed.labels.get(matcher.name)
        if values:
            found += [
                f"{matcher.name} of {node.name} is never {wanted}"
                for wanted in matcher.value.split("|")
                if not any(re.fullmatch(wanted, value) for value in values)
            ]
    return found


def _labels(node: Any, metrics: Mapping[str, Exposed]) -> frozenset[str]:
    match type(node).__name__:
        case "VectorSelector":
            exposed = metrics.get(node.name)
            return exposed.names() if exposed else TARGET_LABELS
        case "MatrixSelector":
            return _labels(node.vector_selector, metrics)
        case "ParenExpr" | "UnaryExpr" | "SubqueryExpr":
            return _labels(node.expr, metrics)
        case "AggregateExpr":
            return frozenset(node.modifier.labels) if node.modifier else frozenset()
        case "Call":
            return _call_labels(node, metrics)
        case "BinaryExpr":
            return _binary_labels(node, metrics)
    return frozenset()


def _call_labels(node: Any, metrics: Mapping[str, Exposed]) -> frozenset[str]:
    inner = frozenset[str]().union(*(_labels(each, metrics) for each in node.args))
    match node.func.name:
        case "label_replace":
            return inner | {node.args[1].val}
        case "histogram_quantile":
            return inner - {"le"}
        case "absent" | "vector":
            return frozenset()
    return inner


def _binary_labels(node: Any, metrics: Mapping[str, Exposed]) -> frozenset[str]:
    left, right = _labels(node.lhs, metrics), _labels(node.rhs, metrics)
    operator = str(node.op)
    if operator == "or":
        return left | right
    if operator in SET_OPERATORS:
        return left
    return left or right
