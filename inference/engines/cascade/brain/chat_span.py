"""What is traced of a chat completion, by the conventions for generative AI.

https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/#inference
"""

from chassis.tracing.span import Attributes, SpanKind
from chassis.tracing.tracer import OpenSpan, current_scope
from inference.engines.cascade.brain.brain import BrainOutput, CutOff, TokensUsed

PROVIDER = "openai"
"""Whose API it is: the conventions' name for any server that speaks it."""


def chat_span(model: str) -> OpenSpan:
    """Below what the task works for; it says nothing of what is asked or answered."""
    attributes: Attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": PROVIDER,
        "gen_ai.request.model": model,
    }
    return current_scope.get().begin(f"chat {model}", attributes, kind=SpanKind.CLIENT)


def note_output(span: OpenSpan, output: BrainOutput) -> None:
    """What it cost, and why it stopped short."""
    match output:
        case TokensUsed(input_tokens, output_tokens, cached_tokens):
            span.note(
                {
                    "gen_ai.usage.input_tokens": input_tokens,
                    "gen_ai.usage.output_tokens": output_tokens,
                    "gen_ai.usage.cache_read.input_tokens": cached_tokens,
                }
            )
        case CutOff(reason):
            span.note({"gen_ai.response.finish_reasons": (reason,)})
