"""`POST /v1/moderations`: OpenAI's moderation endpoint, for clients that change their base URL and nothing else.

Source: https://platform.openai.com/docs/api-reference/moderations
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final, Literal, Self
from uuid import uuid4

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import (
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from api.dependencies import CurrentEngine, CurrentSettings, not_stored, sent_as_json
from api.engine import Case
from api.errors import Code, Detail, Failure, Refused
from api.limits import refuse_oversized
from api.perspective.backend import CurrentBackend
from api.schemas import Text
from moderation import Comment

PATH: Final = "/v1/moderations"


class Category(StrEnum):
    """OpenAI's categories."""

    HARASSMENT = "harassment"
    HARASSMENT_THREATENING = "harassment/threatening"
    HATE = "hate"
    HATE_THREATENING = "hate/threatening"
    ILLICIT = "illicit"
    ILLICIT_VIOLENT = "illicit/violent"
    SELF_HARM = "self-harm"
    SELF_HARM_INTENT = "self-harm/intent"
    SELF_HARM_INSTRUCTIONS = "self-harm/instructions"
    SEXUAL = "sexual"
    SEXUAL_MINORS = "sexual/minors"
    VIOLENCE = "violence"
    VIOLENCE_GRAPHIC = "violence/graphic"


HEADS: Final[Mapping[Category, tuple[str, ...]]] = {
    Category.HARASSMENT: ("insult",),
    Category.HARASSMENT_THREATENING: ("threat",),
    Category.HATE: ("identity_attack",),
    Category.HATE_THREATENING: ("identity_attack", "threat"),
    Category.VIOLENCE: ("threat",),
}
"""The labels that stand behind a category, all of which must apply; behind those that are not here there is none."""


# --- the request


class TextPart(BaseModel):
    """A part of one comment."""

    model_config = ConfigDict(strict=True, frozen=True)

    type: Literal["text"]
    text: Text


Texts = TypeAliasType("Texts", Annotated[list[Text], FailFast()])
"""Several comments."""

Parts = TypeAliasType("Parts", Annotated[list[TextPart], FailFast()])
"""One comment in parts."""


def _one_complaint(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    # pydantic would tell of each form that the input could have had
    try:
        return validate(value)
    except ValidationError:
        raise PydanticCustomError(
            "input",
            'Expected a string, an array of strings or an array of {{"type": "text", "text": "..."}}; '
            "this service judges text only",
        ) from None


class ModerationRequest(BaseModel):
    """What to judge."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        json_schema_extra={"examples": [{"input": ["You clueless moron.", "Thanks, well put."]}]},
    )

    input: Annotated[
        Text | Texts | Parts,
        WrapValidator(_one_complaint),
        Field(description="A comment, several comments, or one comment in parts."),
    ]
    model: str | None = Field(default=None, description="Not read: there is one model.")

    def texts(self) -> list[str]:
        """The comments, as many as there will be results."""
        if isinstance(self.input, str):
            return [self.input]
        parts = [part.text for part in self.input if isinstance(part, TextPart)]
        return ["\n".join(parts)] if parts else [text for text in self.input if isinstance(text, str)]


# --- the answer


class ModerationResult(BaseModel):
    """What was found about one comment."""

    flagged: bool = Field(description="Whether any category applies.")
    categories: dict[Category, bool] = Field(description="Whether the site's policy flags it; false without a head.")
    category_scores: dict[Category, float] = Field(description="Score on Perspective's scale; 0 without a head.")
    category_applied_input_types: dict[Category, list[Literal["text"]]] = Field(description="Empty without a head.")

    @classmethod
    def of(cls, flags: tuple[str, ...], scores: Mapping[str, float]) -> Self:
        """Put labels into OpenAI's categories.

        Parameters
        ----------
        flags : tuple of str
            Labels that the policy flags.
        scores : mapping of str to float
            Score per label, on Perspective's scale.
        """
        heads = {category: labels for category, labels in HEADS.items() if scores.keys() >= set(labels)}
        categories = {category: category in heads and set(flags) >= set(heads[category]) for category in Category}
        return cls(
            flagged=any(categories.values()),
            categories=categories,
            category_scores={
                category: min((scores[label] for label in heads.get(category, ())), default=0.0)
                for category in Category
            },
            category_applied_input_types={category: ["text"] if category in heads else [] for category in Category},
        )


class ModerationResponse(BaseModel):
    """What was found, in the order of the comments."""

    id: str = Field(description="Of this answer; it is not kept.", examples=["modr-0c4bd46d2c7e4f56a31ad0f5b65b0f2a"])
    model: str = Field(description="Name and version of the bundle.")
    results: list[ModerationResult]


# --- refusals


class OpenAIReason(BaseModel):
    """Why a request was refused."""

    message: str
    type: Literal["invalid_request_error", "requests", "server_error"]
    param: str | None = Field(description="The field that is wrong.")
    code: str | None


class OpenAIError(BaseModel):
    """The body of every answer that is not a success."""

    error: OpenAIReason


_MEANING: Final[Mapping[Code, tuple[int, str | None, str]]] = {
    Code.MALFORMED_JSON: (400, None, "The body of your request is not JSON in UTF-8."),
    Code.KEY_MISSING: (401, None, "You did not send an API key; send it as Authorization: Bearer YOUR_KEY."),
    Code.KEY_UNKNOWN: (401, "invalid_api_key", "Incorrect API key provided."),
    Code.LOCAL_ONLY: (403, None, "Without API keys this server answers its own machine only."),
    Code.NOT_FOUND: (404, "unknown_url", "There is no such endpoint."),
    Code.METHOD_NOT_ALLOWED: (405, "method_not_supported", "This endpoint answers POST only."),
    Code.BODY_TOO_LARGE: (413, None, "The body of your request is too large."),
    Code.COMMENT_TOO_LARGE: (400, "string_above_max_length", "An input is too long."),
    Code.TOO_MANY_COMMENTS: (400, "array_above_max_length", "There are too many inputs."),
    Code.UNSUPPORTED_MEDIA_TYPE: (415, "unsupported_content_type", "Send the body as application/json."),
    Code.TOO_MANY_REQUESTS: (429, "rate_limit_exceeded", "Rate limit reached for this API key."),
    Code.INTERNAL_ERROR: (500, None, "The server had an error while processing your request."),
    Code.NOT_READY: (503, None, "The server is not ready yet."),
}
"""HTTP status, code and message; what is not here is an invalid request."""


def openai_shape(failure: Failure) -> JSONResponse:
    """A failure as OpenAI's servers would tell of it."""
    status, code, message = _MEANING.get(failure.code, (400, None, "The body of your request is not what is expected."))
    status = failure.status or status
    where = failure.details[0].field.partition(".")[0] if failure.details else "body"
    error = OpenAIReason(
        message=" ".join([message, *(f"{detail.field}: {detail.reason}." for detail in failure.details[:1])]),
        type="requests" if status == 429 else "server_error" if status >= 500 else "invalid_request_error",
        param=None if where == "body" else where,
        code=code,
    )
    headers = {"Cache-Control": "no-store", **failure.headers}
    return JSONResponse(OpenAIError(error=error).model_dump(), status_code=status, headers=headers)


# --- the endpoint

router = APIRouter(tags=["neighbours"], dependencies=[Depends(sent_as_json), Depends(not_stored)])


@router.post(PATH, responses={"4XX": {"model": OpenAIError}, "5XX": {"model": OpenAIError}})
async def moderate(
    request: ModerationRequest, engine: CurrentEngine, backend: CurrentBackend, settings: CurrentSettings
) -> ModerationResponse:
    """Judge comments as OpenAI's moderation endpoint does, in those of its categories that have a trained head."""
    texts = request.texts()
    if len(texts) > settings.max_batch:
        reason = f"{len(texts)} inputs; at most {settings.max_batch} are accepted"
        raise Refused(Code.TOO_MANY_COMMENTS, Detail(field="input", reason=reason))
    cases = [Case(Comment(text)) for text in texts]
    for number, case in enumerate(cases):
        refuse_oversized(case.comment, settings, where=f"input.{number}.")
    judged, scored = await engine.judge(cases), await backend.engine.judge(cases)
    results = [
        ModerationResult.of(finding.verdict.flags, scaled.verdict.scores)
        for finding, scaled in zip(judged, scored, strict=True)
    ]
    return ModerationResponse(id=f"modr-{uuid4().hex}", model=engine.moderator.model, results=results)
