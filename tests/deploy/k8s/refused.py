"""How the fake server says no."""

from typing import NoReturn


class RefusedError(ValueError):
    """A rule that a schema cannot tell; the text names the field."""


def refuse(field: str, why: str) -> NoReturn:
    raise RefusedError(f"{field}: Invalid value: {why}")


def refuse_repeated(field: str, keys: list[object]) -> None:
    for key in keys:
        if keys.count(key) > 1:
            raise RefusedError(f"{field}: Duplicate value: {key}")
