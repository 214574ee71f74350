"""Which directories hold a model."""

import json
from pathlib import Path
from shutil import copytree

import pytest

from inference.engines.native.checkpoint import CheckpointError, checkpoint


@pytest.fixture
def directory(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(copytree(tiny_model, tmp_path / "model"))


def test_a_directory(tiny_model: Path) -> None:
    found = checkpoint(str(tiny_model))
    assert {found.moshi_weights.parent, found.mimi_weights.parent, found.tokenizer.parent} == {
        tiny_model
    }


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.model"])
def test_a_file_that_is_missing_is_named(directory: Path, name: str) -> None:
    (directory / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        checkpoint(str(directory))


@pytest.mark.parametrize(
    "change", [{"model_type": "hibiki"}, {"conditioners": {"description": {"type": "lut"}}}]
)
def test_a_model_of_another_kind(directory: Path, change: dict[str, object]) -> None:
    path = directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(CheckpointError, match="converses"):
        checkpoint(str(directory))


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_config_that_is_none(directory: Path, text: str) -> None:
    (directory / "config.json").write_text(text)
    with pytest.raises(CheckpointError):
        checkpoint(str(directory))


@pytest.mark.parametrize("name", ["no such/model/at all", "/no/such/directory", "moshiko"])
def test_neither_a_directory_nor_an_id(name: str) -> None:
    with pytest.raises(CheckpointError, match="neither"):
        checkpoint(name)
