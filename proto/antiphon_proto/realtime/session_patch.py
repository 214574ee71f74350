"""How `session.update` changes a configuration: JSON laid over JSON.

- A member that is absent keeps its value. So does one that is null, except for
  those that null switches off: turn detection, transcription, noise reduction
  and the ones that the server only shows.
- `""` clears the instructions and `[]` the tools, as values like any other.
- The objects that make up the audio configuration merge member by member, unless
  `type` changes: then the object given takes the other's place, and what it leaves
  out has its default. Every other object replaces what was there.
- A voice given as `{"id": ...}` becomes that id.
"""

import msgspec
from msgspec import Raw

from antiphon_proto.realtime.error import RealtimeError
from antiphon_proto.realtime.json_decoding import decode, join_path

_SERVER_MEMBERS = ("id", "object", "expires_at", "resume")
_MERGED = frozenset(
    {
        "audio",
        "audio.input",
        "audio.input.format",
        "audio.input.transcription",
        "audio.input.noise_reduction",
        "audio.input.turn_detection",
        "audio.output",
        "audio.output.format",
    }
)
_NULLABLE = frozenset(
    {
        "audio.input.transcription",
        "audio.input.noise_reduction",
        "audio.input.turn_detection",
        "audio.input.turn_detection.idle_timeout_ms",
        "prompt",
        "reasoning",
        "tracing",
        "include",
    }
)
_BETA_MEMBERS = {
    "modalities": "output_modalities",
    "voice": "audio.output.voice",
    "turn_detection": "audio.input.turn_detection",
    "input_audio_format": "audio.input.format",
    "output_audio_format": "audio.output.format",
    "input_audio_transcription": "audio.input.transcription",
    "input_audio_noise_reduction": "audio.input.noise_reduction",
    "max_response_output_tokens": "max_output_tokens",
}

_TYPES = ("realtime", "transcription")
_TRANSCRIPTION_MEMBERS = frozenset({"type", "model", "audio", "include"})
"""A transcription session has no others; any client sends the model that it was built with."""

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_ABSENT = b""


def apply_patch(current: bytes, patch: bytes | str, param: str) -> bytes:
    """The JSON object `patch` laid over the JSON object `current`; values are not checked.

    Raises RealtimeError when `patch` is no such thing, or speaks the beta interface.
    """
    changes = _members(patch, param)
    _refuse_beta_members(changes, param)
    for name in _SERVER_MEMBERS:
        changes.pop(name, None)
    _check_type(_type_in(_members(current, param)), changes, param)
    return _merge(current, changes, "", param)


def _check_type(current: object, changes: dict[str, bytes], param: str) -> None:
    """A session stays what it is: a conversation, or one that only transcribes."""
    wanted = _type_in(changes)
    if wanted in _TYPES and wanted != current:
        raise RealtimeError(
            "invalid_value",
            f"A session of type {current!r} cannot become one of type {wanted!r}.",
            param=join_path(param, "type"),
        )
    if current == "transcription":
        _refuse_conversation_members(changes, param)


def _type_in(members: dict[str, bytes]) -> object:
    return msgspec.json.decode(members.get("type", b"null"))


def _refuse_conversation_members(changes: dict[str, bytes], param: str) -> None:
    foreign = changes.keys() - _TRANSCRIPTION_MEMBERS
    audio = changes.get("audio", b"")
    if audio.startswith(b"{"):
        others = _members(audio, join_path(param, "audio")).keys() - {"input"}
        foreign |= {join_path("audio", name) for name in others}
    for name in sorted(foreign):
        raise RealtimeError(
            "unknown_parameter",
            f"A transcription session has no {name!r}.",
            param=join_path(param, name),
        )


def _refuse_beta_members(changes: dict[str, bytes], param: str) -> None:
    """The beta interface was flat: passing over its members would lose what was meant."""
    for name in changes.keys() & _BETA_MEMBERS.keys():
        raise RealtimeError(
            "unknown_parameter",
            f"{name!r} belongs to the beta interface; use {_BETA_MEMBERS[name]!r}.",
            param=join_path(param, name),
        )


def _merge(current: bytes, changes: dict[str, bytes], path: str, param: str) -> bytes:
    members = _members(current, param)
    for name, value in changes.items():
        members[name] = _merged_member(
            members.get(name, _ABSENT), value, join_path(path, name), param
        )
    return _object(members)


def _merged_member(current: bytes, value: bytes, path: str, param: str) -> bytes:
    if value == b"null" and path not in _NULLABLE:
        return current
    if not value.startswith(b"{"):
        return value
    if path == "audio.output.voice":
        return _members(value, join_path(param, path)).get("id", value)
    if path not in _MERGED:
        return value
    changes = _members(value, join_path(param, path))
    return _merge(current if _same_kind(current, changes) else b"{}", changes, path, param)


def _same_kind(current: bytes, changes: dict[str, bytes]) -> bool:
    if not current.startswith(b"{"):
        return False
    return changes.get("type", b"null") in (b"null", _members(current, "").get("type"))


def _members(text: bytes | str, param: str) -> dict[str, bytes]:
    """A JSON object's members, each as its text. Raises RealtimeError."""
    return {name: bytes(value) for name, value in decode(_OBJECT, text, param=param).items()}


def _object(members: dict[str, bytes]) -> bytes:
    return msgspec.json.encode(
        {name: Raw(value) for name, value in members.items() if value != _ABSENT}
    )
