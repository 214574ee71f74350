"""Pages of HTML from the templates beside this file."""

import re
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from loadtest.report.palette import style_variables

_ENVIRONMENT = Environment(
    loader=PackageLoader("loadtest.report", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_BEFORE_UNIT = re.compile(r"(?<=[\d.]) (?=(?:%|µs|ms|s|min|MB|GB)\b|%)")


def unbroken(text: str) -> str:
    """Figures and their units on one line."""
    return _BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", text)


_ENVIRONMENT.filters["unbroken"] = unbroken


def fill(template: str, **values: Any) -> str:
    """What values say is text, and stays so; only plots are taken for what they are."""
    return _ENVIRONMENT.get_template(template).render(style=_style(), **values)


def _style() -> Markup:
    """The style sheet, whose colours are the palette's."""
    source = (files("loadtest.report") / "templates" / "report.css").read_text()
    for place, theme in (("$LIGHT", "light"), ("$DARK", "dark")):
        source = source.replace(place, style_variables(theme))
    return Markup(source)  # noqa: S704 (our own file)
