"""What a scenario calls things: `$name` for values that are found out, and paths to members."""

import re
from collections.abc import Mapping
from typing import Any

from tests.conformance.scenario import Anything, Between, Missing

_PART = re.compile(r"(?P<key>\w+)|\[(?P<index>\d+)\]")


class Names:
    """The values that `$name` stands for, found by the first step that sees them."""

    def __init__(self, known: Mapping[str, Any] | None = None) -> None:
        self._values: dict[str, Any] = dict(known or {})

    def event(self, members: dict[str, Any]) -> dict[str, Any]:
        """The JSON object with these members, by path. Raises KeyError for a name not yet found."""
        event: dict[str, Any] = {}
        for path, value in members.items():
            _put(event, _parts(path), self._filled(value))
        return event

    def difference(self, members: dict[str, Any], found: dict[str, Any]) -> str | None:
        """Where `found` is not as `members` say; finds names."""
        for path, expected in members.items():
            actual = _get(found, _parts(path))
            if not self._is(expected, actual):
                return f"{path} is {actual!r}, not {expected!r}{self._note(expected)}"
        return None

    def _note(self, expected: Any) -> str:
        known = isinstance(expected, str) and expected in self._values
        return f" ({self._values[expected]!r})" if known else ""

    def _is(self, expected: Any, actual: Any) -> bool:
        match expected:
            case Anything():
                return actual is not Missing.MISSING
            case Between(low, high):
                return isinstance(actual, int | float) and low <= actual <= high
            case str() if expected.startswith("$"):
                if actual is Missing.MISSING or actual is None:
                    return False
                return bool(self._values.setdefault(expected, actual) == actual)
            case dict():
                return isinstance(actual, dict) and all(
                    self._is(value, actual.get(key, Missing.MISSING))
                    for key, value in expected.items()
                )
            case list():
                return (
                    isinstance(actual, list)
                    and len(actual) == len(expected)
                    and all(map(self._is, expected, actual))
                )
        return type(actual) is type(expected) and bool(actual == expected)

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("$"):
            return self._values[value]
        if isinstance(value, dict):
            return {key: self._filled(each) for key, each in value.items()}
        return [self._filled(each) for each in value] if isinstance(value, list) else value


def _parts(path: str) -> list[str | int]:
    return [part["key"] or int(part["index"]) for part in _PART.finditer(path)]


def _get(value: Any, parts: list[str | int]) -> Any:
    for part in parts:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return Missing.MISSING
    return value


def _put(target: Any, parts: list[str | int], value: Any) -> None:
    *path, last = parts
    for part, following in zip(path, parts[1:], strict=True):
        target = _grown(target, part, [] if isinstance(following, int) else {})
    _grown(target, last, value)
    target[last] = value


def _grown(target: Any, part: str | int, default: Any) -> Any:
    """What is at `part`, which is `default` from now on if nothing is."""
    if isinstance(part, str):
        return target.setdefault(part, default)
    if part == len(target):
        target.append(default)
    return target[part]
