"""Tokens as the Realtime API would count them, roughly.

https://platform.openai.com/docs/guides/realtime-costs: the user's audio is one
token for 100 ms, the agent's one for 50 ms. Text is taken as four characters a
token.
"""

from antiphon_proto.trunk import FunctionCall, FunctionCallOutput, Usage
from inference.engines.cascade.brain.brain import Prompt

INPUT_MS_PER_TOKEN = 100
OUTPUT_MS_PER_TOKEN = 50
CHARACTERS_PER_TOKEN = 4


def count_usage(prompt: Prompt, answer: str, spoken_ms: int) -> Usage:
    """Of one response with the text `answer`, of which `spoken_ms` were synthesised."""
    return Usage(
        input_text_tokens=sum(text_tokens(len(text)) for text in _texts(prompt)),
        input_audio_tokens=-(-prompt.heard_ms // INPUT_MS_PER_TOKEN),
        output_text_tokens=text_tokens(len(answer)),
        output_audio_tokens=-(-spoken_ms // OUTPUT_MS_PER_TOKEN),
    )


def text_tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_PER_TOKEN)


def _texts(prompt: Prompt) -> list[str]:
    texts = [prompt.instructions]
    for item in prompt.history:
        match item.content:
            case FunctionCall(_, name, arguments_json):
                texts.append(name + arguments_json)
            case FunctionCallOutput(_, output):
                texts.append(output)
            case str() as text:
                texts.append(text)
    return texts
