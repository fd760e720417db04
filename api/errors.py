"""How the service says no: one JSON shape for every refusal, in which nothing that a user sent comes back.

Endpoints that stand in for another service answer its clients in that service's shape: see `Shapes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from http import HTTPMethod, HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

MAX_DETAILS: Final = 10
"""A batch of a thousand wrong comments is not answered with a thousand complaints."""


class Code(StrEnum):
    """Why a request was refused, for machines."""

    MALFORMED_JSON = "malformed_json"
    KEY_MISSING = "key_missing"
    KEY_UNKNOWN = "key_unknown"
    LOCAL_ONLY = "local_only"
    SIGNATURE_WRONG = "signature_wrong"
    NOT_FOUND = "not_found"
    UNKNOWN_ARTICLE = "unknown_article"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BODY_TOO_LARGE = "body_too_large"
    COMMENT_TOO_LARGE = "comment_too_large"
    ARTICLE_TOO_LARGE = "article_too_large"
    PARENT_TOO_LARGE = "parent_too_large"
    TOO_MANY_COMMENTS = "too_many_comments"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    INVALID_REQUEST = "invalid_request"
    TOO_MANY_REQUESTS = "too_many_requests"
    INTERNAL_ERROR = "internal_error"
    NOT_READY = "not_ready"
    NOT_KEPT = "not_kept"


_MEANING: Final[Mapping[Code, tuple[int, str]]] = {
    Code.MALFORMED_JSON: (400, "The body is not JSON in UTF-8, or is nested too deeply."),
    Code.KEY_MISSING: (401, "Send your API key in the header X-API-Key, or as Authorization: Bearer."),
    Code.KEY_UNKNOWN: (401, "This API key is not one of those that the service knows."),
    Code.LOCAL_ONLY: (403, "Without API keys the service answers its own machine only; see `moderation keys new`."),
    Code.SIGNATURE_WRONG: (401, "No secret of MODERATION_CORAL_SECRETS signed this body; see X-Coral-Signature."),
    Code.NOT_FOUND: (404, "There is no such endpoint; /docs lists them."),
    Code.UNKNOWN_ARTICLE: (
        404,
        "An article was never given, or is no longer kept; PUT it to /v1/articles/ and its id.",
    ),
    Code.METHOD_NOT_ALLOWED: (405, "This endpoint does not answer this method; see the Allow header."),
    Code.BODY_TOO_LARGE: (413, "The body is larger than this service accepts; send smaller batches."),
    Code.COMMENT_TOO_LARGE: (413, "A comment is longer than this service accepts."),
    Code.ARTICLE_TOO_LARGE: (413, "An article is longer than this service accepts; its beginning is enough."),
    Code.PARENT_TOO_LARGE: (413, "A parent comment is longer than this service accepts."),
    Code.TOO_MANY_COMMENTS: (413, "The batch holds more comments than this service accepts; send smaller ones."),
    Code.UNSUPPORTED_MEDIA_TYPE: (415, "Send the body as JSON, with the header Content-Type: application/json."),
    Code.INVALID_REQUEST: (422, "The body is JSON but not what this endpoint expects; see the details and /docs."),
    Code.TOO_MANY_REQUESTS: (429, "This API key was used more often than it may be; see the Retry-After header."),
    Code.INTERNAL_ERROR: (500, "The service failed to answer; its log says why."),
    Code.NOT_READY: (503, "The model is not loaded yet; try again in a moment."),
    Code.NOT_KEPT: (503, "What was sent could not be kept; the service's log says why."),
}
_BY_STATUS: Final = {400: Code.MALFORMED_JSON, 404: Code.NOT_FOUND, 405: Code.METHOD_NOT_ALLOWED}


class Detail(BaseModel):
    """One thing that is wrong."""

    field: str = Field(description="Where, as a dotted path into the body.", examples=["comments.3.comment.text"])
    reason: str = Field(description="What is wrong there.", examples=["Input should be a valid string"])


class Reason(BaseModel):
    """Why a request was refused."""

    code: Code = Field(description="For programs; does not change between releases.")
    message: str = Field(description="For people.")
    details: list[Detail] = Field(description=f"What is wrong where, as far as it is known; at most {MAX_DETAILS}.")


class Problem(BaseModel):
    """The body of every answer that is not a success."""

    error: Reason


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no other answer, before it is put into a shape.

    Parameters
    ----------
    code : Code
    details : sequence of Detail
        What is wrong where; must hold nothing that the user sent.
    status : int or None
        Where the framework chose another than the code's own.
    headers : mapping of str to str
        Of the answer.
    """

    code: Code
    details: Sequence[Detail] = ()
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(HTTPException):
    """A request that gets no other answer than a `Failure`.

    Parameters
    ----------
    code : Code
        Decides status and message.
    *details : Detail
        What is wrong where; must hold nothing that the user sent.
    """

    def __init__(self, code: Code, *details: Detail) -> None:
        super().__init__(*_MEANING[code])
        self.failure = Failure(code, details)


Shape = Callable[[Failure], JSONResponse]


def problem(failure: Failure) -> JSONResponse:
    """The service's own shape: a `Problem`."""
    usual_status, message = _MEANING[failure.code]
    reason = Reason(code=failure.code, message=message, details=list(failure.details[:MAX_DETAILS]))
    return JSONResponse(
        Problem(error=reason).model_dump(mode="json"),
        status_code=failure.status or usual_status,
        headers={"Cache-Control": "no-store", **failure.headers},
    )


@dataclass(frozen=True, slots=True)
class Shapes:
    """Which endpoints answer failures in which shape; all others with a `Problem`.

    Parameters
    ----------
    by_prefix : mapping of str to Shape
        Beginnings of paths.
    """

    by_prefix: Mapping[str, Shape] = field(default_factory=dict)

    def answer(self, path: str, failure: Failure) -> JSONResponse:
        """The answer to a request for `path`."""
        shapes = (shape for prefix, shape in self.by_prefix.items() if path.startswith(prefix))
        return next(shapes, problem)(failure)


def documented(*codes: Code) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's ``responses`` for an endpoint that can refuse with `codes`."""
    responses: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        status, message = _MEANING[code]
        entry = responses.setdefault(
            status,
            {
                "model": Problem,
                "description": HTTPStatus(status).phrase,
                "content": {"application/json": {"examples": {}}},
            },
        )
        entry["content"]["application/json"]["examples"][code.value] = {
            "value": {"error": {"code": code.value, "message": message, "details": []}}
        }
    return responses


def install(app: FastAPI, shapes: Shapes) -> None:
    """Have every failure inside `app` answered in the shape of its endpoint."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        failure = _failure(error)
        if "Allow" in failure.headers:
            failure = replace(failure, headers={"Allow": _methods(request)})
        return shapes.answer(request.scope["path"], failure)

    for kind in (HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, answer)


def _methods(request: Request) -> str:
    """All methods in which there is an answer at a path; the framework names those of the first route only."""

    def is_answered(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)

    return ", ".join(filter(is_answered, HTTPMethod))


def _failure(error: Exception) -> Failure:
    match error:
        case Refused():
            return error.failure
        case RequestValidationError():
            return _invalid(error)
        case HTTPException():
            code = _BY_STATUS.get(error.status_code, Code.INVALID_REQUEST)
            return Failure(code, status=error.status_code, headers=error.headers or {})
        case _:
            return Failure(Code.INTERNAL_ERROR)


def _invalid(error: RequestValidationError) -> Failure:
    errors = error.errors()
    if errors[0]["type"] == "json_invalid":
        reason = f"{errors[0]['ctx']['error']} at character {errors[0]['loc'][-1]}"
        return Failure(Code.MALFORMED_JSON, [Detail(field="body", reason=reason)])
    return Failure(Code.INVALID_REQUEST, [Detail(field=_place(entry), reason=entry["msg"]) for entry in errors])


def _place(error: Mapping[str, Any]) -> str:
    return ".".join(map(str, error["loc"][1:])) or "body"
