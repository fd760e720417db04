"""Health, readiness and the description of the service that it gives itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.settings import Settings
from moderation.labels import LABELS

SCORING = ["/v1/score", "/v1/score/batch"]


def test_a_live_process_says_so(service: httpx.Client) -> None:
    response = service.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_a_ready_service_names_its_model_and_labels(service: httpx.Client) -> None:
    answer = service.get("/readyz").json()
    assert answer["status"] == "ready"
    assert answer["model"]
    assert set(answer["labels"]) <= set(LABELS)


def test_a_service_without_its_bundle_is_alive_but_not_ready(
    start: Callable[..., httpx.Client], settings: Settings
) -> None:
    unready = start(create_app(settings), lifespan="off")
    assert unready.get("/healthz").status_code == 200
    for response in (unready.get("/readyz"), unready.post("/v1/score", json={"comment": {"text": "a"}})):
        assert response.status_code == 503
        assert response.json()["error"]["code"] == "not_ready"


@pytest.fixture(scope="module")
def openapi(service: httpx.Client) -> dict[str, Any]:
    description: dict[str, Any] = service.get("/openapi.json").json()
    return description


def test_the_docs_are_served(service: httpx.Client) -> None:
    assert service.get("/docs").status_code == 200


def test_every_refusal_is_documented_as_a_problem_with_an_example_per_code(openapi: dict[str, Any]) -> None:
    refusals = {
        (path, status): answer["content"]["application/json"]
        for path in (*SCORING, "/readyz")
        for method in openapi["paths"][path].values()
        for status, answer in method["responses"].items()
        if status != "200"
    }
    documented = {status for path, status in refusals if path in SCORING}
    assert documented == {"400", "401", "403", "404", "413", "415", "422", "429", "500", "503"}
    assert ("/readyz", "503") in refusals
    for content in refusals.values():
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
        assert all(example["value"]["error"]["code"] == code for code, example in content["examples"].items())


@pytest.mark.parametrize("path", SCORING)
def test_the_documented_request_gets_an_answer_like_the_documented_one(
    service: httpx.Client, openapi: dict[str, Any], path: str
) -> None:
    operation = openapi["paths"][path]["post"]
    [request] = _schema(openapi, operation["requestBody"])["examples"]
    [documented] = _schema(openapi, operation["responses"]["200"])["examples"]
    response = service.post(path, json=request)
    assert response.status_code == 200
    assert set(response.json()) == set(documented) - {"spans", "placement"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_the_documented_state_has_the_form_of_the_real_one(
    service: httpx.Client, openapi: dict[str, Any], path: str
) -> None:
    [documented] = _schema(openapi, openapi["paths"][path]["get"]["responses"]["200"])["examples"]
    assert set(service.get(path).json()) == set(documented)


def _schema(openapi: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    name = content["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
    schema: dict[str, Any] = openapi["components"]["schemas"][name]
    return schema


def test_the_documentation_page_needs_no_other_host(service: httpx.Client) -> None:
    page = service.get("/docs").text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert addresses
    for address in addresses:
        assert address.startswith("/")
        assert service.get(address).status_code == 200
