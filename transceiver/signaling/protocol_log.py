"""The log of aiohttp's HTTP parser, without what strangers send it.

Anyone can send bytes that are no HTTP; aiohttp would log each with the sender's
address and the bytes themselves, which may be half of a key.
"""

import logging

from aiohttp.http_exceptions import HttpProcessingError

from chassis.logs import Redacted

protocol_logger = logging.getLogger(__name__)


class _WithoutClientFaults(logging.Filter):
    """Drops records about malformed requests; redacts the addresses in all others."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            return False
        if isinstance(record.args, tuple):
            record.args = tuple(Redacted(argument) for argument in record.args)
        return True


protocol_logger.addFilter(_WithoutClientFaults())
