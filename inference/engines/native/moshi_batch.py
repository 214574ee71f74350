"""moshi's modules as a batch of slots that join, stall, begin anew and leave by themselves.

Every call runs all rows of the batch; masks decide whose state goes on
(moshi's `set_exec_mask`, `reset_streaming`). A row's tokens do not depend on
what the others do. https://github.com/kyutai-labs/moshi, moshi/moshi/models/lm.py
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np

# Compiling takes a compiler and minutes; CUDA graphs give most of what it would.
os.environ.setdefault("NO_TORCH_COMPILE", "1")

import torch
from moshi.models import LMGen
from moshi.models.compression import MimiModel
from moshi.models.lm import LMModel
from moshi.modules.transformer import RingKVCache
from sentencepiece import SentencePieceProcessor

from inference.engines.native.checkpoint import checkpoint
from inference.engines.native.int8_linear import quantise
from inference.engines.native.step import STEP_SAMPLES, Samples, SlotStep, StepPlan


@dataclass(frozen=True, slots=True)
class MoshiParts:
    """A loaded model, which may serve one batch after the other."""

    mimi: MimiModel
    language_model: LMModel
    tokenizer: SentencePieceProcessor


def load_parts(path_or_id: str, device: str, *, int8: bool = False) -> MoshiParts:
    """In bf16 on CUDA, else in 32 bit. Raises CheckpointError, and RuntimeError for the device."""
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise RuntimeError(f"torch finds no GPU for --native-device {device}")
    info = checkpoint(path_or_id)
    dtype = torch.bfloat16 if device.startswith("cuda") else torch.float32
    language_model = info.get_moshi(device=device, dtype=dtype)
    if int8:
        quantise(language_model)
    return MoshiParts(info.get_mimi(device=device), language_model, info.get_text_tokenizer())


class MoshiBatch:
    """Holds the streaming state of `slots` conversations; one at a time uses the parts."""

    def __init__(self, parts: MoshiParts, slots: int, *, sampling: bool = True) -> None:
        """Without `sampling` the likeliest token is always taken."""
        self._mimi, self._lm = parts.mimi, parts.language_model
        self._tokenizer = parts.tokenizer
        self._device = self._lm.device
        self.slots = slots
        self.context_steps: int = self._lm.context
        self._silent_tokens = {self._lm.text_padding_token_id, self._lm.end_of_text_padding_id}
        self._generator = LMGen(
            self._lm,
            use_sampling=sampling,
            support_out_of_sync=True,
            on_text_hook=self._take_text,
            on_audio_hook=self._take_audio,
        )
        said, heard = self._lm.dep_q, self._lm.n_q - self._lm.dep_q
        self._relived = torch.zeros(slots, dtype=torch.bool, device=self._device)
        self._forced = torch.zeros(slots, 1 + said, dtype=torch.long, device=self._device)
        self._lived = torch.zeros_like(self._forced)
        self._heard_codes = heard
        self._first_step = torch.zeros(slots, dtype=torch.bool)
        self._states = (self._mimi.streaming(slots), self._generator.streaming(slots))
        for state in self._states:
            state.__enter__()
        self.forget(range(slots))

    def close(self) -> None:
        """Free the streaming state, so that the parts can serve another batch."""
        for state in self._states:
            state.__exit__(None, None, None)

    def forget(self, slots: Iterable[int]) -> None:
        """Let conversations begin anew in these slots."""
        mask = self._mask(slots)
        if mask.any():
            self._mimi.reset_streaming(mask)
            self._generator.reset_streaming(mask)
            self._first_step |= mask

    def run(self, plan: StepPlan) -> dict[int, SlotStep]:
        with torch.no_grad():
            return self._run(plan)

    def _run(self, plan: StepPlan) -> dict[int, SlotStep]:
        self.forget(plan.resets)
        for source, target in plan.moved:
            self._move_voice(source, target)
        hearing = self._mask(plan.heard)
        codes = self._hear(plan, hearing)
        tokens = self._think(plan, codes, hearing | self._mask(plan.relived))
        ready = hearing & (tokens[:, 1:, 0] >= 0).all(dim=1).cpu()
        pcm = self._speak(tokens[:, 1:], ready)
        lived = torch.cat([self._lived, codes[:, :, 0]], dim=1).cpu().numpy()
        texts = tokens[:, 0, 0].cpu().tolist()
        return {
            slot: SlotStep(
                self._piece(texts[slot]) if ready[slot] else "",
                pcm[slot] if ready[slot] else None,
                lived[slot],
            )
            for slot in plan.heard
        }

    def _hear(self, plan: StepPlan, hearing: torch.Tensor) -> torch.Tensor:
        """The codes (slots, codebooks, 1) of what each slot hears, or heard when it relives."""
        pcm = np.zeros((self.slots, 1, STEP_SAMPLES), np.float32)
        for slot, samples in plan.heard.items():
            pcm[slot, 0] = samples
        self._mimi.set_exec_mask(hearing)
        codes = self._mimi.encode(torch.from_numpy(pcm).to(self._device))[:, : self._heard_codes]
        for slot, tokens in plan.relived.items():
            codes[slot, :, 0] = torch.from_numpy(tokens[-self._heard_codes :]).to(self._device)
        self._begin_again(hearing)
        return codes

    def _begin_again(self, hearing: torch.Tensor) -> None:
        """As moshi's server does: the first frame lies before the conversation, which Mimi
        then hears as if it began with the second."""
        first = self._first_step & hearing
        if first.any():
            self._mimi.reset_streaming(first)
            self._first_step &= ~first

    def _think(self, plan: StepPlan, codes: torch.Tensor, going: torch.Tensor) -> torch.Tensor:
        """Text and audio tokens (slots, 1 + said, 1) that belong together; negative where none."""
        self._relived.copy_(self._mask(plan.relived))
        for slot, tokens in plan.relived.items():
            width = self._forced.shape[1]
            self._forced[slot] = torch.from_numpy(tokens[:width]).to(self._device)
        self._generator.set_exec_mask(going)
        tokens = self._generator.step(codes)
        assert tokens is not None, "only a model that must be in step skips steps"
        return tokens

    def _take_text(self, tokens: torch.Tensor) -> None:
        """Force what is relived, and note what is lived. (slots,)"""
        tokens.copy_(torch.where(self._relived, self._forced[:, 0], tokens))
        self._lived[:, 0] = tokens

    def _take_audio(self, tokens: torch.Tensor) -> None:
        """The same for audio. (slots, said)"""
        tokens.copy_(torch.where(self._relived[:, None], self._forced[:, 1:], tokens))
        self._lived[:, 1:] = tokens

    def _speak(self, codes: torch.Tensor, ready: torch.Tensor) -> Samples:
        """(slots, samples)."""
        self._mimi.set_exec_mask(ready)
        pcm: Samples = self._mimi.decode(codes.clamp(min=0))[:, 0].float().cpu().numpy()
        return pcm

    def _piece(self, token: int) -> str:
        if token < 0 or token in self._silent_tokens or token >= self._tokenizer.vocab_size():
            return ""
        return str(self._tokenizer.id_to_piece(token))

    def _mask(self, slots: Iterable[int]) -> torch.Tensor:
        mask = torch.zeros(self.slots, dtype=torch.bool)
        mask[list(slots)] = True
        return mask

    def _move_voice(self, source: int, target: int) -> None:
        """Give `target` the state of Mimi that `source` has."""
        for state in self._mimi.get_streaming_state().values():
            for field in fields(state):
                _copy_row(getattr(state, field.name), source, target, self.slots)
        self._first_step[target] = self._first_step[source]


def _copy_row(value: object, source: int, target: int, slots: int) -> None:
    if isinstance(value, RingKVCache):
        value.cache[:, target] = value.cache[:, source]
        value.end_offset[target] = value.end_offset[source]
    elif isinstance(value, torch.Tensor) and value.dim() and value.shape[0] == slots:
        value[target] = value[source]
