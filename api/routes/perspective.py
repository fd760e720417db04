"""`POST /v1alpha1/comments:analyze` and what belongs to it: Perspective's endpoints, under their own addresses."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import not_stored, sent_as_json
from api.errors import Code, Refused
from api.perspective.analysis import analyze
from api.perspective.backend import CurrentBackend
from api.perspective.batch import read_batch, run_batch, write_batch
from api.perspective.discovery import VERSION, discovery_document
from api.perspective.errors import documented
from api.perspective.languages import CommentLanguages
from api.perspective.messages import (
    AnalyzeCommentRequest,
    AnalyzeCommentResponse,
    SuggestCommentScoreRequest,
    SuggestCommentScoreResponse,
)
from api.perspective.suggestion import decision_of
from api.security import client_of
from api.storage import keep
from moderation.decisions import DecisionStore

PREFIXES: Final = (f"/{VERSION}/", "/$discovery/", "/batch")
"""Where the paths begin whose failures are told of as Google does."""
OPEN: Final = ("/$discovery/", "/batch")
"""Those that need no key: a description, and an envelope whose calls bring their own."""

_REFUSALS: Final = documented(400, 403, 429, 500, 503)
_MULTIPART: Final[dict[str, Any]] = {"multipart/mixed": {"schema": {"type": "string", "format": "binary"}}}


async def store_of(request: Request) -> DecisionStore | None:
    """Where decisions are kept; None where they are not."""
    store: DecisionStore | None = request.app.state.decisions
    return store


CurrentStore = Annotated[DecisionStore | None, Depends(store_of)]
Client = Annotated[str | None, Depends(client_of)]

router = APIRouter(tags=["perspective"], dependencies=[Depends(not_stored)])
open_router = APIRouter(tags=["perspective"], dependencies=[Depends(not_stored)])
"""Of the endpoints in `OPEN`."""


@router.post(
    f"/{VERSION}/comments:analyze",
    dependencies=[Depends(sent_as_json)],
    response_model_exclude_none=True,
    responses=_REFUSALS,
)
async def analyze_comment(request: AnalyzeCommentRequest, backend: CurrentBackend) -> AnalyzeCommentResponse:
    """Score a comment as Perspective's AnalyzeComment does. Nothing of it is stored."""
    return await analyze(request, backend)


@router.post(
    f"/{VERSION}/comments:suggestscore",
    dependencies=[Depends(sent_as_json)],
    response_model_exclude_none=True,
    responses=_REFUSALS,
)
async def suggest_score(
    request: SuggestCommentScoreRequest, backend: CurrentBackend, store: CurrentStore, client: Client
) -> SuggestCommentScoreResponse:
    """Keep what a comment's scores should have been, as Perspective's SuggestCommentScore does; see `doNotStore`."""
    decision = decision_of(request, backend, client)
    languages = CommentLanguages.of(decision.comment.text, request.languages, backend.detector)
    if store is not None and not request.do_not_store:
        await keep(partial(store.add, decision), setting="MODERATION_DECISIONS")
    return SuggestCommentScoreResponse(
        client_token=request.client_token,
        detected_languages=list(languages.detected),
        requested_languages=list(languages.requested) or None,
    )


@open_router.post(
    "/batch",
    responses=_REFUSALS | {200: {"content": _MULTIPART}},
    openapi_extra={"requestBody": {"content": _MULTIPART, "required": True}},
    response_class=Response,
)
@open_router.post(f"/batch/commentanalyzer/{VERSION}", include_in_schema=False)
async def batch(request: Request) -> Response:
    """Answer up to 100 calls of the two endpoints above, in the form that Google's client libraries write."""
    calls = read_batch(request.headers.get("content-type", ""), await request.body())
    media_type, body = write_batch(await run_batch(calls, request.app, request.scope))
    return Response(body, media_type=media_type)


@open_router.get("/$discovery/rest", responses=documented(404, 500))
async def discovery(request: Request, version: Annotated[str, Query()] = VERSION) -> dict[str, Any]:
    """Describe the two endpoints above to Google's client libraries, with this server's own address."""
    if version != VERSION:
        raise Refused(Code.NOT_FOUND)
    return discovery_document(str(request.base_url))
