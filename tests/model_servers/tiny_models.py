"""Random models of a few hundred kilobytes, saved in the files that real ones come in.

They say nonsense, but through every part of a server that a real model goes through.
"""

from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

CONTEXT_TOKENS = 2048
SPECIAL = ["<pad>", "<start>", "<end>", "<unknown>"]
SPACE, NEWLINE = "\u0120", "\u010a"
"""As byte-level tokenizers write them."""
PRINTABLE = "".join(map(chr, range(ord("!"), ord("~") + 1)))
CHAT_TEMPLATE = (
    "{% for message in messages %}<start>{{ message.role }}\n"
    "{{ message.content or '' }}"
    "{% for call in message.tool_calls or [] %}{{ call.function | tojson }}{% endfor %}"
    "<end>{% endfor %}"
    "{% if add_generation_prompt %}<start>assistant\n{% endif %}"
)


def save_chat_model(directory: Path) -> None:
    """A causal language model with a chat template; a token is a character."""
    tokenizer = character_tokenizer()
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(directory)
    torch.manual_seed(0)
    config = transformers.Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=CONTEXT_TOKENS,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    transformers.Qwen3ForCausalLM(config).save_pretrained(directory)


def character_tokenizer() -> transformers.PreTrainedTokenizerFast:
    """A token for each visible character of ASCII: whatever a model says is text."""
    alphabet = [*PRINTABLE, SPACE, NEWLINE]
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unknown>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<start>",
        eos_token="<end>",
        unk_token="<unknown>",
        model_max_length=CONTEXT_TOKENS,
    )
