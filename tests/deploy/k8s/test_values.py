"""Every value is documented and in the schema; every setting of a tier can be set."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
import yaml

from tests.deploy.k8s.helm import CHART
from tests.deploy.k8s.release import TIERS
from tests.deploy.k8s.rendered import Releases
from tests.deploy.k8s.test_containers import CONFIGS, environment

VALUES = (CHART / "values.yaml").read_text()
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
NOT_FOR_OPERATORS = {"ready-fd", "ready-file", "api-key"}
"""How a process says that it is ready; and an API key beside those of the file."""


def schema_at(path: tuple[str, ...]) -> dict[str, Any] | None:
    found = resolved(SCHEMA)
    for key in path:
        if "properties" not in found:
            return found
        if key not in found["properties"]:
            return None
        found = resolved(found["properties"][key])
    return found


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return found


def leaves(values: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of values; a map whose keys are the operator's is a value."""
    schema = schema_at(path)
    closed = schema is None or "properties" in schema
    if isinstance(values, dict) and values and closed:
        for key, inner in values.items():
            yield from leaves(inner, (*path, key))
    else:
        yield path


LEAVES = list(leaves(yaml.safe_load(VALUES)))


def test_every_value_has_a_comment() -> None:
    lines = VALUES.splitlines()
    bare = [
        line.strip()
        for before, line in zip(["", *lines], lines, strict=False)
        if re.match(r" *[a-zA-Z]+: \S|  resources:", line) and not before.lstrip().startswith("# ")
    ]
    assert [line for line in bare if not re.match("(requests|limits): {", line)] == []


def test_every_value_is_in_the_schema() -> None:
    assert [path for path in LEAVES if schema_at(path) is None] == []


def test_the_schema_has_no_value_that_is_not_there() -> None:
    """`global` is Helm's own, for charts that have this one in them."""
    described = set(described_leaves(SCHEMA)) - {("global",)}
    extra = [
        path
        for path in described
        if not any(path[: len(leaf)] == leaf[: len(path)] for leaf in LEAVES)
    ]
    assert extra == []


def described_leaves(
    schema: dict[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    if "properties" not in schema:
        yield path
    for key, inner in schema.get("properties", {}).items():
        yield from described_leaves(inner, (*path, key))


def test_unknown_values_are_errors_everywhere() -> None:
    """So that a typo is told and not ignored."""

    def open_objects(schema: dict[str, Any], path: str) -> Iterator[str]:
        if "properties" in schema:
            if schema.get("additionalProperties") is not False:
                yield path
            for key, inner in schema["properties"].items():
                yield from open_objects(inner, f"{path}.{key}")

    assert list(open_objects(SCHEMA, "")) == []


@pytest.mark.parametrize("tier", TIERS)
def test_each_setting_of_a_tier_is_the_charts_or_the_operators(
    tier: str, releases: Releases
) -> None:
    allowed = set(SCHEMA["properties"][tier]["properties"]["settings"]["properties"])
    by_chart = set()
    for name in releases.names():
        variables = environment(releases[name].container(tier))
        operators = {"ANTIPHON_" + flag.upper().replace("-", "_") for flag in allowed}
        by_chart |= {
            variable.removeprefix("ANTIPHON_").lower().replace("_", "-")
            for variable in variables
            if variable.startswith("ANTIPHON_") and variable not in operators
        }
    flags = {field.name.replace("_", "-") for field in fields(CONFIGS[tier])}
    assert allowed <= flags, "settings that the tier does not have"
    assert flags - allowed - by_chart - NOT_FOR_OPERATORS == set(), "nobody can set these"
