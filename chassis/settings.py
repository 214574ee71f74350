"""Settings of a process: one frozen dataclass, filled from flags and environment.

A flag wins over its environment variable, which wins over the default. The
names follow from the field's: `http_bind` is `--http-bind` and
`ANTIPHON_HTTP_BIND`.
"""

import argparse
import dataclasses
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

PREFIX = "ANTIPHON_"

SettingsT = TypeVar("SettingsT")

_DECIMAL = re.compile(r"[0-9]*\.?[0-9]+", re.ASCII)


class SettingError(ValueError):
    """A setting cannot be used; the text names the flag or variable."""


class _Parser(argparse.ArgumentParser):
    """argparse would print its whole usage and exit; a bad flag is one clear line."""

    def error(self, message: str) -> NoReturn:
        raise SettingError(message)


def setting(
    default: Any = dataclasses.MISSING,
    *,
    help: str,
    parse: Callable[[str], Any],
    bare: str | None = None,
) -> Any:
    """A documented dataclass field; `parse` turns text into its value or raises ValueError.

    Without `default` the setting is required. `bare` is the text of its flag alone, which else
    needs one.
    """
    metadata = {"help": help, "parse": parse} | ({} if bare is None else {"bare": bare})
    return dataclasses.field(default=default, metadata=metadata)


def switch(*, help: str) -> Any:
    """A setting that is off by default, and on by its flag alone or the value `on`."""
    metadata = {"help": f"{help}; on or off", "parse": _on_or_off, "bare": "on"}
    return dataclasses.field(default=False, metadata=metadata)


def load(
    cls: type[SettingsT], argv: Sequence[str], environ: Mapping[str, str], *, prog: str
) -> SettingsT:
    """Fill the settings dataclass `cls`.

    Raises SettingError for an unknown flag, a value that does not parse and a
    required one that is missing. `--help` leaves through SystemExit, as argparse does.
    """
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    parser = _Parser(prog=prog, description=cls.__doc__, allow_abbrev=False)
    for field in fields:
        parser.add_argument(
            flag_name(field.name), dest=field.name, help=_help(field), **_bare(field)
        )
    given = vars(parser.parse_args(argv))
    return cls(**{field.name: _value(field, given[field.name], environ) for field in fields})


def flag_name(field_name: str) -> str:
    return "--" + field_name.replace("_", "-")


def variable_name(field_name: str) -> str:
    return PREFIX + field_name.upper()


def whole_number(low: int, high: int | None = None) -> Callable[[str], int]:
    """A parser of whole numbers from `low` to `high`, which raises ValueError for others."""
    wanted = f"from {low} up" if high is None else f"from {low} to {high}"

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit()):
            raise ValueError(f"expected a whole number {wanted}, not {text!r}")
        number = int(text)
        if number < low or (high is not None and number > high):
            raise ValueError(f"must be {wanted}, not {number}")
        return number

    return parse


positive = whole_number(1)


def fraction(text: str) -> float:
    """A number above 0 and at most 1. Raises ValueError for others."""
    number = float(text) if _DECIMAL.fullmatch(text) else math.nan
    if not 0 < number <= 1:
        raise ValueError(f"expected a number above 0 and at most 1, not {text!r}")
    return number


def _on_or_off(text: str) -> bool:
    if text not in ("on", "off"):
        raise ValueError(f"expected on or off, not {text!r}")
    return text == "on"


def _bare(field: "dataclasses.Field[Any]") -> dict[str, Any]:
    """Arguments for a flag that may stand without a value, if this is one."""
    return {"nargs": "?", "const": field.metadata["bare"]} if "bare" in field.metadata else {}


def _help(field: "dataclasses.Field[Any]") -> str:
    default = "required" if field.default is dataclasses.MISSING else f"default: {field.default}"
    if field.default is False:
        default = "default: off"
    if field.default is None:
        default = "optional"
    return f"{field.metadata['help']} [{variable_name(field.name)}; {default}]".replace("%", "%%")


def _value(field: "dataclasses.Field[Any]", flag: str | None, environ: Mapping[str, str]) -> Any:
    name, text = flag_name(field.name), flag
    if text is None:
        name, text = variable_name(field.name), environ.get(variable_name(field.name))
    if text is None:
        if field.default is dataclasses.MISSING:
            raise SettingError(f"{flag_name(field.name)} (or {name}) is required")
        return field.default
    try:
        return field.metadata["parse"](text)
    except ValueError as error:
        raise SettingError(f"{name}: {error}") from error
