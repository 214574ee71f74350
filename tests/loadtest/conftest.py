from collections.abc import Iterator

import pytest

from tests.loadtest.called_deployment import CalledDeployment, called_deployment


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "deployment" in getattr(item, "fixturenames", ()) and "loadtest" in item.path.parts:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="package")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CalledDeployment]:
    """One that all tests of the harness share, and leave as they found it."""
    with called_deployment(tmp_path_factory.mktemp("deployment")) as running:
        yield running
