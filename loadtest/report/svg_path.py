"""Paths of SVG in few bytes: https://www.w3.org/TR/SVG2/paths.html#PathData"""

import re

_TOKEN = re.compile(r"[A-Za-z]|-?\d*\.?\d+(?:e-?\d+)?")


def compact(path: str) -> str:
    """The same to a tenth of a unit, lines along an axis as `H` and `V`.

    Other than lines are only rounded.
    """
    tokens = [_rounded(token) for token in _TOKEN.findall(path)]
    if not {token for token in tokens if token.isalpha()} <= {"M", "L", "z"}:
        return " ".join(tokens)
    return _lines(tokens)


def _rounded(token: str) -> str:
    """Of a command, itself."""
    if token.isalpha():
        return token
    text = f"{float(token):.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _lines(tokens: list[str]) -> str:
    parts: list[str] = []
    at = ("", "")
    rest = iter(tokens)
    for command in rest:
        if command == "z":
            parts.append("z")
            continue
        to = (next(rest), next(rest))
        if command == "M":
            parts.append(f"M{to[0]} {to[1]}")
        elif to != at:
            parts.append(_line(at, to))
        at = to
    return "".join(parts)


def _line(at: tuple[str, str], to: tuple[str, str]) -> str:
    if to[1] == at[1]:
        return f"H{to[0]}"
    return f"V{to[1]}" if to[0] == at[0] else f"L{to[0]} {to[1]}"
