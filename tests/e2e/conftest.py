from collections.abc import Iterator

import pytest

from tests.e2e.running_deployment import RunningDeployment, running_deployment
from tests.e2e.speech import Speaker


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e/" in item.nodeid:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def deployment() -> Iterator[RunningDeployment]:
    """One that tests share, and leave as they found it: two owners behind one public port."""
    with running_deployment("--workers=2") as running:
        yield running


@pytest.fixture(scope="session")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Speaker:
    return Speaker(tmp_path_factory.mktemp("speech"))
