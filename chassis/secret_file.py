"""Files that hold secrets: keys never come by flag, where `ps` would show them."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from chassis.settings import SettingError

SecretT = TypeVar("SecretT")


def read_secret_file(flag: str, path: str, parse: Callable[[str], SecretT]) -> SecretT:
    """Read and parse a file that `flag` names.

    Raises SettingError, which never quotes the file's content; `parse` says what is
    wrong by a ValueError that does not either.
    """
    try:
        return parse(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"{flag} {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingError(f"{flag} {path}: not a text file") from error
    except ValueError as error:
        raise SettingError(f"{flag} {path}: {error}") from error
