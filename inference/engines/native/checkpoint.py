"""A Moshi-class model's files: from a directory, or by its id from the Hugging Face hub.

A directory holds what such a repository does: config.json, which names the weights
(safetensors), Mimi's, and the text tokenizer
(https://huggingface.co/kyutai/moshiko-pytorch-bf16).
"""

import json
import re
from pathlib import Path
from typing import Any

from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from moshi.models import loaders

CONFIG = "config.json"
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


class CheckpointError(ValueError):
    """There is no model that this engine can run."""


def checkpoint(path_or_id: str) -> loaders.CheckpointInfo:
    """Where the parts of a model are, downloaded if need be. Raises CheckpointError."""
    directory = Path(path_or_id)
    try:
        if directory.is_dir():
            info = _local(directory)
        elif directory.is_absolute() or not HUB_ID.fullmatch(path_or_id):
            raise CheckpointError("neither a directory nor an id on Hugging Face")
        else:
            info = loaders.CheckpointInfo.from_hf_repo(path_or_id)
    except (OSError, ValueError, KeyError, HfHubHTTPError, HFValidationError) as error:
        raise CheckpointError(f"{path_or_id}: {error}") from error
    if info.model_type != "moshi" or (info.lm_config or {}).get("conditioners"):
        raise CheckpointError(f"{path_or_id} is no model that converses by itself")
    return info


def _local(directory: Path) -> loaders.CheckpointInfo:
    path = directory / CONFIG
    config = json.loads(path.read_text())
    if not isinstance(config, dict):
        raise CheckpointError("config.json is no object")
    mimi_config = config.get("mimi_config_name")
    lora = config.get("lora_name")
    return loaders.CheckpointInfo.from_hf_repo(
        str(directory),
        config_path=path,
        moshi_weights=_file(directory, config, "moshi_name", loaders.MOSHI_NAME),
        mimi_weights=_file(directory, config, "mimi_name", loaders.MIMI_NAME),
        tokenizer=_file(directory, config, "tokenizer_name", loaders.TEXT_TOKENIZER_NAME),
        mimi_config_path=directory / mimi_config if mimi_config else None,
        lora_weights=directory / lora if lora else None,
    )


def _file(directory: Path, config: dict[str, Any], key: str, default: str) -> Path:
    """Raises OSError when it is missing."""
    path = directory / str(config.get(key, default))
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing")
    return path
