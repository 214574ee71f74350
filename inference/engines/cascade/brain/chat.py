"""Any OpenAI-compatible chat endpoint as the brain: vLLM, SGLang, llama.cpp, Ollama, OpenAI."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from chassis.tracing.tracer import SpanScope
from inference.engines.cascade.brain.brain import BrainError, BrainOutput, Prompt
from inference.engines.cascade.brain.chat_dialect import ChatDialect
from inference.engines.cascade.brain.chat_messages import (
    chat_messages,
    chat_tool_choice,
    chat_tools,
)
from inference.engines.cascade.brain.chat_span import chat_span, note_output
from inference.engines.cascade.brain.chat_stream import ChatStream
from inference.engines.cascade.brain.context_window import ContextWindow, too_long
from inference.error_code import ErrorCode
from inference.model_server.counters import ModelServerCounters, Outcome, ServerKind
from inference.model_server.http_client import ModelServerClient, ServerAccess, ServerAnswer
from inference.model_server.model_server_error import ModelServerError

MAX_REPHRASINGS = 4
"""So often a request is made anew for a server that refused it for what can be left out."""
LAST_CHUNKS_S = 1.0
"""Wait for the count of tokens behind an answer, which not every server sends."""
LAST_BYTES_S = 0.1
"""Wait for the end of a response, behind which its connection can be used again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTimeouts:
    first_words_s: float = 10.0
    """From the request to the first words or function call, with all its retries."""
    stall_s: float = 5.0
    """Between words."""


class ChatEndpoint:
    """The servers' connections, shared by all sessions."""

    def __init__(
        self,
        access: ServerAccess,
        model: str,
        counters: ModelServerCounters,
        timeouts: ChatTimeouts,
    ) -> None:
        self.client = ModelServerClient(ServerKind.LLM, access, counters)
        self.model = model
        self.timeouts = timeouts
        self.dialect = ChatDialect()

    def open(self, session_key: str) -> "ChatBrain":
        return ChatBrain(self, session_key)

    async def close(self) -> None:
        await self.client.close()


class ChatBrain:
    """One session's: the conversation is in each prompt, and only ever grows at its end."""

    def __init__(self, endpoint: ChatEndpoint, session_key: str) -> None:
        self._endpoint = endpoint
        self._session_key = session_key
        self._window = ContextWindow()
        self._unseen: set[str] = set()
        """Ids of items whose images the servers refused."""

    async def answer(self, prompt: Prompt) -> AsyncGenerator[BrainOutput]:
        """Stream the servers' answer; closing the iterator closes the connection."""
        spoke = False
        span = chat_span(self._endpoint.model)
        try:
            async with AsyncExitStack() as stack:
                answer = await self._asker(prompt)._asked(prompt, stack, span)
                stream = ChatStream(_new_call_id, parallel_calls=prompt.parallel_tool_calls)
                async for output in _outputs(answer, stream, self._endpoint.timeouts.stall_s):
                    spoke = True
                    note_output(span, output)
                    yield output
        except ModelServerError as error:
            span.end(error.outcome.value)
            raise _brain_error(error) from error
        finally:
            span.end()
        if not spoke:
            raise BrainError(ErrorCode.BRAIN_FAILED, "the language model said nothing")

    def _asker(self, prompt: Prompt) -> "ChatBrain":
        """What servers refuse of another conversation says nothing about the session's."""
        return ChatBrain(self._endpoint, self._session_key) if prompt.own_context else self

    async def _asked(self, prompt: Prompt, stack: AsyncExitStack, scope: SpanScope) -> ServerAnswer:
        """The beginning answer, which `stack` ends; asked for as the server likes it.

        Raises ModelServerError, and BrainError for a prompt that is none.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._endpoint.timeouts.first_words_s
        for rephrasings_left in reversed(range(MAX_REPHRASINGS + 1)):
            fitting = self._window.fit(prompt)
            try:
                return await stack.enter_async_context(
                    self._endpoint.client.post(
                        self._session_key,
                        "/chat/completions",
                        deadline - loop.time(),
                        partial(dict, json=self._request(fitting)),
                        scope,
                    )
                )
            except ModelServerError as error:
                if not (rephrasings_left and self._learn(error, fitting)):
                    raise
        raise AssertionError("unreachable")

    def _learn(self, error: ModelServerError, prompt: Prompt) -> bool:
        """Whether the server would be asked something else now."""
        if error.outcome is not Outcome.REFUSED:
            return False
        if prompt.truncation.disabled and too_long(error.detail):
            raise BrainError(
                ErrorCode.CONTEXT_TOO_LONG,
                "the conversation is longer than the model takes, and its truncation is disabled",
            ) from error
        return (
            self._endpoint.dialect.learn(error.detail)
            or self._window.learn(error.detail, prompt)
            or self._look_away(prompt)
        )

    def _look_away(self, prompt: Prompt) -> bool:
        """A server that refuses the prompt may take it without its images."""
        shown = {item.id for item in prompt.history if item.images} - self._unseen
        self._unseen |= shown
        return bool(shown)

    def _request(self, prompt: Prompt) -> dict[str, Any]:
        """The messages come last: what is sent grows at its end. Raises BrainError."""
        request: dict[str, Any] = {"model": self._endpoint.model, "stream": True}
        request |= self._endpoint.dialect.options(prompt)
        if prompt.tools:
            try:
                request["tools"] = chat_tools(prompt.tools)
            except ValueError as error:
                raise BrainError(
                    ErrorCode.BRAIN_FAILED, "a tool's parameters are no JSON"
                ) from error
            request["tool_choice"] = chat_tool_choice(prompt.tool_choice)
        self._unseen.intersection_update(item.id for item in prompt.history)
        return request | {"messages": chat_messages(prompt, self._unseen)}


def _new_call_id() -> str:
    return f"call_{secrets.token_hex(12)}"


async def _outputs(
    answer: ServerAnswer, stream: ChatStream, stall_s: float
) -> AsyncIterator[BrainOutput]:
    """Raises ModelServerError and TimeoutError."""
    loop = asyncio.get_running_loop()
    deadline = answer.deadline
    while not stream.done:
        try:
            async with asyncio.timeout_at(deadline):
                received = await answer.response.content.readany()
        except TimeoutError:
            if stream.finished:
                break
            raise
        if not received:
            break
        progress = stream.progress
        for piece in stream.push(received):
            answer.useful = True
            yield piece
        if stream.progress > progress:
            answer.useful = True
            deadline = loop.time() + stall_s
        if stream.finished:
            deadline = min(deadline, loop.time() + LAST_CHUNKS_S)
    for output in stream.rest():
        yield output
    await _read_to_the_end(answer)


async def _read_to_the_end(answer: ServerAnswer) -> None:
    try:
        async with asyncio.timeout(LAST_BYTES_S):
            await answer.response.content.readany()
    except TimeoutError:
        """The connection is closed then."""


def _brain_error(error: ModelServerError) -> BrainError:
    code = ErrorCode.BRAIN_FAILED
    if error.outcome is Outcome.TIMED_OUT:
        code = ErrorCode.BRAIN_TIMEOUT
    return BrainError(code, f"the language model {error}")
