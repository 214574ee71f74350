import asyncio
import re
from typing import Any

import pytest
import yaml

from tests.deploy.k8s import schemas
from tests.deploy.k8s.examples import all_examples
from tests.deploy.k8s.helm import CHART, render, why_not
from tests.deploy.k8s.release import Release


@pytest.fixture(autouse=True, scope="session")
def helm_is_here() -> None:
    """Nothing of the chart is proven without Helm."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)


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


@pytest.fixture(scope="session", params=sorted(all_examples()))
def release(request: pytest.FixtureRequest) -> Release:
    """What each example makes, at the newest Kubernetes."""
    return asyncio.run(rendered(all_examples()[request.param]))


@pytest.fixture(scope="session")
def releases() -> dict[str, Release]:
    """The same, all of them by name."""
    return {name: asyncio.run(rendered(values)) for name, values in all_examples().items()}


async def rendered(values: dict[str, Any]) -> Release:
    return Release(await render(values))
