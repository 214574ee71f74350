"""Moshi-class models with random weights, saved as real ones are.

Mimi's codebooks are placed where its random encoder's output lies. Else every
frame would get the same code, and no test of what a model hears could fail.
"""

import copy
import io
import json
import os
from pathlib import Path
from typing import Any

# Before moshi is imported: compiling such small steps takes longer than running them.
os.environ.setdefault("NO_TORCH_COMPILE", "1")

import sentencepiece
import torch
from moshi.models import loaders
from moshi.models.compression import MimiModel
from moshi.models.lm import LMModel
from safetensors.torch import save_file

CONTEXT_STEPS = 64
TEXT_CARD = 100

TINY_LM = {
    "dim": 64,
    "num_heads": 4,
    "num_layers": 2,
    "context": CONTEXT_STEPS,
    "depformer_dim": 32,
    "depformer_dim_feedforward": 64,
    "depformer_num_heads": 4,
    "depformer_num_layers": 2,
    "text_card": TEXT_CARD,
    "card": 64,
}

CORPUS = (
    "the quick brown fox jumps over the lazy dog",
    "what time is it now and where do we go from here",
    "set a timer for five minutes and tell me when it is done",
)


def write_tiny(directory: Path, seed: int = 0) -> Path:
    """A model of 0.3 million parameters, in the layout of a repository of Kyutai's."""
    torch.manual_seed(seed)
    directory.mkdir(parents=True, exist_ok=True)
    lm_config = {**loaders._lm_kwargs, **TINY_LM}
    mimi_config = tiny_mimi_config()
    mimi = random_mimi(mimi_config)
    lm = random_lm(lm_config, "cpu", torch.float32, spread=0.2)
    save_file(_own(mimi.state_dict()), directory / "mimi.safetensors")
    save_file(_own(lm.state_dict()), directory / "model.safetensors")
    (directory / "tokenizer.model").write_bytes(_tokenizer())
    (directory / "mimi.json").write_text(json.dumps(mimi_config))
    names = {
        "moshi_name": "model.safetensors",
        "mimi_name": "mimi.safetensors",
        "mimi_config_name": "mimi.json",
        "tokenizer_name": "tokenizer.model",
    }
    (directory / "config.json").write_text(json.dumps({**lm_config, **names}))
    return directory


def random_mimi(config: dict[str, Any] | None = None, device: str = "cpu") -> MimiModel:
    """Mimi with codebooks that tell frames apart; the full size by default."""
    mimi = loaders.get_mimi(None, config, device=device, num_codebooks=8)
    with torch.no_grad():
        for rvq in (mimi.quantizer.rvq_first, mimi.quantizer.rvq_rest):
            for layer in rvq.vq.layers:
                _place(
                    layer._codebook, torch.zeros((), device=device), torch.ones((), device=device)
                )
        latents = mimi.encode_to_latent(_calibration_noise(device), quantize=False)
        for rvq in (mimi.quantizer.rvq_first, mimi.quantizer.rvq_rest):
            seen = rvq.input_proj(latents).transpose(1, 2).flatten(0, 1)
            mean, deviation = seen.mean(0), seen.std(0)
            for index, layer in enumerate(rvq.vq.layers):
                _place(layer._codebook, mean if index == 0 else 0 * mean, deviation * 0.8**index)
    return mimi


def random_lm(
    config: dict[str, Any], device: str, dtype: torch.dtype, spread: float = 0.02
) -> LMModel:
    """`spread`: standard deviation of the weights."""
    model = loaders.get_moshi_lm(None, lm_kwargs=config, device=device, dtype=dtype)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=spread)
    return model.eval()


def tiny_mimi_config() -> dict[str, Any]:
    config = copy.deepcopy(loaders._mimi_config)
    config["seanet"].update(n_filters=8, dimension=64)
    config["quantizer"].update(
        dimension=32, input_dimension=64, output_dimension=64, bins=64, n_q=8
    )
    config["transformer"].update(
        d_model=64,
        num_heads=4,
        num_layers=2,
        dim_feedforward=128,
        input_dimension=64,
        output_dimensions=[64],
        context=50,
    )
    return config


def _place(codebook: torch.nn.Module, mean: torch.Tensor, deviation: torch.Tensor) -> None:
    codes = codebook.embedding_sum
    codes.copy_(mean + deviation * torch.randn_like(codes))
    codebook.cluster_usage.fill_(1.0)
    codebook._initialized.fill_(1.0)
    codebook.register_buffer("_embedding", None, persistent=False)


def _calibration_noise(device: str) -> torch.Tensor:
    """(4, 1, 8 frames) of noise, from soft to loud."""
    loudness = torch.linspace(0.02, 1, 8).repeat_interleave(1920)
    levels = torch.tensor([0.3, 1, 2, 0.6]).view(4, 1, 1)
    return (torch.randn(4, 1, 8 * 1920) * loudness * levels).to(device)


def _own(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copies that share no memory, which safetensors refuses."""
    return {name: tensor.clone().contiguous() for name, tensor in state.items()}


def _tokenizer() -> bytes:
    """A sentencepiece model with Moshi's special tokens: 0 ends a word's padding, 3 pads."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS),
        model_writer=model,
        vocab_size=TEXT_CARD,
        hard_vocab_limit=False,
        pad_id=3,
        minloglevel=2,
    )
    return model.getvalue()


class Pieces:
    """A tokenizer that needs no training: a piece for every token."""

    def vocab_size(self) -> int:
        return 1 << 20

    def id_to_piece(self, token: int) -> str:
        return f"\u2581{token}"
