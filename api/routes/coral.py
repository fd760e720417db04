"""`POST /v1/coral`: an external moderation phase of Coral.

Source: https://github.com/coralproject/talk, EXTERNAL_MODERATION_PHASES.md and WEBHOOKS.md.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any, Final, Literal, Self

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import CurrentArticles, CurrentEngine, CurrentSettings, not_stored
from api.engine import Case
from api.errors import Code, Refused, documented
from api.limits import refuse_oversized
from api.perspective.backend import CurrentBackend
from api.perspective.languages import TAUGHT
from api.schemas import Text
from api.settings import Settings
from moderation import Article, Comment, Verdict
from moderation.articles import ArticleStore, Name
from moderation.errors import StoreError, UnknownArticleError
from moderation.labels import ABUSE_LABELS
from moderation.verdict import Action

PATH: Final = "/v1/coral"
SIGNATURE: Final = "X-Coral-Signature"
_HEADER: Final = {
    "name": SIGNATURE,
    "in": "header",
    "required": True,
    "schema": {"type": "string"},
    "description": "sha256= and the hexadecimal HMAC of the body, under each of Coral's secrets, separated by commas.",
}

Reason = Literal["COMMENT_DETECTED_TOXIC", "COMMENT_DETECTED_SPAM"]
Status = Literal["SYSTEM_WITHHELD", "REJECTED"]

_REASONS: Final[Mapping[str, Reason]] = {
    **dict.fromkeys(ABUSE_LABELS, "COMMENT_DETECTED_TOXIC"),
    "spam": "COMMENT_DETECTED_SPAM",
}
_STATUS: Final[Mapping[Action, Status]] = {Action.REVIEW: "SYSTEM_WITHHELD", Action.REJECT: "REJECTED"}
"""Of an approved comment nothing is said: a status would keep Coral from asking its other phases."""

_log = logging.getLogger("uvicorn.error")


def is_signed(body: bytes, header: str, secrets: Sequence[str]) -> bool:
    """Whether a header holds the signature of a body under any of several secrets.

    Parameters
    ----------
    body : bytes
        As it came.
    header : str
        ``sha256=<hexadecimal HMAC>``, more of them behind commas while Coral rotates its secret.
    secrets : sequence of str
        More than one while the service rotates its own.
    """
    given = [part.strip().removeprefix("sha256=").encode() for part in header.split(",")]
    right = [hmac.new(secret.encode(), body, sha256).hexdigest().encode() for secret in secrets]
    # a sum, so that it takes the same time whichever of them match
    return sum(hmac.compare_digest(one, other) for one in given for other in right) > 0


class SignedRoute(APIRoute):
    """A route whose requests are looked at only once their signature is found right."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Put the check before what FastAPI does, which is to read the body as JSON."""
        handle = super().get_route_handler()

        async def handle_signed(request: Request) -> Response:
            settings: Settings = request.app.state.settings
            if not is_signed(await request.body(), request.headers.get(SIGNATURE, ""), settings.coral_secrets.split()):
                raise Refused(Code.SIGNATURE_WRONG)
            return await handle(request)

        return handle_signed


class _In(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class CoralComment(_In):
    """The comment; Coral tells of its parent the name only, not the text."""

    body: Text


class CoralStory(_In):
    """What the comment stands under; Coral tells its names only."""

    id: Text | None = Field(default=None, description="The site's own where its pages set one, else Coral's.")
    url: Text | None = None


class CoralRequest(_In):
    """What Coral sends; what else is in it is not read."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "action": "NEW",
                    "comment": {"body": "You clueless moron.", "parentID": None},
                    "story": {"id": "night-ferry", "url": "https://harbour.example/night-ferry"},
                    "tenantDomain": "comments.harbour.example",
                }
            ]
        }
    )

    comment: CoralComment
    story: CoralStory = Field(
        default=CoralStory(),
        description="Where an article was given with this url or id, the comment is judged under it.",
    )
    tenant_domain: Text | None = Field(
        default=None, alias="tenantDomain", description="Whose thresholds apply, as a community of the policy."
    )


class CoralFlag(BaseModel):
    """Why moderators shall look at a comment."""

    action_type: Literal["FLAG"] = Field(default="FLAG", serialization_alias="actionType")
    reason: Reason


class CoralResponse(BaseModel):
    """What Coral shall do with the comment."""

    actions: list[CoralFlag]
    status: Status | None = Field(default=None, description="Where there is one, Coral asks no further phase.")

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """Flags and action in Coral's words."""
        reasons = {_REASONS[label]: None for label in verdict.flags if label in _REASONS}
        return cls(actions=[CoralFlag(reason=reason) for reason in reasons], status=_STATUS.get(verdict.action))


router = APIRouter(tags=["neighbours"], dependencies=[Depends(not_stored)], route_class=SignedRoute)


@router.post(
    PATH,
    openapi_extra={"parameters": [_HEADER]},
    response_model=CoralResponse,
    response_model_exclude_none=True,
    responses={
        204: {"description": "Nothing is to be done."},
        **documented(
            Code.MALFORMED_JSON,
            Code.SIGNATURE_WRONG,
            Code.LOCAL_ONLY,
            Code.BODY_TOO_LARGE,
            Code.COMMENT_TOO_LARGE,
            Code.INVALID_REQUEST,
            Code.INTERNAL_ERROR,
            Code.NOT_READY,
        ),
    },
)
async def moderate(
    request: CoralRequest,
    engine: CurrentEngine,
    backend: CurrentBackend,
    articles: CurrentArticles,
    settings: CurrentSettings,
) -> CoralResponse | Response:
    """Flag, withhold or reject a comment before it is published, as an external moderation phase of Coral."""
    refuse_oversized(Comment(request.comment.body), settings)
    if backend.detector.detect(request.comment.body) not in TAUGHT:
        return Response(status_code=204)
    comment = Comment(request.comment.body, _article(request.story, articles))
    [finding] = await engine.judge([Case(comment, request.tenant_domain)])
    response = CoralResponse.of(finding.verdict)
    return response if response.actions or response.status else Response(status_code=204)


def _article(story: CoralStory, articles: ArticleStore) -> Article | None:
    """The story, where it was given before; without it, and whatever happens, a comment is judged all the same."""
    names: dict[Name, str | None] = {"url": story.url, "id": story.id}
    try:
        for name, value in names.items():
            if value is not None:
                with suppress(UnknownArticleError):
                    return articles.find(name, value)
    except StoreError as error:
        _log.error("%s; see MODERATION_ARTICLES", error)
    return None
