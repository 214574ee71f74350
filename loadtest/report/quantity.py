"""Figures as people read them: three significant digits, and a unit."""

from math import floor, log10

NOTHING = "–"
"""Where nothing was measured."""


def duration(seconds: float | None) -> str:
    if seconds is None:
        return NOTHING
    if seconds < 1e-3:
        return f"{round(seconds * 1e6)} µs" if seconds else "0 ms"
    if seconds < 0.9995:
        return f"{digits(seconds * 1e3)} ms"
    return f"{digits(seconds)} s" if seconds < 600 else f"{digits(seconds / 60)} min"


def share(ratio: float | None) -> str:
    """Per cent; near 0 and near 1 with as many digits as it takes to tell it from them."""
    if ratio is None:
        return NOTHING
    rest = min(abs(ratio), abs(1.0 - ratio))
    places = 1 if rest == 0.0 else max(1, 1 - floor(log10(rest * 100)))
    text = f"{ratio * 100:.{places}f}"
    return f"{text.rstrip('0').rstrip('.')} %"


def number(value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value == int(value) else digits(value)


def memory(size: float | None) -> str:
    if size is None:
        return NOTHING
    return f"{digits(size / 1e9)} GB" if size >= 1e9 else f"{digits(size / 1e6)} MB"


def cores(value: float | None) -> str:
    return NOTHING if value is None else digits(value)


def measured(value: float | None, unit: str) -> str:
    """By the units of `LevelRecord` and of `ComparedQuantity`."""
    if value is None:
        return NOTHING
    match unit:
        case "ms":
            return duration(value / 1e3)
        case "ratio":
            return share(value)
        case "bytes":
            return memory(value)
        case "cores":
            return cores(value)
        case _:
            return number(value)


def digits(value: float) -> str:
    """Three significant ones, in full from 1000 up."""
    if value == 0.0:
        return "0"
    places = max(0, 2 - floor(log10(abs(value))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
