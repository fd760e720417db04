"""`POST /api/v1/classify`: the toxicity classifier that Discourse's AI plugin asked.

Source: https://github.com/discourse/discourse-ai, lib/toxicity and lib/inference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import CurrentSettings, not_stored
from api.engine import Case
from api.errors import Code, documented
from api.limits import refuse_oversized
from api.perspective.backend import CurrentBackend
from api.schemas import Text
from moderation import Comment

_LABELS: Final = {
    "toxicity": "toxicity",
    "severe_toxicity": "severe_toxicity",
    "obscene": "profanity",
    "identity_attack": "identity_attack",
    "insult": "insult",
    "threat": "threat",
}
"""The plugin's names and ours."""

Percent = Annotated[int, Field(ge=0, le=100)]


class ClassifyRequest(BaseModel):
    """A post to be judged."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        json_schema_extra={"examples": [{"model": "unbiased", "content": "You clueless moron."}]},
    )

    content: Text
    model: Literal["unbiased", "multilingual", "original"] = Field(
        default="unbiased", description="The plugin's choices for toxicity, which all get the one model that there is."
    )


class Classification(BaseModel):
    """Scores on Perspective's scale, in percent; 0 where there is no trained head."""

    toxicity: Percent
    severe_toxicity: Percent
    obscene: Percent
    identity_attack: Percent
    insult: Percent
    threat: Percent
    sexual_explicit: Percent = Field(
        default=0, description="There is no head; the plugin fails where a label is missing."
    )

    @classmethod
    def of(cls, scores: Mapping[str, float]) -> Self:
        """The same of our labels; `scores` are on Perspective's scale."""
        return cls(**{name: round(100 * scores.get(label, 0.0)) for name, label in _LABELS.items()})


router = APIRouter(tags=["neighbours"], dependencies=[Depends(not_stored)])


@router.post(
    "/api/v1/classify",
    responses=documented(
        Code.MALFORMED_JSON,
        Code.KEY_MISSING,
        Code.KEY_UNKNOWN,
        Code.LOCAL_ONLY,
        Code.BODY_TOO_LARGE,
        Code.COMMENT_TOO_LARGE,
        Code.INVALID_REQUEST,
        Code.TOO_MANY_REQUESTS,
        Code.INTERNAL_ERROR,
        Code.NOT_READY,
    ),
)
async def classify(request: ClassifyRequest, backend: CurrentBackend, settings: CurrentSettings) -> Classification:
    """Judge a post as the service behind Discourse's AI plugin did."""
    comment = Comment(request.content)
    refuse_oversized(comment, settings)
    [finding] = await backend.engine.judge([Case(comment)])
    return Classification.of(finding.verdict.scores)
