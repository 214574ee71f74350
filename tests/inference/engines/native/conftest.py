"""One tiny model for all tests of the native engine, loaded as a real one is."""

from pathlib import Path

import pytest
import torch

from bench.random_moshi import write_tiny
from inference.engines.native.engine import NativeOptions
from inference.engines.native.moshi_batch import MoshiParts, load_parts


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def options(tiny_model: Path) -> NativeOptions:
    """Of an engine for two sessions, however busy the machine is."""
    return NativeOptions(model=str(tiny_model), slots=2, device="cpu", threads=1, step_budget_s=5.0)


@pytest.fixture(scope="session")
def parts(tiny_model: Path) -> MoshiParts:
    # Threads that wait for one another cost more than such small steps are worth.
    torch.set_num_threads(1)
    return load_parts(str(tiny_model), "cpu")
