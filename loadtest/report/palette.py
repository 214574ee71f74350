"""The report's colours: told apart in daltonism and on both grounds, and never the only sign.

Series after Okabe and Ito (https://jfly.uni-koeln.de/color/), darker or lighter for contrast of 3
to 1 with the ground; plots name a role, and the page's style sheet gives the role its colour.
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
    "fault": Colour("#b3361c", "#f5896b"),
    "series-1": Colour("#0072b2", "#56b4e9"),
    "series-2": Colour("#d55e00", "#f28c45"),
    "series-3": Colour("#008a64", "#2ec79c"),
    "series-4": Colour("#a2487c", "#dd9ac0"),
    "series-5": Colour("#7d6500", "#e0bb3c"),
    "series-6": Colour("#4d5761", "#a9b3bd"),
}
"""By role."""

SERIES = tuple(role for role in COLOURS if role.startswith("series-"))

DASHES = ("solid", "dashed", "dotted", "solid", "dashed", "dotted")
"""Of each of the series, so that it is not by the colour alone that they are told apart."""

MARKS = {role: f"#0ddb{number:02x}" for number, role in enumerate(COLOURS)}
"""What stands for a role in a plot until its SVG is made: no colour that anything else has."""


def style_variables(theme: str) -> str:
    """`--role: colour;` of each role, of the theme `light` or `dark`."""
    return " ".join(f"--{role}: {getattr(colour, theme)};" for role, colour in COLOURS.items())
