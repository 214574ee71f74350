"""A random Whisper of a few hundred kilobytes, saved in the files that a real one comes in."""

from pathlib import Path

import numpy as np
import torch
import transformers

from tests.model_servers.tiny_models import SPECIAL, character_tokenizer

MEL_BINS = 80
SPOKEN_TOKENS = 8


def save_recognition_model(directory: Path) -> None:
    """It hears up to 30 seconds, and writes a few characters of nonsense about them."""
    features = transformers.WhisperFeatureExtractor(feature_size=MEL_BINS)
    tokenizer = character_tokenizer()
    tokenizer.save_pretrained(directory)
    torch.manual_seed(0)
    config = transformers.WhisperConfig(
        vocab_size=len(tokenizer),
        num_mel_bins=MEL_BINS,
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_target_positions=32,
        init_std=0.5,
        tie_word_embeddings=False,
        decoder_start_token_id=1,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    model = transformers.WhisperForConditionalGeneration(config)
    model.generation_config = transformers.GenerationConfig(
        max_new_tokens=SPOKEN_TOKENS,
        min_new_tokens=SPOKEN_TOKENS,
        decoder_start_token_id=1,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        return_timestamps=False,
        suppress_tokens=list(range(len(SPECIAL))),
    )
    model.save_pretrained(directory)
    features.save_pretrained(directory)
    processor = transformers.WhisperProcessor(features, tokenizer)
    processor.save_pretrained(directory)


def transcript(directory: Path, pcm: bytes) -> str:
    """What the model in `directory` says of 16 bit samples at 16 kHz."""
    processor = transformers.AutoProcessor.from_pretrained(directory)
    model = transformers.WhisperForConditionalGeneration.from_pretrained(directory)
    samples = np.frombuffer(pcm, np.int16).astype(np.float32) / 32768
    features = processor(samples, sampling_rate=16_000, return_tensors="pt")
    text: str = processor.batch_decode(model.generate(**features), skip_special_tokens=True)[0]
    return text
