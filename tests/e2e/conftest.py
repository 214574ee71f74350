from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.nat import Nat
from tests.e2e.running_deployment import RunningDeployment, running_deployment
from tests.e2e.sdk_deployment import SdkDeployment, sdk_deployment
from tests.e2e.sip.sip_deployment import SipDeployment, sip_deployment
from tests.e2e.speech import Speaker


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in filter(_is_end_to_end, items):
        item.add_marker(pytest.mark.e2e)


def _is_end_to_end(item: pytest.Item) -> bool:
    return Path(__file__).parent in item.path.parents


@pytest.fixture(scope="package")
def deployment() -> Iterator[RunningDeployment]:
    """One that tests share, and leave as they found it: two owners behind one public port."""
    with running_deployment("--workers=2") as running:
        yield running


@pytest.fixture(scope="package")
def nat_and_deployment() -> Iterator[tuple[Nat, RunningDeployment]]:
    """One that is reached through a NAT, which is to be opened before a call."""
    nat = Nat()
    host, port = nat.inside
    with running_deployment(f"--advertise={host}:{port}") as running:
        yield nat, running
    nat.close()


@pytest.fixture(scope="package")
def sdks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SdkDeployment]:
    """One over https, whose language model does as it is told."""
    with sdk_deployment(tmp_path_factory.mktemp("sdks")) as running:
        yield running


@pytest.fixture(scope="package")
def sip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SipDeployment]:
    """One that phones and trunks call."""
    with sip_deployment(tmp_path_factory.mktemp("sip")) as running:
        yield running


@pytest.fixture(scope="session")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Speaker:
    return Speaker(tmp_path_factory.mktemp("speech"))
