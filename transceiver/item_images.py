"""Images in users' messages: what is accepted, and how many are kept.

They are kept beside the conversation's items, whose events hold none of them.
"""

import re
from collections import OrderedDict

import msgspec
from msgspec import UNSET

from antiphon_proto.realtime import RealtimeError
from antiphon_proto.realtime.items import InputImage, Item, Message

MAX_IMAGE_EVENT_BYTES = 4 * 1024 * 1024
"""Of an event that creates an item with images, where messages may be that long: 3 MB of image."""

MAX_TOTAL_BYTES = 6 * 1024 * 1024
"""Of a conversation's images, as URLs; beyond it the oldest are forgotten. With the text of a
conversation they fit into what a replica takes as one message."""

_DATA_URL = re.compile(r"data:image/(?:png|jpeg|webp);base64,(?=[A-Za-z0-9+/])")


def check_image(part: InputImage, where: str) -> None:
    """Raises RealtimeError for what is no image; `where` is the part's place in the event.

    An address is refused: who serves the model would fetch it, with that machine's access.
    """
    param = f"{where}.image_url"
    if part.image_url is UNSET:
        raise RealtimeError(
            "missing_required_parameter", f"Missing required parameter: {param!r}.", param=param
        )
    if not _DATA_URL.match(part.image_url):
        raise RealtimeError(
            "invalid_image_url",
            "An image is given as a data URL of PNG, JPEG or WebP in base64.",
            param=param,
        )


def images_of(item: Item) -> tuple[str, ...]:
    """The URLs of an item's images, as far as it has them."""
    if not isinstance(item, Message):
        return ()
    parts = (part for part in item.content if isinstance(part, InputImage))
    return tuple(part.image_url for part in parts if part.image_url is not UNSET)


def without_images(item: Item) -> Item:
    """The item with its images named, and not given."""
    if not isinstance(item, Message) or not images_of(item):
        return item
    content = [
        msgspec.structs.replace(part, image_url=UNSET) if isinstance(part, InputImage) else part
        for part in item.content
    ]
    return msgspec.structs.replace(item, content=content)


class ItemImages:
    """The images of a conversation's items, by item id."""

    def __init__(self) -> None:
        self._images: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._bytes = 0

    def __call__(self, item_id: str) -> tuple[str, ...]:
        return self._images.get(item_id, ())

    def keep(self, item_id: str, images: tuple[str, ...]) -> None:
        """Remember the images of a new item; the oldest ones are forgotten for them."""
        self.forget(item_id)
        if not images:
            return
        self._images[item_id] = images
        self._bytes += _size(images)
        while self._bytes > MAX_TOTAL_BYTES and len(self._images) > 1:
            self.forget(next(iter(self._images)))

    def forget(self, item_id: str) -> None:
        self._bytes -= _size(self._images.pop(item_id, ()))


def _size(images: tuple[str, ...]) -> int:
    return sum(map(len, images))
