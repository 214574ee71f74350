"""A reference to a template of instructions, which OpenAI keeps for its customers.

https://platform.openai.com/docs/api-reference/realtime-sessions
"""

from typing import Literal

from msgspec import Struct

from antiphon_proto.realtime.items import InputText


class PromptImage(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="input_image"
):
    """An image for a template's variable."""

    detail: Literal["low", "high", "auto", "original"]
    file_id: str | None = None
    image_url: str | None = None


class PromptFile(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="input_file"
):
    """A file for a template's variable."""

    detail: Literal["auto", "low", "high"] | None = None
    file_data: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    filename: str | None = None


class Prompt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Accepted and shown: a template of OpenAI's is not known here."""

    id: str
    version: str | None = None
    variables: dict[str, str | InputText | PromptImage | PromptFile] | None = None
