"""Conversation items, as they travel both ways.

Members that do not apply are left out, never null: clients validate strictly.
A message's content is `output_text` or `output_audio` from the assistant, `input_text` from
the system, and any of `input_text`, `input_audio` and `input_image` from the user.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from antiphon_proto.realtime.mcp import McpItem

ItemId = Annotated[str, Meta(min_length=1, max_length=64)]
ItemStatus = Literal["in_progress", "completed", "incomplete"]
Role = Literal["system", "user", "assistant"]


class InputText(Struct, frozen=True, kw_only=True, tag_field="type", tag="input_text"):
    """What a user or the system wrote."""

    text: str


class InputAudio(Struct, frozen=True, kw_only=True, tag_field="type", tag="input_audio"):
    """What a user said. The key `transcript` is always sent, null when there is none."""

    transcript: str | None = None
    audio: str | UnsetType | None = UNSET


class InputImage(Struct, frozen=True, kw_only=True, tag_field="type", tag="input_image"):
    """What a user showed; `image_url` is a `data:` URL, and comes from clients only.

    The server sends none back, as OpenAI's does not: clients keep what they sent.
    """

    image_url: str | UnsetType = UNSET
    detail: Literal["auto", "low", "high"] | UnsetType = UNSET


class OutputText(Struct, frozen=True, kw_only=True, tag_field="type", tag="output_text"):
    """What the assistant wrote."""

    text: str


class OutputAudio(Struct, frozen=True, kw_only=True, tag_field="type", tag="output_audio"):
    """What the assistant said; `audio` comes from clients only."""

    transcript: str = ""
    audio: str | UnsetType | None = UNSET


ContentPart = InputText | InputAudio | InputImage | OutputText | OutputAudio


class Message(Struct, frozen=True, kw_only=True, tag_field="type", tag="message"):
    """Something said or written."""

    role: Role
    content: Annotated[list[ContentPart], Meta(max_length=64)]
    id: ItemId | UnsetType = UNSET
    object: Literal["realtime.item"] = "realtime.item"
    status: ItemStatus | UnsetType = UNSET


class FunctionCall(Struct, frozen=True, kw_only=True, tag_field="type", tag="function_call"):
    """The assistant's wish to have a tool called; `arguments` is JSON text."""

    name: str
    arguments: str
    call_id: str | UnsetType = UNSET
    id: ItemId | UnsetType = UNSET
    object: Literal["realtime.item"] = "realtime.item"
    status: ItemStatus | UnsetType = UNSET


class FunctionCallOutput(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="function_call_output"
):
    """What the tool returned."""

    call_id: str
    output: str
    id: ItemId | UnsetType = UNSET
    object: Literal["realtime.item"] = "realtime.item"
    status: ItemStatus | UnsetType = UNSET


Item = Message | FunctionCall | FunctionCallOutput | McpItem
