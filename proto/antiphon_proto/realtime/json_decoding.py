"""Typed decoding of JSON, with failures told in the API's terms."""

import re
from typing import TypeVar

import msgspec

from antiphon_proto.realtime.error import RealtimeError

T = TypeVar("T")

_PATH = re.compile(r" - at `(?:key in )?\$\.?(?P<path>[^`]*)`$")
_MISSING = re.compile(r"missing required field `(?P<name>[^`]*)`")


def decode(decoder: "msgspec.json.Decoder[T]", text: str | bytes, *, param: str = "") -> T:
    """Decode `text`; `param` is where it stands in the event, for the error's `param`.

    Raises RealtimeError: `invalid_json` when it is no JSON, `invalid_value` or
    `missing_required_parameter` when it is not the JSON that was asked for. What is missing is
    named as if it were there.
    """
    try:
        # What is kept raw is not looked into, so all of it must be UTF-8 beforehand.
        return decoder.decode(text.decode() if isinstance(text, bytes) else text)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), param) from error
    except msgspec.DecodeError as error:
        raise RealtimeError("invalid_json", str(error), param=param or None) from error
    except UnicodeError as error:
        raise RealtimeError("invalid_json", "The text is not UTF-8", param=param or None) from error
    except RecursionError as error:
        raise RealtimeError("invalid_json", "Nested too deeply", param=param or None) from error


def _refusal(message: str, param: str) -> RealtimeError:
    found = _PATH.search(message)
    path = found["path"] if found else ""
    if found:
        message = message[: found.start()]
    if missing := _MISSING.search(message):
        path = join_path(path, missing["name"])
    code = "missing_required_parameter" if missing else "invalid_value"
    return RealtimeError(code, message, param=join_path(param, path) or None)


def join_path(*parts: str) -> str:
    """The path of a member, as an error's `param` names it: `item.content[0].text`."""
    return ".".join(filter(None, parts))
