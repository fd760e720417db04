"""Who is let in: those with a key, each as often as it may, or without keys this machine alone."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.errors import Code, Problem
from api.security import Bucket, refuse_open_door, without_keys
from api.settings import Settings, SettingsError
from moderation.decisions import DecisionStore
from moderation.errors import KeysError
from moderation.keys import new_key

ANALYZE = "/v1alpha1/comments:analyze"
SUGGEST = "/v1alpha1/comments:suggestscore"
NATIVE = {"comment": {"text": "a"}}
GOOGLE: dict[str, Any] = {"comment": {"text": "a"}, "requestedAttributes": {"TOXICITY": {}}}
LIMIT = 3


@pytest.fixture(scope="module")
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "keys.toml"


@pytest.fixture(scope="module")
def key(keys_file: Path) -> str:
    return new_key(keys_file, "forum")


@pytest.fixture(scope="module")
def limited_key(keys_file: Path) -> str:
    return new_key(keys_file, "bot", per_minute=LIMIT)


@pytest.fixture(scope="module")
def guarded(
    start: Callable[..., httpx.Client], settings: Settings, keys_file: Path, key: str, limited_key: str
) -> httpx.Client:
    """A service that asks for keys."""
    return start(create_app(settings.model_copy(update={"api_keys": keys_file})))


def _native(response: httpx.Response) -> tuple[int, Code]:
    return response.status_code, Problem.model_validate_json(response.content).error.code


# --- native endpoints


@pytest.mark.parametrize(
    "form", ["X-API-Key: {}", "x-api-key: {}", "Authorization: Bearer {}", "Authorization: bearer {}"]
)
def test_a_known_key_opens_the_native_endpoints(guarded: httpx.Client, key: str, form: str) -> None:
    name, value = form.format(key).split(": ")
    assert guarded.post("/v1/score", json=NATIVE, headers={name: value}).status_code == 200


@pytest.mark.parametrize("path", ["/v1/score", "/v1/score/batch", "/nowhere", "/"])
def test_without_a_key_nothing_is_answered(guarded: httpx.Client, path: str) -> None:
    response = guarded.post(path, json=NATIVE)
    assert _native(response) == (401, Code.KEY_MISSING)
    assert response.headers["www-authenticate"] == "Bearer"


def test_a_key_in_the_address_does_not_open_the_native_endpoints(guarded: httpx.Client, key: str) -> None:
    assert _native(guarded.post(f"/v1/score?key={key}", json=NATIVE)) == (401, Code.KEY_MISSING)


@pytest.mark.parametrize("presented", ["wrong", "mod_", "\N{LATIN SMALL LETTER U WITH DIAERESIS}"])
def test_an_unknown_key_is_refused_and_does_not_come_back(guarded: httpx.Client, presented: str) -> None:
    response = guarded.post("/v1/score", json=NATIVE, headers={"X-API-Key": presented.encode("latin-1")})
    assert _native(response) == (401, Code.KEY_UNKNOWN)
    assert presented not in response.json()["error"]["message"]


def test_a_key_is_asked_for_before_the_body_is_read(guarded: httpx.Client) -> None:
    assert _native(guarded.post("/v1/score", content=b"not JSON")) == (401, Code.KEY_MISSING)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/openapi.json", "/$discovery/rest"])
def test_what_tells_nothing_about_comments_is_open(guarded: httpx.Client, path: str) -> None:
    assert guarded.get(path).status_code == 200


def test_the_description_says_where_the_key_goes_only_if_there_are_keys(
    guarded: httpx.Client, service: httpx.Client
) -> None:
    def places(client: httpx.Client, path: str) -> set[tuple[str, ...]]:
        document = client.get("/openapi.json").json()
        schemes = document.get("components", {}).get("securitySchemes", {})
        wanted = document["paths"][path]["post"].get("security", [])
        return {(schemes[name]["type"], schemes[name].get("in", "")) for entry in wanted for name in entry}

    assert places(guarded, "/v1/score") == {("apiKey", "header"), ("http", "")}
    assert places(guarded, ANALYZE) == {("apiKey", "query"), ("apiKey", "header"), ("http", "")}
    assert places(service, "/v1/score") == places(service, ANALYZE) == set()


# --- Perspective's endpoints


def test_perspectives_clients_send_the_key_in_the_address(guarded: httpx.Client, key: str) -> None:
    assert guarded.post(f"{ANALYZE}?alt=json&key={key}", json=GOOGLE).status_code == 200


@pytest.mark.parametrize("form", ["X-Goog-Api-Key: {}", "X-API-Key: {}", "Authorization: Bearer {}"])
def test_they_may_send_it_in_a_header_too(guarded: httpx.Client, key: str, form: str) -> None:
    name, value = form.format(key).split(": ")
    assert guarded.post(ANALYZE, json=GOOGLE, headers={name: value}).status_code == 200


def test_a_missing_key_is_told_as_google_told_it(guarded: httpx.Client) -> None:
    error = guarded.post(ANALYZE, json=GOOGLE).json()["error"]
    assert (error["code"], error["status"]) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize("query", ["?key=wrong", "?key=%FF", "?key=a&key=b"])
def test_a_wrong_key_is_told_as_google_told_it(guarded: httpx.Client, query: str) -> None:
    error = guarded.post(f"{ANALYZE}{query}", json=GOOGLE).json()["error"]
    assert error == {
        "code": 400,
        "message": "API key not valid. Please pass a valid API key.",
        "status": "INVALID_ARGUMENT",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
                "metadata": {"service": "commentanalyzer.googleapis.com"},
            }
        ],
    }


def test_each_call_of_a_batch_brings_its_own_key_or_that_of_the_batch(guarded: httpx.Client, key: str) -> None:
    def statuses(query: str, **headers: str) -> list[str]:
        call = f"--b\n\nPOST {ANALYZE}{query} HTTP/1.1\nContent-Type: application/json\n\n{json.dumps(GOOGLE)}\n"
        kind = {"Content-Type": "multipart/mixed; boundary=b"}
        response = guarded.post("/batch", content=f"{call}{call}--b--", headers=kind | headers)
        return [line.split()[1] for line in response.text.splitlines() if line.startswith("HTTP/1.1")]

    assert statuses(f"?key={key}") == statuses("", Authorization=f"Bearer {key}") == ["200", "200"]
    assert statuses("") == ["403", "403"]


def test_a_suggestion_is_kept_under_the_name_of_its_key(guarded: httpx.Client, settings: Settings, key: str) -> None:
    suggestion = {"comment": {"text": "by name"}, "attributeScores": {"SPAM": {"summaryScore": {"value": 1}}}}
    assert guarded.post(f"{SUGGEST}?key={key}", json=suggestion).status_code == 200
    assert isinstance(settings.decisions, Path)
    kept = DecisionStore(settings.decisions).decisions()
    assert [decision.client for decision in kept if decision.comment.text == "by name"] == ["forum"]


# --- how often


def test_a_key_may_be_used_as_often_as_it_may_and_others_do_not_suffer(
    guarded: httpx.Client, key: str, limited_key: str
) -> None:
    for _ in range(LIMIT):
        assert guarded.post(f"{ANALYZE}?key={limited_key}", json=GOOGLE).status_code == 200
    over = guarded.post(f"{ANALYZE}?key={limited_key}", json=GOOGLE)
    error = over.json()["error"]
    assert (over.status_code, error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["details"][0]["reason"] == "RATE_LIMIT_EXCEEDED"
    assert 0 < int(over.headers["retry-after"]) <= 60 / LIMIT
    native = guarded.post("/v1/score", json=NATIVE, headers={"X-API-Key": limited_key})
    assert _native(native) == (429, Code.TOO_MANY_REQUESTS)
    assert guarded.post(f"{ANALYZE}?key={key}", json=GOOGLE).status_code == 200


def test_a_bucket_fills_again_but_never_beyond_a_minutes_requests() -> None:
    now = 0.0
    bucket = Bucket(per_minute=6, clock=lambda: now)
    assert [bucket.take() for _ in range(7)] == [0.0] * 6 + [10.0]
    now = 9.0
    assert bucket.take() == pytest.approx(1.0)
    now = 10.0
    assert bucket.take() == 0.0
    now = 1e6
    assert [bucket.take() > 0 for _ in range(7)] == [False] * 6 + [True]


# --- this machine alone


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "::ffff:127.0.0.1"])
def test_without_keys_the_service_may_listen_here(host: str) -> None:
    refuse_open_door(Settings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "forum.example.org", ""])
def test_without_keys_it_does_not_start_where_others_can_come_in(host: str, keys_file: Path) -> None:
    with pytest.raises(SettingsError, match=r"MODERATION_HOST: .*moderation keys new"):
        refuse_open_door(Settings(host=host))
    refuse_open_door(Settings(host=host, api_keys=keys_file))


@pytest.mark.parametrize(("path", "status"), [("/v1/score", "local_only"), (ANALYZE, "PERMISSION_DENIED")])
def test_started_by_another_server_it_still_answers_this_machine_only(
    settings: Settings, path: str, status: str
) -> None:
    transport = httpx.ASGITransport(create_app(settings))

    async def ask() -> httpx.Response:
        # the address is that at which the request came in
        async with httpx.AsyncClient(transport=transport, base_url="http://192.168.1.5:8000") as client:
            return await client.post(path, json=NATIVE)

    response = asyncio.run(ask())
    assert response.status_code == 403
    assert status in response.text


def test_a_file_without_keys_stops_the_service(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="nowhere"):
        create_app(settings.model_copy(update={"api_keys": tmp_path / "nowhere"}))


# --- other origins


def test_web_pages_of_other_origins_may_not_read_answers(service: httpx.Client) -> None:
    origin = {"Origin": "https://forum.example.org"}
    response = service.post("/v1/score", json=NATIVE, headers=origin)
    assert not [name for name in response.headers if name.startswith("access-control-")]
    asked_first = service.options("/v1/score", headers=origin | {"Access-Control-Request-Method": "POST"})
    assert asked_first.status_code == 405


def test_web_pages_of_named_origins_may(
    start: Callable[..., httpx.Client], settings: Settings, keys_file: Path
) -> None:
    update = {"cors_origins": "https://forum.example.org http://localhost:3000", "api_keys": keys_file}
    service = start(create_app(settings.model_copy(update=update)))

    def allowed(origin: str) -> str | None:
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key,content-type"}
        preflight = service.options("/v1/score", headers={"Origin": origin} | asked)
        refused = service.post("/v1/score", json=NATIVE, headers={"Origin": origin})
        found = {response.headers.get("access-control-allow-origin") for response in (preflight, refused)}
        assert len(found) == 1
        return found.pop()

    assert allowed("http://localhost:3000") == "http://localhost:3000"
    assert allowed("https://elsewhere.example.org") is None


# --- the log


@pytest.mark.parametrize("name", ["key", "KEY", "access_token", "oauth_token"])
def test_keys_stay_out_of_the_access_log(name: str) -> None:
    path = f"/v1alpha1/comments%3Aanalyze?alt=json&{name}=mod_secret&fields=a"
    record = logging.LogRecord(
        "uvicorn.access", logging.INFO, "", 0, '%s - "%s %s HTTP/%s" %d', ("::1", "POST", path, "1.1", 200), None
    )
    assert without_keys(record)
    line = record.getMessage()
    assert "mod_secret" not in line
    assert "alt=json" in line
    assert "fields=a" in line


def test_the_service_filters_its_access_log(service: httpx.Client) -> None:
    assert without_keys in logging.getLogger("uvicorn.access").filters
