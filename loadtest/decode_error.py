"""What msgspec says of a file, as people read it."""

import re

_PLACED = re.compile(r"(?P<text>.*) - at `\$\.?(?P<place>.*)`", re.DOTALL)
_MEMBERS = {
    re.compile(r"Object contains unknown field `(.*)`"): "there is no such member",
    re.compile(r"Object missing required field `(.*)`"): "is missing",
}


def one_line(error: Exception) -> str:
    """The member first: `load.sessions: Expected `int`, got `str``."""
    text, place = " ".join(str(error).split()), ""
    if placed := _PLACED.fullmatch(text):
        text, place = placed["text"], placed["place"]
    for pattern, meaning in _MEMBERS.items():
        if named := pattern.fullmatch(text):
            text, place = meaning, f"{place}.{named[1]}".lstrip(".")
    return f"{place}: {text}" if place else text
