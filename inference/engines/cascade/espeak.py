"""espeak-ng's library, streaming.

https://github.com/espeak-ng/espeak-ng/blob/master/src/include/espeak-ng/speak_lib.h

The library is a singleton without locks: one of these a process, used by one thread.
"""

import ctypes
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import espeakng_loader

from inference.engines.cascade.worker_messages import SpeakRequest

AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_DONT_EXIT = 0x8000
POSITION_CHARACTER = 1
EVENT_LIST_TERMINATED, EVENT_WORD = 0, 1
CHARACTERS_UTF8 = 1
PARAMETER_RATE, PARAMETER_PITCH = 1, 3
CONTINUE, ABORT = 0, 1

CHUNK_MS = 40
DEFAULT_VOICE = "en-us"

OnAudio = Callable[[bytes], bool]
"""Takes the next samples; False stops the synthesis."""

OnWord = Callable[[int, int], None]
"""Takes a character of the text and the sample with which the word there begins.

The sample is among those that `OnAudio` took last.
"""


class _Event(ctypes.Structure):
    """espeak_EVENT."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


def _ignore_word(_text_position: int, _sample: int) -> None:
    """For who wants the audio only."""


class Espeak:
    """Turns text into 16 bit mono samples at `rate`."""

    def __init__(self) -> None:
        """Raises OSError when the library or its data cannot be loaded."""
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = str(espeakng_loader.get_data_path()).encode()
        self.rate: int = self._library.espeak_Initialize(
            AUDIO_OUTPUT_SYNCHRONOUS, CHUNK_MS, data, INITIALIZE_DONT_EXIT
        )
        if self.rate <= 0:
            raise OSError("espeak-ng cannot read its data")
        self._on_audio: OnAudio = lambda pcm: False
        self._on_word: OnWord = _ignore_word
        self._callback = _Callback(self._synthesised)
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(
        self, request: SpeakRequest, on_audio: OnAudio, on_word: OnWord = _ignore_word
    ) -> None:
        """Return when all audio was given, or `on_audio` had enough."""
        if self._library.espeak_SetVoiceByName(request.voice.encode()) != 0:
            self._library.espeak_SetVoiceByName(DEFAULT_VOICE.encode())
        self._library.espeak_SetParameter(PARAMETER_PITCH, request.pitch, 0)
        self._library.espeak_SetParameter(PARAMETER_RATE, request.words_per_minute, 0)
        self._on_audio, self._on_word = on_audio, on_word
        text = request.text.replace("\0", " ").encode() + b"\0"
        self._library.espeak_Synth(
            text, len(text), 0, POSITION_CHARACTER, 0, CHARACTERS_UTF8, None, None
        )

    def _synthesised(self, samples: Any, count: int, events: Any) -> int:
        if not samples or count <= 0:
            return CONTINUE
        wanted = self._on_audio(ctypes.string_at(samples, 2 * count))
        for event in _listed(events):
            if event.type == EVENT_WORD:
                self._on_word(event.text_position - 1, event.sample)
        return CONTINUE if wanted else ABORT


def _listed(events: Any) -> Iterator[_Event]:
    """The events of a callback, up to the one that ends the list."""
    for index in itertools.count():
        if events[index].type == EVENT_LIST_TERMINATED:
            return
        yield events[index]
