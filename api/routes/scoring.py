"""`POST /v1/score` and `/v1/score/batch`."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from api.dependencies import CurrentEngine, CurrentSettings, not_stored, sent_as_json
from api.errors import Code, documented
from api.limits import refuse_long_batch, refuse_oversized
from api.schemas import BatchRequest, BatchResponse, Result, ScoreRequest, ScoreResponse

_REFUSALS = (
    Code.MALFORMED_JSON,
    Code.KEY_MISSING,
    Code.KEY_UNKNOWN,
    Code.LOCAL_ONLY,
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
async def score(request: ScoreRequest, engine: CurrentEngine, settings: CurrentSettings) -> ScoreResponse:
    """Judge one comment."""
    case = request.to_case()
    refuse_oversized(case.comment, settings)
    [finding] = await engine.judge([case])
    return ScoreResponse(**Result.of(finding).model_dump(), model=engine.moderator.model)


@router.post(
    "/batch",
    dependencies=[Depends(refuse_long_batch)],
    response_model_exclude_none=True,
    responses=documented(*_REFUSALS, Code.TOO_MANY_COMMENTS),
)
async def score_batch(request: BatchRequest, engine: CurrentEngine, settings: CurrentSettings) -> BatchResponse:
    """Judge many comments at once; results come in the order of the comments, and one bad entry refuses the batch."""
    cases = [entry.to_case() for entry in request.comments]
    for number, case in enumerate(cases):
        refuse_oversized(case.comment, settings, where=f"comments.{number}.")
    findings = await engine.judge(cases)
    return BatchResponse(results=[Result.of(finding) for finding in findings], model=engine.moderator.model)
