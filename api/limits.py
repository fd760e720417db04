"""What is too large, and its refusal."""

from __future__ import annotations

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.dependencies import CurrentSettings
from api.errors import Code, Detail, Failure, Refused, Shapes
from api.settings import Settings
from moderation import Article, Comment


class BodyLimit:
    """ASGI middleware that refuses long bodies: at once where the length is declared, else when too much has come.

    Parameters
    ----------
    app : ASGIApp
        What answers the requests whose body is short enough.
    max_bytes : int
        Longest body, in bytes.
    shapes : Shapes
        Of the refusals.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, shapes: Shapes) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.shapes = shapes
        self.detail = Detail(field="body", reason=f"At most {max_bytes} bytes are accepted")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its bytes counted."""
        if scope["type"] == "http" and int(Headers(scope=scope).get("content-length", "0")) > self.max_bytes:
            refusal = self.shapes.answer(scope["path"], Failure(Code.BODY_TOO_LARGE, [self.detail]))
            await refusal(scope, receive, send)
        else:
            await self.app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_bytes:
                raise Refused(Code.BODY_TOO_LARGE, self.detail)
            return message

        return counted


async def refuse_long_batch(request: Request, settings: CurrentSettings) -> None:
    """Refuse a batch of too many comments before each is looked at, which could take seconds.

    Raises
    ------
    Refused
        With status 413.
    """
    count = comments_in(await request.json() if await request.body() else None)
    if count > settings.max_batch:
        reason = f"{count} comments; at most {settings.max_batch} are accepted"
        raise Refused(Code.TOO_MANY_COMMENTS, Detail(field="comments", reason=reason))


def comments_in(body: object) -> int:
    """Number of comments in what may be a batch."""
    comments = body.get("comments") if isinstance(body, dict) else None
    return len(comments) if isinstance(comments, list) else 0


def refuse_many_explained(count: int, settings: Settings) -> None:
    """Refuse a batch with too many comments to explain.

    Raises
    ------
    Refused
        With status 413.
    """
    if count > settings.max_explained:
        reason = f"{count} comments to explain; at most {settings.max_explained} are accepted"
        raise Refused(Code.TOO_MANY_COMMENTS, Detail(field="comments", reason=reason))


def refuse_oversized(comment: Comment, settings: Settings, where: str = "") -> None:
    """Refuse a comment that is itself too long, or whose parent is.

    Parameters
    ----------
    comment : Comment
        Holds no lone surrogates.
    settings : Settings
        Its limits count bytes of UTF-8.
    where : str
        Path of the comment's request in the body, as the refusal shall name it.

    Raises
    ------
    Refused
        With status 413, naming what is too long and the limit.
    """
    _refuse_longer(comment.text, settings.max_comment_bytes, Code.COMMENT_TOO_LARGE, f"{where}comment.text")
    _refuse_longer(comment.parent or "", settings.max_parent_bytes, Code.PARENT_TOO_LARGE, f"{where}parent.text")


def refuse_long_article(article: Article, settings: Settings, where: str) -> None:
    """Refuse an article that is too long, naming its path in the body, see `refuse_oversized`."""
    about = f"{article.title}{article.text}{article.url or ''}"
    _refuse_longer(about, settings.max_article_bytes, Code.ARTICLE_TOO_LARGE, where)


def _refuse_longer(text: str, limit: int, code: Code, field: str) -> None:
    size = len(text.encode())
    if size > limit:
        raise Refused(code, Detail(field=field, reason=f"{size} bytes of UTF-8; at most {limit} are accepted"))
