"""`POST /v1/score` and `/v1/score/batch`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from fastapi import Depends, FastAPI, Response, params

from api.dependencies import not_stored, sent_as_json
from api.direct import DirectRoute, as_json
from api.errors import Code, documented
from api.judging import CurrentJudge
from api.limits import refuse_long_batch, refuse_many_explained
from api.schemas import BatchRequest, BatchResponse, Result, ScoreRequest, ScoreResponse

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


async def score(request: ScoreRequest, judge: CurrentJudge) -> Response:
    """Judge one comment."""
    [finding] = await judge.judge({"": request})
    return as_json(ScoreResponse.of(finding, model=judge.model))


async def score_batch(request: BatchRequest, judge: CurrentJudge) -> Response:
    """Judge many comments at once; results come in the order of the comments, and one bad entry refuses the batch."""
    refuse_many_explained(sum(entry.explain for entry in request.comments), judge.settings)
    findings = await judge.judge({f"comments.{number}.": entry for number, entry in enumerate(request.comments)})
    return as_json(BatchResponse(results=[Result.of(finding) for finding in findings], model=judge.model))


def add_to(app: FastAPI, dependencies: Sequence[params.Depends]) -> None:
    """Add the endpoints, with what all that want a key depend on; a router would look twice for each of them."""
    add = partial(app.router.add_api_route, methods=["POST"], tags=["scoring"], route_class_override=DirectRoute)
    usual = [*dependencies, Depends(sent_as_json), Depends(not_stored)]
    add("/v1/score", score, response_model=ScoreResponse, dependencies=usual, responses=documented(*_REFUSALS))
    add(
        "/v1/score/batch",
        score_batch,
        response_model=BatchResponse,
        dependencies=[*usual, Depends(refuse_long_batch)],
        responses=documented(*_REFUSALS, Code.TOO_MANY_COMMENTS),
    )
