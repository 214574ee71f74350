"""The report's colours; plots name a role, and the page's style sheet gives the role its colour.

Of the series, the first two are of Okabe and Ito (https://jfly.uni-koeln.de/color/). The others
are such that any two differ by 20 in CIELAB, also to eyes with protanopia, deuteranopia or
tritanopia, and by a contrast of 3 to 1 from the ground.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Colour:
    """One role's colours, as `#rrggbb`."""

    light: str
    dark: str


COLOURS = {
    "page": Colour("#f4f6f8", "#0f1215"),
    "surface": Colour("#ffffff", "#171b1f"),
    "ink": Colour("#181c21", "#e6e9ed"),
    "muted": Colour("#5b6570", "#98a2ac"),
    "line": Colour("#dde2e8", "#2f373e"),
    "held": Colour("#00735a", "#37c79f"),
    "failed": Colour("#b3361c", "#f5896b"),
    "held-wash": Colour("#e6f4f0", "#12291f"),
    "failed-wash": Colour("#fcece7", "#331a13"),
    "series-1": Colour("#0072b2", "#56b4e9"),
    "series-2": Colour("#d55e00", "#f28c45"),
    "series-3": Colour("#78965a", "#b4e1a5"),
    "series-4": Colour("#781e5a", "#a56987"),
    "series-5": Colour("#c37896", "#0f69e1"),
    "series-6": Colour("#4b3c00", "#c32d3c"),
}
"""By role."""

SERIES = tuple(role for role in COLOURS if role.startswith("series-"))

DASHES = ("solid", "solid", "solid", "dashed", "dashed", "dashed")
"""Of each of the series."""

MARKS = {role: f"#0ddb{number:02x}" for number, role in enumerate(COLOURS)}
"""What stands for a role in a plot until its SVG is made: no colour that anything else has."""


def style_variables(theme: str) -> str:
    """`--role: colour;` of each role, of the theme `light` or `dark`."""
    return " ".join(f"--{role}: {getattr(colour, theme)};" for role, colour in COLOURS.items())
