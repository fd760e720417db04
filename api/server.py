"""Running the service: what `moderation serve` does."""

from __future__ import annotations

import os
import sys

import uvicorn

from api.engine import Engine
from api.security import load_keys, refuse_open_door
from api.settings import Settings
from moderation.decisions import DecisionStore
from moderation.errors import ModerationError


def serve(settings: Settings | None = None) -> None:
    """Check the settings and the bundle, then answer requests until told to stop.

    Parameters
    ----------
    settings : Settings or None
        None reads them from the environment.

    Raises
    ------
    SystemExit
        With code 2, after one line on standard error, if a setting or a file that it names cannot be used, or if
        strangers could come in.
    """
    try:
        settings = settings or Settings.from_environment()
        refuse_open_door(settings)
        load_keys(settings)
        Engine.load(settings)
        _require_store(settings)
    except ModerationError as error:
        print(f"moderation: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    # worker processes make their own application, from the environment
    os.environ.update(settings.to_environment())
    uvicorn.run(
        "api.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        log_level=settings.log_level,
        server_header=False,
    )


def _require_store(settings: Settings) -> None:
    """Open the store of decisions where somebody asked for it by name; the usual one waits for the first decision."""
    if "decisions" in settings.model_fields_set and settings.decisions != "off":
        store = DecisionStore(settings.decisions)
        store.open()
        store.close()
