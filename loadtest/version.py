"""Which version this is: coordinator and workers must be of the same."""

from importlib.metadata import version

VERSION = version("antiphon")
