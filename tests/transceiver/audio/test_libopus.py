import ctypes

import pytest

from transceiver.audio import libopus
from transceiver.audio.libopus import LibraryNotFoundError


@pytest.fixture
def _uncached_library() -> None:
    libopus.library.cache_clear()


def test_the_library_found_is_new_enough() -> None:
    assert libopus._version(libopus.library()) >= libopus.OLDEST_VERSION


@pytest.mark.usefixtures("_uncached_library")
def test_without_any_library_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_library(name: str) -> ctypes.CDLL:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", no_library)
    with pytest.raises(LibraryNotFoundError, match="pip install av"):
        libopus.library()


@pytest.mark.usefixtures("_uncached_library")
def test_an_old_library_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libopus, "_version", lambda _library: (1, 4))
    with pytest.raises(LibraryNotFoundError):
        libopus.library()
