import re
from collections.abc import Iterator

import pytest
import yaml

from tests.deploy.k8s import schemas
from tests.deploy.k8s.helm import CHART, why_not


@pytest.fixture(autouse=True, scope="session")
def helm_is_here() -> Iterator[None]:
    """Nothing of the chart is proven without Helm."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    yield


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`version`: the oldest Kubernetes that the chart admits, one between, and the newest."""
    if "version" in metafunc.fixturenames:
        metafunc.parametrize("version", versions())


def versions() -> list[str]:
    if why_not() is not None:
        return ["any"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    oldest = re.search(r"\d+\.\d+", chart["kubeVersion"])
    assert oldest is not None
    known = schemas.supported_versions()
    admitted = known[known.index(oldest[0]) :]
    return [admitted[0], admitted[len(admitted) // 2], admitted[-1]]
