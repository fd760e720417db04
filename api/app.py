"""The application: settings in, FastAPI out."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors
from api.engine import Engine
from api.limits import BodyLimit
from api.routes import health, scoring
from api.settings import Settings
from moderation.errors import ModerationError


class OneLineStartupFailure:
    """ASGI middleware that lets the server log a known cause of a failed start as one line, not as a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; shorten ``lifespan.startup.failed``."""

        async def shortened(message: Message) -> None:
            error = sys.exception()
            if message["type"] == "lifespan.startup.failed" and isinstance(error, ModerationError):
                message["message"] = str(error)
            await send(message)

        await self.app(scope, receive, shortened if scope["type"] == "lifespan" else send)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Make the service; the bundle is loaded when it starts.

    Parameters
    ----------
    settings : Settings or None
        None reads them from the environment.

    Raises
    ------
    SettingsError
        If the environment holds a value that cannot be used.
    """
    settings = settings or Settings.from_environment()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.engine = Engine.load(settings)
        yield

    app = FastAPIOffline(  # the pages under /docs need no network
        title="Comment moderation",
        summary="How abusive and how off-topic a comment is, why, and what to do with it.",
        description=_limits(settings),
        version=version("thread-moderation"),
        lifespan=lifespan,
        redirect_slashes=False,
        redoc_url=None,
    )
    app.state.settings = settings
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(OneLineStartupFailure)
    errors.install(app)
    app.include_router(scoring.router)
    app.include_router(health.router)
    return app


def _limits(settings: Settings) -> str:
    return (
        "Every refusal has the same shape, `Problem`, whose `code` says why. Answers with status 413 mean that one of "
        f"these limits was passed: body {settings.max_body_bytes} bytes; comment {settings.max_comment_bytes}, "
        f"article (title, text and URL) {settings.max_article_bytes}, parent {settings.max_parent_bytes} bytes of "
        f"UTF-8; batch {settings.max_batch} comments, {settings.max_explained} of them with reasons."
    )
