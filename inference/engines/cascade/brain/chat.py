"""Any OpenAI-compatible chat endpoint as the brain: vLLM, SGLang, llama.cpp, Ollama, OpenAI."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
import openai
from openai.types.chat import ChatCompletionChunk

from antiphon_proto.trunk import FunctionCall
from inference.engines.cascade.brain.brain import BrainError, BrainOutput, CutOff, Prompt
from inference.engines.cascade.brain.chat_messages import (
    chat_messages,
    chat_tool_choice,
    chat_tools,
)
from inference.engines.cascade.brain.split_characters import SplitCharacters, whole_characters
from inference.error_code import ErrorCode

CONNECT_TIMEOUT_S = 3.0
CUT_OFF_REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}

ChunkStream = openai.AsyncStream[ChatCompletionChunk]


class ChatEndpoint:
    """One endpoint's connections, shared by all sessions."""

    def __init__(self, url: str, model: str, api_key: str | None, timeout_s: float) -> None:
        """`timeout_s`: longest wait for the first words, and between words."""
        self.model = model
        self.timeout_s = timeout_s
        self.client = openai.AsyncOpenAI(
            base_url=url,
            api_key=api_key or "none",
            timeout=openai.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s)),
            max_retries=0,
        )

    def open(self, session_key: str = "") -> "ChatBrain":
        return ChatBrain(self)

    async def close(self) -> None:
        await self.client.close()


class ChatBrain:
    """Keeps nothing of a session: the whole conversation is in each prompt."""

    def __init__(self, endpoint: ChatEndpoint) -> None:
        self._endpoint = endpoint

    async def answer(self, prompt: Prompt) -> AsyncGenerator[BrainOutput]:
        """Stream the endpoint's answer; closing the iterator closes the connection."""
        spoke = False
        try:
            async with asyncio.timeout(self._endpoint.timeout_s):
                stream = await self._request(prompt)
            async with stream:
                async for output in _outputs(_Watched(stream, self._endpoint.timeout_s)):
                    spoke = True
                    yield output
        except (TimeoutError, openai.APITimeoutError) as error:
            raise BrainError(
                ErrorCode.BRAIN_TIMEOUT, "the language model did not answer in time"
            ) from error
        except openai.APIStatusError as error:
            raise BrainError(
                ErrorCode.BRAIN_FAILED, f"the language model answered {error.status_code}"
            ) from error
        except (openai.OpenAIError, msgspec.ValidationError, ValueError) as error:
            raise BrainError(
                ErrorCode.BRAIN_FAILED, f"the language model failed: {type(error).__name__}"
            ) from error
        if not spoke:
            raise BrainError(ErrorCode.BRAIN_FAILED, "the language model said nothing")

    async def _request(self, prompt: Prompt) -> ChunkStream:
        options: dict[str, Any] = {}
        if prompt.tools:
            options["tools"] = chat_tools(prompt.tools)
            options["tool_choice"] = chat_tool_choice(prompt.tool_choice)
        if prompt.max_output_tokens:
            options["max_tokens"] = prompt.max_output_tokens
        stream = await self._endpoint.client.chat.completions.create(
            model=self._endpoint.model,
            messages=cast("Any", chat_messages(prompt)),
            stream=True,
            **options,
        )
        return cast("ChunkStream", stream)


class _Watched:
    """A stream whose every chunk must come within the timeout."""

    def __init__(self, stream: ChunkStream, timeout_s: float) -> None:
        self._stream = stream
        self._timeout_s = timeout_s

    def __aiter__(self) -> "_Watched":
        return self

    async def __anext__(self) -> ChatCompletionChunk:
        async with asyncio.timeout(self._timeout_s):
            return await anext(self._stream)


class _FunctionDelta(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _CallDelta(msgspec.Struct):
    index: int = 0
    id: str | None = None
    function: _FunctionDelta | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    tool_calls: list[_CallDelta] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    """What is used of a chunk; the library hands on whatever JSON the server wrote."""

    choices: list[_Choice] | None = None


@dataclass(slots=True)
class _PartialCall:
    """A function call that is still streaming in."""

    call_id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)

    def add(self, delta: _CallDelta) -> None:
        self.call_id = self.call_id or delta.id or ""
        if delta.function is not None:
            self.name += delta.function.name or ""
            self.arguments.append(delta.function.arguments or "")

    def whole(self) -> FunctionCall:
        arguments = "".join(self.arguments) or "{}"
        return FunctionCall(*map(whole_characters, (self.call_id, self.name, arguments)))


class _PartialCalls:
    """The calls of one answer, in the order in which they began."""

    def __init__(self) -> None:
        self._calls: list[_PartialCall] = []
        self._at: dict[int, _PartialCall] = {}

    def add(self, delta: _CallDelta) -> None:
        """Some servers give every call the index 0, so that only its id tells a call apart."""
        call = self._at.get(delta.index)
        if call is None or (delta.id and call.call_id and delta.id != call.call_id):
            call = self._at[delta.index] = _PartialCall()
            self._calls.append(call)
        call.add(delta)

    def whole(self) -> list[FunctionCall]:
        return [call.whole() for call in self._calls]


async def _outputs(chunks: AsyncIterator[ChatCompletionChunk]) -> AsyncIterator[BrainOutput]:
    """Text as it comes, then the calls, then why the answer stopped short if it did.

    Raises msgspec.ValidationError for a chunk that is none.
    """
    calls, characters = _PartialCalls(), SplitCharacters()
    finish_reason: str | None = None
    async for raw_chunk in chunks:
        chunk = msgspec.convert(raw_chunk, _Chunk, from_attributes=True)
        for choice in (chunk.choices or ())[:1]:
            if text := characters.push(choice.delta.content or ""):
                yield text
            for delta in choice.delta.tool_calls or ():
                calls.add(delta)
            finish_reason = choice.finish_reason or finish_reason
    if text := characters.rest():
        yield text
    for call in calls.whole():
        yield call
    if finish_reason in CUT_OFF_REASONS:
        yield CutOff(CUT_OFF_REASONS[finish_reason])
