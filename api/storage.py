"""Writing to what is kept on the disk, without holding up the event loop."""

from __future__ import annotations

import logging
from collections.abc import Callable

from anyio import to_thread

from api.errors import Code, Refused
from moderation.errors import StoreError

_log = logging.getLogger("uvicorn.error")


async def keep(write: Callable[[], None], setting: str) -> None:
    """Write in a thread.

    Parameters
    ----------
    write : callable
    setting : str
        The variable that says where, for the log.

    Raises
    ------
    Refused
        With status 503 if it cannot be written.
    """
    try:
        await to_thread.run_sync(write)
    except StoreError as error:
        _log.error("%s; see %s", error, setting)
        raise Refused(Code.NOT_KEPT) from error
