"""The application: settings in, FastAPI out."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors, security
from api.engine import Engine
from api.errors import Shapes
from api.judging import Judge
from api.limits import BodyLimit
from api.perspective.backend import Backend
from api.perspective.errors import InvalidArgumentError, answer_invalid, google_shape
from api.routes import articles, coral, discourse, health, openai, perspective, scoring
from api.security import Doors, Guard
from api.settings import Settings
from moderation.articles import ArticleStore
from moderation.decisions import DecisionStore
from moderation.errors import ModerationError

SHAPES: Final = Shapes({**dict.fromkeys(perspective.PREFIXES, google_shape), openai.PATH: openai.openai_shape})
DOORS: Final = Doors(
    open=(*perspective.OPEN, coral.PATH, "/healthz", "/readyz", "/docs", "/openapi.json", "/static-offline-docs"),
    with_query=perspective.PREFIXES,
)


class OneLineStartupFailure:
    """ASGI middleware that lets the server log a known cause of a failed start as one line, not as a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; shorten ``lifespan.startup.failed``."""
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return

        async def shortened(message: Message) -> None:
            error = sys.exception()
            if message["type"] == "lifespan.startup.failed" and isinstance(error, ModerationError):
                message["message"] = str(error)
            await send(message)

        await self.app(scope, receive, shortened)


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
    KeysError
        If the file of API keys cannot be used.
    """
    settings = settings or Settings.from_environment()
    decisions = None if settings.decisions == "off" else DecisionStore(settings.decisions)
    kept_articles = ArticleStore(settings.articles, settings.articles_kept)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        logging.getLogger("uvicorn.access").addFilter(security.without_keys)
        app.state.engine = Engine.load(settings)
        app.state.perspective = Backend.load(app.state.engine, settings)
        app.state.judge = Judge(app.state.engine, kept_articles, settings)
        _spare_the_loaded()
        yield
        kept_articles.close()
        if decisions is not None:
            decisions.close()

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
    app.state.decisions = decisions
    app.state.articles = kept_articles
    # the last one added is asked first
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes, shapes=SHAPES)
    app.add_middleware(Guard, keys=security.load_keys(settings), doors=DOORS, shapes=SHAPES)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins.split(),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["*"],
        )
    app.add_middleware(OneLineStartupFailure)
    errors.install(app, SHAPES)
    app.add_exception_handler(InvalidArgumentError, answer_invalid)
    scoring.add_to(app, dependencies=security.documented(settings))
    app.include_router(articles.router, dependencies=security.documented(settings))
    app.include_router(perspective.router, dependencies=security.documented(settings, in_query=True))
    app.include_router(perspective.open_router)
    app.include_router(openai.router, dependencies=security.documented(settings))
    app.include_router(coral.router)
    app.include_router(discourse.router, dependencies=security.documented(settings))
    app.include_router(health.router)
    return app


def _spare_the_loaded() -> None:
    """Have no garbage collection look through what is loaded, which would hold up all requests for 0.2 seconds."""
    gc.collect()
    gc.freeze()


def _limits(settings: Settings) -> str:
    return (
        "Every refusal has the same shape, `Problem`, whose `code` says why, save on endpoints that stand in for those "
        "of others and refuse as they do. Answers with status 413 mean that one of "
        f"these limits was passed: body {settings.max_body_bytes} bytes; comment {settings.max_comment_bytes}, "
        f"article (title, text and URL) {settings.max_article_bytes}, parent {settings.max_parent_bytes} bytes of "
        f"UTF-8; batch {settings.max_batch} comments, {settings.max_explained} of them with reasons."
    )
