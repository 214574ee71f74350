"""A file that is there while a process is ready: for probes, where processes share a port."""

from pathlib import Path

from chassis.settings import SettingError


class ReadyFile:
    """Nothing where no path is given."""

    def __init__(self, path: str | None) -> None:
        """Take away what an earlier process left. Raises SettingError."""
        self._path = Path(path) if path is not None else None
        self._shown = False
        if self._path is None:
            return
        try:
            self._path.touch()
            self._path.unlink()
        except OSError as error:
            raise SettingError(f"--ready-file {path}: {error.strerror}") from error

    def show(self, *, ready: bool) -> None:
        """Have the file be there or not. Raises OSError."""
        if self._path is None or ready == self._shown:
            return
        if ready:
            self._path.touch()
        else:
            self._path.unlink(missing_ok=True)
        self._shown = ready
