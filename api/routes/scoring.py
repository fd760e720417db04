"""`POST /v1/score` and `/v1/score/batch`."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Depends

from api.dependencies import CurrentArticles, CurrentEngine, CurrentSettings, not_stored, sent_as_json
from api.engine import Case
from api.errors import Code, Detail, Refused, documented
from api.limits import refuse_long_batch, refuse_oversized
from api.schemas import ArticleIn, BatchRequest, BatchResponse, Result, ScoreRequest, ScoreResponse
from api.settings import Settings
from moderation.articles import ArticleStore
from moderation.errors import UnknownArticleError

_REFUSALS = (
    Code.MALFORMED_JSON,
    Code.KEY_MISSING,
    Code.KEY_UNKNOWN,
    Code.LOCAL_ONLY,
    Code.UNKNOWN_ARTICLE,
    Code.BODY_TOO_LARGE,
    Code.COMMENT_TOO_LARGE,
    Code.ARTICLE_TOO_LARGE,
    Code.PARENT_TOO_LARGE,
    Code.UNSUPPORTED_MEDIA_TYPE,
    Code.INVALID_REQUEST,
    Code.TOO_MANY_REQUESTS,
    Code.INTERNAL_ERROR,
    Code.NOT_READY,
)

router = APIRouter(prefix="/v1/score", tags=["scoring"], dependencies=[Depends(sent_as_json), Depends(not_stored)])


@router.post("", response_model_exclude_none=True, responses=documented(*_REFUSALS))
async def score(
    request: ScoreRequest, engine: CurrentEngine, articles: CurrentArticles, settings: CurrentSettings
) -> ScoreResponse:
    """Judge one comment."""
    [finding] = await engine.judge(_cases({"": request}, articles, settings))
    return ScoreResponse(**Result.of(finding).model_dump(), model=engine.moderator.model)


@router.post(
    "/batch",
    dependencies=[Depends(refuse_long_batch)],
    response_model_exclude_none=True,
    responses=documented(*_REFUSALS, Code.TOO_MANY_COMMENTS),
)
async def score_batch(
    request: BatchRequest, engine: CurrentEngine, articles: CurrentArticles, settings: CurrentSettings
) -> BatchResponse:
    """Judge many comments at once; results come in the order of the comments, and one bad entry refuses the batch."""
    entries = {f"comments.{number}.": entry for number, entry in enumerate(request.comments)}
    findings = await engine.judge(_cases(entries, articles, settings))
    return BatchResponse(results=[Result.of(finding) for finding in findings], model=engine.moderator.model)


def _cases(requests: Mapping[str, ScoreRequest], articles: ArticleStore, settings: Settings) -> list[Case]:
    """Read requests, given by their paths in the body, and put them under the articles that they name.

    Raises
    ------
    Refused
        If a text is too long, or articles are unknown.
    """
    cases, unknown = [], []
    for where, request in requests.items():
        case = request.to_case()
        refuse_oversized(case.comment, settings, where)
        try:
            cases.append(_under_its_article(case, request.article, articles))
        except UnknownArticleError as error:
            reason = f"No article with this {error.name} is known"
            unknown.append(Detail(field=f"{where}article.{error.name}", reason=reason))
    if unknown:
        raise Refused(Code.UNKNOWN_ARTICLE, *unknown)
    return cases


def _under_its_article(case: Case, given: ArticleIn | None, articles: ArticleStore) -> Case:
    name = given.name if given else None
    return case.under(articles.find(*name)) if name else case
