"""Every value changes something of what is made, in one of the examples at least.

The chart's templates become definitions of another chart, which includes them all over and over,
each time with one value changed, and tells a digest of each result: one run of Helm is enough.
"""

import shutil
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.k8s import schemas
from tests.deploy.k8s.examples import all_examples
from tests.deploy.k8s.helm import CHART, helm_at
from tests.deploy.k8s.test_values import LEAVES, VALUES, schema_at

Path_ = tuple[str, ...]

BASES = ("everything", "host-ports", "host-network", "phones", "defaults")

DRIVER = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: digests}
data:
  {{- range $name, $change := .Values.changes }}
  {{- $values := mergeOverwrite (deepCopy $.Values.base) $change }}
  {{- $root := dict "Values" $values }}
  {{- range $builtin := list "Files" "Chart" "Release" "Capabilities" "Template" }}
  {{- $_ := set $root $builtin (index $ $builtin) }}
  {{- end }}
  {{ $name }}: {{ include "everything" $root | sha256sum }}
  {{- end }}
"""

CHANGES: dict[str, Any] = {
    "network.ipFamilies": ["IPv6"],
    "relay.phonePorts.range": "42000-42005",
}
"""Where any other value would not do."""


def changed(path: Path_, value: Any) -> Any:
    """Another value of the kind."""
    schema = schema_at(path) or {}
    if ".".join(path) in CHANGES:
        return CHANGES[".".join(path)]
    if "enum" in schema:
        return next(other for other in schema["enum"] if other != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return f"{value}zz"
    if isinstance(value, list):
        return [] if value else ["zz"]
    return {"zz": "1"} if isinstance(value, dict) else 7777


def nested(path: Path_, value: Any) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    return dict(value)


def at(values: dict[str, Any], path: Path_) -> Any:
    found: Any = values
    for key in path:
        found = found[key]
    return found


def merged(defaults: Any, given: Any) -> Any:
    if not isinstance(defaults, dict) or not isinstance(given, dict):
        return given
    return defaults | {key: merged(defaults.get(key), value) for key, value in given.items()}


def driver_chart(folder: Path) -> Path:
    chart = folder / "chart"
    shutil.copytree(CHART, chart, ignore=shutil.ignore_patterns("values*", "_validation.tpl"))
    sources = [path for path in (chart / "templates").iterdir() if path.suffix in (".yaml", ".txt")]
    includes = "".join(f'{{{{ include "{path.name}" . }}}}' for path in sources)
    definitions = [f'{{{{ define "everything" }}}}{includes}{{{{ end }}}}']
    definitions.append('{{ define "antiphon.validate" }}{{ end }}')
    for path in sources:
        definitions.append(f'{{{{ define "{path.name}" }}}}{path.read_text()}{{{{ end }}}}')
        path.unlink()
    (chart / "templates/_sources.tpl").write_text("\n".join(definitions))
    (chart / "templates/driver.yaml").write_text(DRIVER)
    return chart


async def effective(chart: Path, values: dict[str, Any], paths: set[Path_]) -> set[Path_]:
    """Those of `paths` whose values make a difference to what `values` make."""
    order = sorted(paths)
    changes = {
        f"v{number}": nested(path, changed(path, at(values, path)))
        for number, path in enumerate(order)
    }
    changes |= {"unchanged": {}, "unread": {"nobody": "reads this"}}
    newest = schemas.supported_versions()[-1]
    async with helm_at(newest, crds=schemas.crd_groups(), chart=chart) as helm:
        (made,) = await helm.install({"base": values, "changes": changes})
    digests = made["data"]
    assert digests["unread"] == digests["unchanged"], "what is made is not the same twice"
    return {
        path for number, path in enumerate(order) if digests[f"v{number}"] != digests["unchanged"]
    }


async def test_every_value_changes_what_is_made(tmp_path: Path) -> None:
    own_keys = {
        "keys": {"cluster": {"existingSecret": "a"}, "api": {"existingSecret": "b"}},
        "loadtest": {"tokenSecret": "c"},
    }
    defaults = merged(yaml.safe_load(VALUES), own_keys)
    chart, left = driver_chart(tmp_path), set(LEAVES)
    for base in BASES:
        left -= await effective(chart, merged(defaults, all_examples()[base]), left)
    assert {".".join(path) for path in left} == set()
