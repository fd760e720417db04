"""Errors as Perspective worded them: clients search these strings, so they are exact.

Source: https://github.com/conversationai/perspectiveapi, 2-api/limits.md; what stands around them in the JSON is
Google's google.rpc.Status, see https://cloud.google.com/apis/design/errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.errors import MAX_DETAILS, Code, Detail, Failure

_ERROR: Final = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"
_ERROR_INFO: Final = "type.googleapis.com/google.rpc.ErrorInfo"
_BAD_REQUEST: Final = "type.googleapis.com/google.rpc.BadRequest"
_SERVICE: Final = {"service": "commentanalyzer.googleapis.com"}
_NO_STORE: Final = {"Cache-Control": "no-store"}
_SHOWN: Final = 100
"""Characters of a client's own word that come back to it."""

_MEANING: Final[Mapping[Code, tuple[int, str, str | None, str]]] = {
    Code.KEY_MISSING: (
        403,
        "PERMISSION_DENIED",
        None,
        "Method doesn't allow unregistered callers (callers without established identity). "
        "Please use API Key or other form of API consumer identity to call this API.",
    ),
    Code.KEY_UNKNOWN: (
        400,
        "INVALID_ARGUMENT",
        "API_KEY_INVALID",
        "API key not valid. Please pass a valid API key.",
    ),
    Code.LOCAL_ONLY: (403, "PERMISSION_DENIED", None, "Without API keys this server answers its own machine only."),
    Code.TOO_MANY_REQUESTS: (
        429,
        "RESOURCE_EXHAUSTED",
        "RATE_LIMIT_EXCEEDED",
        "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute' of service "
        "'commentanalyzer.googleapis.com' for this API key.",
    ),
    Code.NOT_FOUND: (404, "NOT_FOUND", None, "Method not found."),
    Code.METHOD_NOT_ALLOWED: (405, "UNIMPLEMENTED", None, "HTTP method not allowed."),
    Code.INTERNAL_ERROR: (500, "INTERNAL", None, "Internal error encountered."),
    Code.NOT_READY: (503, "UNAVAILABLE", None, "The service is currently unavailable."),
    Code.NOT_KEPT: (503, "UNAVAILABLE", None, "The suggestion could not be kept; the server's log says why."),
}
"""HTTP status, google.rpc.Code, reason of the ErrorInfo and message; what is not here is a bad request."""


class ErrorType(StrEnum):
    """What a request is refused for."""

    COMMENT_EMPTY = "COMMENT_EMPTY"
    COMMENT_TOO_LONG = "COMMENT_TOO_LONG"
    NO_REQUESTED_ATTRIBUTES = "NO_REQUESTED_ATTRIBUTES"
    LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE = "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"
    INVALID_REQUEST = "INVALID_REQUEST"


class Status(BaseModel):
    """What went wrong."""

    code: int = Field(description="The HTTP status.")
    message: str
    status: str = Field(description="Name of the code in google.rpc.Code.")
    details: list[dict[str, Any]] | None = Field(default=None, description="Each with an `@type`.")


class GoogleError(BaseModel):
    """The body of every answer that is not a success."""

    error: Status


class InvalidArgumentError(Exception):
    """A request that Perspective refused.

    Parameters
    ----------
    kind : ErrorType
    message : str
    more : mapping, optional
        Further fields of the error's details.
    """

    def __init__(self, kind: ErrorType, message: str, more: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.more = more or {}


def empty_comment() -> InvalidArgumentError:
    """There is no text."""
    return InvalidArgumentError(ErrorType.COMMENT_EMPTY, "Comment must be non-empty.")


def long_comment() -> InvalidArgumentError:
    """There is too much text."""
    return InvalidArgumentError(ErrorType.COMMENT_TOO_LONG, "Comment text too long.")


def no_attributes() -> InvalidArgumentError:
    """No score was asked for."""
    return InvalidArgumentError(ErrorType.NO_REQUESTED_ATTRIBUTES, "Missing requested_attributes")


def unknown_attribute(name: str) -> InvalidArgumentError:
    """A score was asked for that no head can give."""
    return invalid(f"Unknown requested attribute: {_shown(name)}")


def unsupported_score_type(score_type: str, name: str) -> InvalidArgumentError:
    """Something else than a probability was asked for."""
    return invalid(f"Requested score type {_shown(score_type)} is not supported by attribute {_shown(name)}")


def unsupported_language(name: str, languages: Sequence[str], detected: bool) -> InvalidArgumentError:
    """The comment is in a language that the attribute's head was not taught."""
    shown = [_shown(language) for language in languages]
    found = "detectedLanguages" if detected else "requestedLanguages"
    return InvalidArgumentError(
        ErrorType.LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE,
        f"Attribute {name} does not support request languages: {', '.join(shown)}",
        {"languageNotSupportedByAttributeError": {found: shown, "attribute": name}},
    )


def invalid(message: str) -> InvalidArgumentError:
    """Anything else is wrong with the request."""
    return InvalidArgumentError(ErrorType.INVALID_REQUEST, message)


async def answer_invalid(_request: Request, error: Exception) -> JSONResponse:
    """The answer to a request that raised `InvalidArgumentError`."""
    assert isinstance(error, InvalidArgumentError)
    return _answer(400, error.message, "INVALID_ARGUMENT", [_error(error.kind, error.more)])


def google_shape(failure: Failure) -> JSONResponse:
    """A failure of the service as Google's servers would tell of it."""
    if failure.code not in _MEANING:
        return _bad_request(failure.code, failure.details)
    code, status, reason, message = _MEANING[failure.code]
    return _answer(code, message, status, [_error_info(reason)] if reason else [], failure.headers)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's ``responses`` for an endpoint that can fail with `statuses`, and however else in the same shape."""
    failures: dict[int | str, dict[str, Any]] = {status: {"model": GoogleError} for status in statuses}
    return {**failures, "default": {"model": GoogleError, "description": "Any other failure"}}


def _bad_request(code: Code, details: Sequence[Detail]) -> JSONResponse:
    """A body that could not be read as a request: too large, no JSON, or JSON of another form."""
    violations = [{"field": detail.field, "description": detail.reason} for detail in details[:MAX_DETAILS]]
    first = violations[0] if violations else {"field": "body", "description": "it cannot be parsed"}
    match code:
        case Code.BODY_TOO_LARGE:
            message = f"Request payload size exceeds the limit. {first['description']}."
        case Code.UNSUPPORTED_MEDIA_TYPE:
            message = "Invalid content type: a request is sent as application/json, a batch as multipart/mixed."
        case Code.MALFORMED_JSON:
            message = f"Invalid JSON payload received. {first['description']}."
        case _:
            message = f"Invalid value at '{first['field']}': {first['description']}"
    bodies = [_error(ErrorType.INVALID_REQUEST), {"@type": _BAD_REQUEST, "fieldViolations": violations}]
    return _answer(400, message, "INVALID_ARGUMENT", bodies)


def _answer(
    code: int,
    message: str,
    status: str,
    details: Sequence[dict[str, Any]],
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    error = {"code": code, "message": message, "status": status, **({"details": details} if details else {})}
    return JSONResponse({"error": error}, status_code=code, headers={**_NO_STORE, **(headers or {})})


def _error(kind: ErrorType, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"@type": _ERROR, "errorType": kind.value, **(more or {})}


def _error_info(reason: str) -> dict[str, Any]:
    return {"@type": _ERROR_INFO, "reason": reason, "domain": "googleapis.com", "metadata": _SERVICE}


def _shown(word: str) -> str:
    return word if len(word) <= _SHOWN else f"{word[:_SHOWN]}..."
