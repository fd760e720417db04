"""Running the service: what `moderation serve` does."""

from __future__ import annotations

import os
import sys

import uvicorn

from api.engine import Engine
from api.settings import Settings
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
        With code 2, after one line on standard error, if a setting, the bundle or the policy cannot be used.
    """
    try:
        settings = settings or Settings.from_environment()
        Engine.load(settings)
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
