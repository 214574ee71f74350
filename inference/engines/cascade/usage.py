"""Tokens as the Realtime API would count them, roughly.

https://platform.openai.com/docs/guides/realtime-costs: the user's audio is one
token for 100 ms, the agent's one for 50 ms. Text is what the model counted, or where it
did not say, as of a cancelled answer, four characters a token.
"""

from antiphon_proto.trunk import FunctionCall, FunctionCallOutput, Item, Usage
from inference.engines.cascade.brain.brain import Prompt, TokensUsed

INPUT_MS_PER_TOKEN = 100
OUTPUT_MS_PER_TOKEN = 50
CHARACTERS_PER_TOKEN = 4
TOKENS_PER_IMAGE = 800


def count_usage(
    prompt: Prompt, answer: str, spoken_ms: int, counted: TokensUsed | None = None
) -> Usage:
    """Of one response with the text `answer`, of which `spoken_ms` were synthesised."""
    tokens = counted or _estimated(prompt, answer)
    return Usage(
        input_text_tokens=tokens.input_tokens,
        input_audio_tokens=-(-prompt.heard_ms // INPUT_MS_PER_TOKEN),
        cached_tokens=tokens.cached_tokens,
        output_text_tokens=tokens.output_tokens,
        output_audio_tokens=-(-spoken_ms // OUTPUT_MS_PER_TOKEN),
    )


def text_tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_PER_TOKEN)


def item_tokens(item: Item) -> int:
    """What an item costs in a prompt, roughly."""
    match item.content:
        case FunctionCall(_, name, arguments_json):
            return text_tokens(len(name + arguments_json))
        case FunctionCallOutput(_, output):
            return text_tokens(len(output))
        case str() as text:
            return text_tokens(len(text)) + len(item.images) * TOKENS_PER_IMAGE


def _estimated(prompt: Prompt, answer: str) -> TokensUsed:
    asked = text_tokens(len(prompt.instructions)) + sum(map(item_tokens, prompt.history))
    return TokensUsed(asked, text_tokens(len(answer)))
