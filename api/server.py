"""Running the service: what `moderation serve` does."""

from __future__ import annotations

import os
import sys

import uvicorn

from api.engine import Engine
from api.security import load_keys, refuse_open_door
from api.settings import Settings
from moderation.articles import ArticleStore
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
        _require_stores(settings)
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


def _require_stores(settings: Settings) -> None:
    """Open the stores that somebody asked for by name; the usual ones wait for what they shall keep."""
    stores: list[DecisionStore | ArticleStore] = []
    if "decisions" in settings.model_fields_set and settings.decisions != "off":
        stores.append(DecisionStore(settings.decisions))
    if "articles" in settings.model_fields_set:
        stores.append(ArticleStore(settings.articles, settings.articles_kept))
    for store in stores:
        store.open()
        store.close()
