"""Makes docs/loadtest-scenarios.md from the code: `python -m tests.loadtest.scenario_page`."""

import ast
import inspect
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path

import msgspec
from msgspec import inspect as kinds

from chassis.member_docstrings import member_docstrings
from loadtest.measures.names import Count, Failure, Latency
from loadtest.scenario import scenario as definitions
from loadtest.scenario.reading import read_scenario, shipped_scenarios
from loadtest.scenario.scenario import (
    Arrivals,
    CallerProfile,
    Expect,
    Fault,
    FaultAction,
    Kind,
    Length,
    Load,
    Network,
    Scenario,
    Talk,
    TalkModel,
)
from loadtest.verdict.service_levels import PERCENTILE_WORDS, SERVICE_LEVELS, ServiceLevel

PAGE = Path(__file__).parents[2] / "docs/loadtest-scenarios.md"

HEAD = """\
# Scenarios of load tests

Every member of a scenario's file, the scenarios that come with the [harness](loadtest.md), the
service levels that one can set bounds to, and all that is measured. Files are TOML; what is
misspelt, of the wrong kind or out of its range is refused by name.

This page is made from the code by `python -m tests.loadtest.scenario_page`; a test holds it up to
date.
"""

TABLES: tuple[tuple[str, type[msgspec.Struct]], ...] = (
    ("The file", Scenario),
    ("load", Load),
    ("callers", CallerProfile),
    ("callers.talk", Talk),
    ("callers.network", Network),
    ("faults", Fault),
)
VALUES: tuple[tuple[str, type[Enum]], ...] = (
    ("load.arrivals", Arrivals),
    ("load.length", Length),
    ("callers.kind", Kind),
    ("callers.talk.model", TalkModel),
    ("callers.talk.expect", Expect),
    ("faults.action", FaultAction),
)

LEVELS = """\
A level holds if what was measured is at most the bound, or at least where that is said; one that
nothing was measured for does not hold. Of each [latency](#latencies) there are
{percentiles}, in milliseconds, such as `set_up_p99_ms`.
"""


def page() -> str:
    parts = [
        HEAD,
        "## What comes along\n",
        _table(("scenario", "", "sessions", "seconds"), _shipped()),
    ]
    for heading, struct in TABLES:
        parts += [f"## {heading}\n", _first_line(struct) + "\n"]
        parts.append(_table(("member", "kind", "default", ""), members(struct)))
    for heading, enum in VALUES:
        parts += [f"### {heading}\n", _table(("value", ""), values(enum))]
    parts += ["## service_levels\n", LEVELS.format(percentiles=_percentiles())]
    parts.append(_table(("service level", "", "unit", "holds"), _levels()))
    parts += ["## What is measured\n", "### Latencies\n", _table(("latency", ""), values(Latency))]
    parts += ["### Counts\n", _table(("count", ""), values(Count))]
    parts += ["### Why calls fail\n", _table(("reason", ""), values(Failure))]
    return "\n".join(parts)


def members(struct: type[msgspec.Struct]) -> Iterator[tuple[str, str, str, str]]:
    """Name, kind, default and meaning of each."""
    texts = _docstrings(struct)
    info = kinds.type_info(struct)
    assert isinstance(info, kinds.StructType)
    for field in info.fields:
        text = texts.get(field.name) or _meaning(field.type)
        yield f"`{field.name}`", _kind(field.type), _default(field), text


def values(enum: type[Enum]) -> Iterator[tuple[str, str]]:
    texts = member_docstrings(enum)
    return ((f"`{each.value}`", texts.get(each, "")) for each in enum)


def _shipped() -> Iterator[tuple[str, str, str, str]]:
    for name in shipped_scenarios():
        each = read_scenario(name)
        yield f"`{name}`", each.description, f"{each.load.sessions:,}", f"{each.load.seconds:g}"


def _percentiles() -> str:
    named = [f"`<latency>_{name}_ms` ({words})" for name, words in PERCENTILE_WORDS.items()]
    return ", ".join(named[:-1]) + f" and {named[-1]}"


def _levels() -> Iterator[tuple[str, str, str, str]]:
    of_latencies = tuple(f"{latency}_" for latency in Latency)
    for level in SERVICE_LEVELS.values():
        if not (level.unit == "ms" and level.name.startswith(of_latencies)):
            yield f"`{level.name}`", level.description, level.unit, _holds(level)


def _holds(level: ServiceLevel) -> str:
    return "at least" if level.at_least else "at most"


def _docstrings(struct: type[msgspec.Struct]) -> Mapping[str, str]:
    [definition] = ast.parse(inspect.getsource(struct)).body
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for member, docstring in zip(definition.body, definition.body[1:], strict=False):
        match member, docstring:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = " ".join(text.split())
    return found


def _meaning(kind: kinds.Type) -> str:
    """Of a member without a docstring: that of the class of its values."""
    match kind:
        case kinds.EnumType(cls=cls) | kinds.StructType(cls=cls):
            return _first_line(cls)
        case kinds.VarTupleType(item_type=kinds.StructType(cls=cls)):
            return _first_line(cls)
    return ""


def _first_line(cls: type) -> str:
    return (inspect.getdoc(cls) or "").partition("\n\n")[0].replace("\n", " ")


def _kind(kind: kinds.Type) -> str:
    match kind:
        case kinds.UnionType(types=types):
            return next(_kind(each) for each in types if not isinstance(each, kinds.NoneType))
        case kinds.IntType() | kinds.FloatType():
            return _number(kind)
        case kinds.EnumType(cls=cls):
            return f"one of [these](#{_anchor(cls)})"
        case kinds.StructType(cls=cls):
            return f"[table](#{_anchor(cls)})"
        case kinds.VarTupleType(item_type=kinds.StructType(cls=cls)):
            return f"[tables](#{_anchor(cls)})"
        case kinds.VarTupleType():
            return "strings"
        case kinds.DictType():
            return "[numbers](#service_levels)"
    return {kinds.StrType: "string", kinds.BoolType: "boolean"}[type(kind)]


def _number(kind: kinds.IntType | kinds.FloatType) -> str:
    word = "integer" if isinstance(kind, kinds.IntType) else "number"
    low = f"above {kind.gt:g}" if kind.gt is not None else f"from {kind.ge:g}"
    return f"{word} {low}" + (f" to {kind.le:,.10g}" if kind.le is not None else "")


def _anchor(cls: type) -> str:
    headings = {each: heading for heading, each in (*TABLES, *VALUES)}
    return headings[cls].lower().replace(".", "").replace(" ", "-")


def _default(field: kinds.Field) -> str:
    if field.required:
        return "**required**"
    value = field.default
    if isinstance(value, tuple) or value is msgspec.NODEFAULT:
        return ""
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case int() | float():
            return f"`{value:g}`"
        case Enum():
            return f'`"{value.value}"`'
    return ""


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("|" + "|".join(_cell(each) for each in line) + "|" for line in lines) + "\n"


def _cell(text: str) -> str:
    return text if text == "---" else f" {text.replace('|', '/')} " if text else " "


def undocumented() -> list[str]:
    """Members and values of which nothing is said."""
    of_members = [
        f"{struct.__name__}.{name}"
        for _, struct in TABLES
        for name, _, _, text in members(struct)
        if not text
    ]
    enums = (*(enum for _, enum in VALUES), Latency, Count, Failure)
    of_values = [
        f"{enum.__name__}.{name}" for enum in enums for name, text in values(enum) if not text
    ]
    return of_members + of_values


def structs() -> set[type]:
    """All that a scenario is made of."""
    defined = vars(definitions).values()
    return {
        each
        for each in defined
        if isinstance(each, type)
        and issubclass(each, msgspec.Struct | Enum)
        and each.__module__ == definitions.__name__
    }


if __name__ == "__main__":
    PAGE.write_text(page())
