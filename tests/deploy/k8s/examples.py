"""Values that the chart is tried with: the tests' own, the chart's examples, and the docs'."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.k8s.helm import CHART

FOLDER = Path(__file__).parent / "examples"
DOCS = CHART.parents[1] / "docs"
_BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def all_examples() -> dict[str, dict[str, Any]]:
    """By name, the defaults among them."""
    files = [("", path) for path in FOLDER.glob("*.yaml")]
    files += [("chart-", path) for path in (CHART / "examples").glob("*.yaml")]
    read = {prefix + path.stem: yaml.safe_load(path.read_text()) for prefix, path in files}
    return {"defaults": {}} | read | dict(_documented())


def _documented() -> Iterator[tuple[str, dict[str, Any]]]:
    """What a page calls values: a block of YAML that has only the chart's values at its top."""
    known = set(yaml.safe_load((CHART / "values.yaml").read_text()))
    for page in sorted(DOCS.glob("*.md")):
        for index, block in enumerate(_BLOCK.findall(page.read_text())):
            values = yaml.safe_load(block)
            if isinstance(values, dict) and set(values) <= known:
                yield f"{page.stem}-{index}", values
