"""`PUT`, `GET` and `DELETE /v1/articles/{id}`: articles given once, which comments then name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path

from api.dependencies import CurrentArticles, CurrentEngine, CurrentSettings, not_stored, sent_as_json
from api.errors import Code, Refused, documented
from api.limits import refuse_long_article
from api.schemas import ArticleGiven, ArticleKept
from api.storage import keep
from moderation.errors import UnknownArticleError

_SETTING: Final = "MODERATION_ARTICLES"
_REFUSALS: Final = (
    Code.KEY_MISSING,
    Code.KEY_UNKNOWN,
    Code.LOCAL_ONLY,
    Code.BODY_TOO_LARGE,
    Code.INVALID_REQUEST,
    Code.TOO_MANY_REQUESTS,
    Code.INTERNAL_ERROR,
)

Id = Annotated[
    str,
    Path(
        alias="id",
        min_length=1,
        max_length=200,
        description="The site's own name for the article.",
        examples=["bridge"],
    ),
]

router = APIRouter(prefix="/v1/articles/{id:path}", tags=["articles"], dependencies=[Depends(not_stored)])


@router.put(
    "",
    status_code=204,
    dependencies=[Depends(sent_as_json)],
    responses=documented(
        *_REFUSALS,
        Code.MALFORMED_JSON,
        Code.ARTICLE_TOO_LARGE,
        Code.UNSUPPORTED_MEDIA_TYPE,
        Code.NOT_READY,
        Code.NOT_KEPT,
    ),
)
async def put_article(
    id_: Id, request: ArticleGiven, engine: CurrentEngine, articles: CurrentArticles, settings: CurrentSettings
) -> None:
    """Keep an article, instead of any other with this id, and prepare it for its comments."""
    article = request.to_article()
    refuse_long_article(article, settings, "body")
    await keep(partial(articles.put, id_, article), _SETTING)
    await engine.prepare(article)


@router.get("", response_model_exclude_none=True, responses=documented(*_REFUSALS, Code.UNKNOWN_ARTICLE))
async def get_article(id_: Id, articles: CurrentArticles) -> ArticleKept:
    """Give an article back."""
    with _unknown_refused():
        return ArticleKept.of(id_, articles.find("id", id_))


@router.delete("", status_code=204, responses=documented(*_REFUSALS, Code.UNKNOWN_ARTICLE, Code.NOT_KEPT))
async def delete_article(id_: Id, articles: CurrentArticles) -> None:
    """Forget an article: comments that name it are refused from now on."""
    with _unknown_refused():
        await keep(partial(articles.delete, id_), _SETTING)


@contextmanager
def _unknown_refused() -> Iterator[None]:
    try:
        yield
    except UnknownArticleError as error:
        raise Refused(Code.UNKNOWN_ARTICLE) from error
