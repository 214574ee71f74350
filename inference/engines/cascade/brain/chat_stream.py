"""A streamed chat completion: the bytes of the response in, what the brain says out.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

import json
from collections.abc import Callable, Iterator

import msgspec

from inference.engines.cascade.brain.brain import BrainOutput, CutOff, FunctionCallDelta, TokensUsed
from inference.engines.cascade.brain.split_characters import SplitCharacters
from inference.engines.cascade.brain.tool_call_deltas import CallDelta, ToolCallDeltas
from inference.model_server.counters import Outcome
from inference.model_server.model_server_error import ModelServerError
from inference.model_server.server_sent_events import EventStream

MAX_TEXT_CHARACTERS = 16_000
"""A quarter of an hour of speech. Who asks for no limit of their own gets this one."""
MAX_RESPONSE_BYTES = 8 << 20
CUT_OFF_REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}


class _Delta(msgspec.Struct):
    content: str | None = None
    tool_calls: list[CallDelta] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta
    finish_reason: str | None = None


class _PromptTokensDetails(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int = 0
    prompt_tokens_details: _PromptTokensDetails | None = None


class _Chunk(msgspec.Struct):
    """What is used of a chunk."""

    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: object = None


class ChatStream:
    """Feed it with `push`; after the end `rest` gives what comes whole only then.

    Both raise ModelServerError for what is no answer.
    """

    def __init__(self, new_id: Callable[[], str], *, parallel_calls: bool = True) -> None:
        """`new_id` names a function call that its server left without an id."""
        self.done = False
        """Whether nothing that matters will follow."""
        self.progress = 0
        """Grows with each piece of the answer, and with nothing else."""
        self._events = EventStream()
        self._characters = SplitCharacters()
        self._calls = ToolCallDeltas(new_id, parallel=parallel_calls)
        self._finish_reason: str | None = None
        self._usage: _Usage | None = None
        self._bytes = 0
        self._text_characters = 0
        self._chunks = 0

    @property
    def finished(self) -> bool:
        """Whether the answer is over; what it cost may still follow."""
        return self._finish_reason is not None

    def push(self, received: bytes) -> Iterator[str | FunctionCallDelta]:
        """The text in it, and of calls what their arguments gain."""
        self._bytes += len(received)
        if self._bytes > MAX_RESPONSE_BYTES:
            raise ModelServerError(Outcome.GARBLED, "sent too much")
        try:
            for data in self._events.push(received):
                if self.done:
                    break
                if data.strip() == b"[DONE]":
                    self.done = True
                elif text := self._take(_parsed(data)):
                    yield from self._calls.take()
                    yield text
            yield from self._calls.take()
        except (ValueError, RecursionError) as error:
            raise ModelServerError(Outcome.GARBLED, "sent what is no answer") from error

    def rest(self) -> list[BrainOutput]:
        """What is left of the text, then calls, cost, and why the answer stopped short."""
        if not self._chunks:
            raise ModelServerError(Outcome.GARBLED, "sent what is no answer")
        if not (self.done or self.finished):
            raise ModelServerError(Outcome.BROKEN_OFF, "broke off")
        outputs: list[BrainOutput] = []
        if text := self._characters.rest():
            outputs.append(text)
        try:
            outputs += self._calls.whole(cut_off=self._finish_reason in CUT_OFF_REASONS)
        except ValueError as error:
            raise ModelServerError(Outcome.GARBLED, "sent what is no answer") from error
        if self._usage is not None:
            outputs.append(_tokens_used(self._usage))
        if self._finish_reason in CUT_OFF_REASONS:
            outputs.append(CutOff(CUT_OFF_REASONS[self._finish_reason]))
        return outputs

    def _take(self, chunk: _Chunk) -> str:
        """The chunk's text."""
        if chunk.error is not None:
            raise ModelServerError(Outcome.FAILED, "failed")
        self._chunks += 1
        self._usage = chunk.usage or self._usage
        for choice in (chunk.choices or ())[:1]:
            self._finish_reason = choice.finish_reason or self._finish_reason
            for delta in choice.delta.tool_calls or ():
                self._calls.add(delta)
                self.progress += 1
            return self._bounded(choice.delta.content or "")
        return ""

    def _bounded(self, content: str) -> str:
        self.progress += bool(content)
        text = self._characters.push(content)[: MAX_TEXT_CHARACTERS - self._text_characters]
        self._text_characters += len(text)
        if self._text_characters == MAX_TEXT_CHARACTERS:
            self._finish_reason, self.done = "length", True
        return text


def _parsed(data: bytes) -> _Chunk:
    """Raises ValueError, or RecursionError for absurdly nested JSON."""
    return msgspec.convert(json.loads(data), _Chunk)


def _tokens_used(usage: _Usage) -> TokensUsed:
    details = usage.prompt_tokens_details or _PromptTokensDetails()
    return TokensUsed(usage.prompt_tokens, usage.completion_tokens, details.cached_tokens or 0)
