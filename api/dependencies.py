"""What endpoints ask FastAPI for."""

from __future__ import annotations

from email.message import Message
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from api.engine import Engine
from api.errors import Code, Refused
from api.settings import Settings
from moderation.articles import ArticleStore


async def settings_of(request: Request) -> Settings:
    """The settings that the application was made with."""
    settings: Settings = request.app.state.settings
    return settings


def once_loaded(request: Request, name: str) -> Any:
    """What the application loads when it starts, by its name in the state.

    Raises
    ------
    Refused
        With status 503 before that.
    """
    found = getattr(request.app.state, name, None)
    if found is None:
        raise Refused(Code.NOT_READY)
    return found


async def engine_of(request: Request) -> Engine:
    """The engine, see `once_loaded`."""
    engine: Engine = once_loaded(request, "engine")
    return engine


async def articles_of(request: Request) -> ArticleStore:
    """Where the articles are that were given once."""
    articles: ArticleStore = request.app.state.articles
    return articles


async def not_stored(response: Response) -> None:
    """Keep answers, which tell about comments, out of caches."""
    response.headers["Cache-Control"] = "no-store"


async def sent_as_json(request: Request) -> None:
    """Refuse bodies that do not say they are JSON.

    Raises
    ------
    Refused
        With status 415.
    """
    header = Message()
    header["content-type"] = request.headers.get("content-type", "")
    kind = header.get_content_type()
    if not (kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))):
        raise Refused(Code.UNSUPPORTED_MEDIA_TYPE)


CurrentSettings = Annotated[Settings, Depends(settings_of)]
CurrentEngine = Annotated[Engine, Depends(engine_of)]
CurrentArticles = Annotated[ArticleStore, Depends(articles_of)]
