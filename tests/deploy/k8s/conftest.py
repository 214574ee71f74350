import pytest

from tests.deploy.k8s.examples import all_examples
from tests.deploy.k8s.helm import admitted_versions, why_not
from tests.deploy.k8s.release import Release
from tests.deploy.k8s.rendered import Releases


@pytest.fixture(autouse=True, scope="session")
def helm_is_here() -> None:
    """Nothing of the chart is proven without Helm."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`version`: the oldest Kubernetes that the chart admits, one between, and the newest."""
    if "version" in metafunc.fixturenames:
        known = admitted_versions() if why_not() is None else ["unknown"]
        metafunc.parametrize("version", known)


@pytest.fixture(scope="session")
def releases(request: pytest.FixtureRequest) -> Releases:
    """What the examples make at the newest Kubernetes, by their names."""
    assert request.config.cache is not None
    return Releases(request.config.cache.mkdir("chart"), all_examples())


@pytest.fixture(scope="session", params=sorted(all_examples()))
def release(request: pytest.FixtureRequest, releases: Releases) -> Release:
    """What each of them makes."""
    return releases[request.param]
