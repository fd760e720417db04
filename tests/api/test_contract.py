"""Every endpoint answers as /openapi.json says, whatever it is sent; the requests are schemathesis's."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256
from http import HTTPMethod
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as effort
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api.app import create_app
from api.routes.coral import SIGNATURE
from api.settings import Settings
from moderation.keys import new_key

SECRET = "secret-of-coral"
ALIKE = {"coral_secrets": SECRET}
"""Settings under which all endpoints can answer."""

REPEATABLE = schemathesis.Config.from_dict({"seed": 0, "generation": {"max-examples": 50, "deterministic": True}})
described = schemathesis.openapi.from_dict(create_app(Settings(**ALIKE)).openapi(), config=REPEATABLE)


def signed_by_coral(request: Any) -> Any:
    """Sign a request that has a signature at all as Coral would; in the form that requests, the library, wants."""
    if SIGNATURE in request.headers:
        body = request.body or b""
        content = body.encode() if isinstance(body, str) else body
        request.headers[SIGNATURE] = f"sha256={hmac.new(SECRET.encode(), content, sha256).hexdigest()}"
    return request


@pytest.fixture(scope="module")
def everything(start: Callable[..., httpx.Client], settings: Settings) -> httpx.Client:
    return start(create_app(settings.model_copy(update=ALIKE)))


@described.parametrize()
@effort(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_answer_is_as_documented_and_no_failure(case: schemathesis.Case, everything: httpx.Client) -> None:
    response = case.call_and_validate(
        base_url=str(everything.base_url),
        auth=signed_by_coral,
        # an empty comment has the right form, and is refused all the same
        excluded_checks=[positive_data_acceptance],
    )
    assert response.status_code != 401 or SIGNATURE not in response.request.headers


COMMENT = {"text": "\N{GRINNING FACE} Thanks for that. You are an idiot all the same."}


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("analyze", {"requestedAttributes": {"TOXICITY@6": {}, "SPAM": {"scoreThreshold": 1}}, "clientToken": "t"}),
        ("analyze", {"requestedAttributes": {"OFF_TOPIC": {}}, "context": {"entries": [COMMENT]}}),
        ("analyze", {"requestedAttributes": {"INSULT": {}, "THREAT": {}}, "spanAnnotations": True, "languages": "en"}),
        ("analyze", {"requestedAttributes": {"FLIRTATION": {}}, "dropUnsupportedAttributes": True}),
        ("analyze", {"requestedAttributes": {"TOXICITY": {}}, "languages": ["de"]}),
        ("suggestscore", {"attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}}, "languages": ["en"]}),
    ],
)
def test_answers_to_perspectives_clients_are_as_documented(
    everything: httpx.Client, name: str, request_: dict[str, Any]
) -> None:
    """Among requests made up by chance there are few with attributes that exist."""
    path = f"/v1alpha1/comments:{name}"
    response = everything.post(path, json={"comment": COMMENT, **request_})
    assert response.status_code == (400 if request_.get("languages") == ["de"] else 200)
    described[path]["POST"].validate_response(response)


def test_exactly_those_endpoints_that_want_a_key_are_documented_so(
    start: Callable[..., httpx.Client], settings: Settings, tmp_path: Path
) -> None:
    key = new_key(tmp_path / "keys.toml", "forum")
    service = start(create_app(settings.model_copy(update={"api_keys": tmp_path / "keys.toml"})))

    def refused(method: str, path: str, **headers: str) -> bool:
        return service.request(method, path, headers=headers).status_code in (401, 403)

    paths = service.get("/openapi.json").json()["paths"]
    operations = {
        (method.upper(), path): operation
        for path, operations in paths.items()
        for method, operation in operations.items()
        if method.upper() in HTTPMethod.__members__
    }
    wanting = {place for place in operations if refused(*place) and not refused(*place, **{"X-API-Key": key})}
    assert {place for place, operation in operations.items() if "security" in operation} == wanting
    assert ("POST", "/v1/score") in wanting
    assert ("POST", "/batch") not in wanting


def test_no_endpoint_documents_the_frameworks_own_form_of_refusal() -> None:
    assert "Problem" in described.raw_schema["components"]["schemas"]
    assert "HTTPValidationError" not in described.raw_schema["components"]["schemas"]
