"""What Perspective refused is refused in its words; nothing else that comes in gets another shape, or does harm."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from api.app import create_app
from api.perspective.errors import GoogleError
from api.perspective.messages import MAX_ATTRIBUTES
from api.settings import Settings

JSON = {"Content-Type": "application/json"}
ANALYZE = "/v1alpha1/comments:analyze"
SUGGEST = "/v1alpha1/comments:suggestscore"
ERROR = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"
TOXICITY: dict[str, Any] = {"TOXICITY": {}}
GERMAN = "Das ist doch gar nicht wahr, der Stadtrat hat darüber noch nie abgestimmt."


def _request(text: str = "Thanks, well put.", **fields: Any) -> dict[str, Any]:
    return {"comment": {"text": text}, "requestedAttributes": TOXICITY, **fields}


def _google_error(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/json"
    GoogleError.model_validate_json(response.content)
    error: dict[str, Any] = response.json()["error"]
    assert error["code"] == response.status_code
    return error


def _refused(service: httpx.Client, request: Any, path: str = ANALYZE) -> dict[str, Any]:
    response = service.post(path, content=json.dumps(request), headers=JSON)
    assert response.status_code == 400
    return _google_error(response)


# --- what Perspective refused


@pytest.mark.parametrize(
    ("request_", "kind", "message"),
    [
        ({"requestedAttributes": TOXICITY}, "COMMENT_EMPTY", "Comment must be non-empty."),
        (_request(""), "COMMENT_EMPTY", "Comment must be non-empty."),
        (_request("a" * 20_481), "COMMENT_TOO_LONG", "Comment text too long."),
        (_request("\N{GRINNING FACE}" * 5_121), "COMMENT_TOO_LONG", "Comment text too long."),
        ({"comment": {"text": "a"}}, "NO_REQUESTED_ATTRIBUTES", "Missing requested_attributes"),
        (_request(requestedAttributes={}), "NO_REQUESTED_ATTRIBUTES", "Missing requested_attributes"),
        (
            _request(requestedAttributes={"TOXICITY": {}, "FLIRTATION": {}}),
            "INVALID_REQUEST",
            "Unknown requested attribute: FLIRTATION",
        ),
        (_request(requestedAttributes={"toxicity": {}}), "INVALID_REQUEST", "Unknown requested attribute: toxicity"),
        (
            _request(requestedAttributes={"TOXICITY": {"scoreType": "PERCENTILE"}}),
            "INVALID_REQUEST",
            "Requested score type PERCENTILE is not supported by attribute TOXICITY",
        ),
        (
            {"comment": {"text": "a", "type": "HTML"}, "requestedAttributes": TOXICITY},
            "INVALID_REQUEST",
            "Currently, only 'PLAIN_TEXT' comments are supported",
        ),
        (
            {"comment": {"text": "a", "type": "RTF"}, "requestedAttributes": TOXICITY},
            "INVALID_REQUEST",
            "Unknown text type",
        ),
        (
            _request(context={"entries": [{"text": "a"}], "articleAndParentComment": {"article": {"text": "b"}}}),
            "INVALID_REQUEST",
            "Context can have either entries or article_and_parent_comment, but both fields were populated.",
        ),
        (
            _request(context={"entries": [{"text": "a", "type": "HTML"}]}),
            "INVALID_REQUEST",
            "Currently, only 'PLAIN_TEXT' comments are supported",
        ),
    ],
)
def test_what_perspective_refused_is_refused_in_its_words(
    service: httpx.Client, request_: dict[str, Any], kind: str, message: str
) -> None:
    assert _refused(service, request_) == {
        "code": 400,
        "message": message,
        "status": "INVALID_ARGUMENT",
        "details": [{"@type": ERROR, "errorType": kind}],
    }


@pytest.mark.parametrize(
    ("fields", "languages", "told"),
    [
        ({"languages": ["fr", "en", "pt-BR"]}, "fr, pt-BR", {"requestedLanguages": ["fr", "pt-BR"]}),
        ({}, "de", {"detectedLanguages": ["de"]}),
    ],
)
def test_another_language_is_refused_never_scored(
    service: httpx.Client, fields: dict[str, Any], languages: str, told: dict[str, Any]
) -> None:
    error = _refused(service, _request(GERMAN, **fields))
    assert error["message"] == f"Attribute TOXICITY does not support request languages: {languages}"
    [detail] = error["details"]
    assert detail == {
        "@type": ERROR,
        "errorType": "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
        "languageNotSupportedByAttributeError": {**told, "attribute": "TOXICITY"},
    }


def test_without_a_context_there_is_no_off_topic_score(service: httpx.Client) -> None:
    for context in ({}, {"entries": []}, {"entries": [{"text": " "}]}):
        error = _refused(service, _request(context=context, requestedAttributes={"OFF_TOPIC": {}}))
        assert error["message"] == "Attribute OFF_TOPIC needs a context: an article, a parent comment, or both."


def test_texts_at_their_limits_are_scored(service: httpx.Client) -> None:
    context = {"entries": [{"text": "a " * 100_000}, {"text": "b" * 20_480}]}
    assert service.post(ANALYZE, json=_request("a" * 20_480, context=context)).status_code == 200


# --- what is not a request at all


@pytest.mark.parametrize("path", [ANALYZE, SUGGEST])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"comment": {"text": "a"', id="cut off"),
        pytest.param(b"text=hello", id="a form"),
        pytest.param(b'{"comment": {"text": "\xff\xfe"}}', id="not UTF-8"),
        pytest.param(b"[" * 100_000, id="nested without end"),
        pytest.param(b'{"comment":' * 50_000 + b"1" + b"}" * 50_000, id="nested deeply"),
        pytest.param(b'{"comment": {"text": 5}}', id="a number for a text"),
        pytest.param(b'{"comment": "a"}', id="a text for an object"),
        pytest.param(b'{"comment": {"text": "a"}, "unknown": 1}', id="an unknown field"),
        pytest.param(b'{"comment": {"text": "a"}, "\\ud800": 1}', id="half a character for a field"),
        pytest.param(b'{"comment": {"text": "a"}, "languages": [1]}', id="a number for a language"),
        pytest.param(b'{"comment": {"text": "a"}, "doNotStore": "no"}', id="a text for a boolean"),
        pytest.param(b" " * (16 * 2**20 + 1), id="too long"),
    ],
)
def test_what_is_no_request_is_refused_in_googles_shape(service: httpx.Client, path: str, body: bytes) -> None:
    error = _google_error(service.post(path, content=body, headers=JSON))
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert error["details"][0] == {"@type": ERROR, "errorType": "INVALID_REQUEST"}


@pytest.mark.parametrize(
    "fields",
    [
        {"requestedAttributes": {f"TOXICITY@{number}": {} for number in range(1000)}},
        {"requestedAttributes": {f"A{number}": {} for number in range(1000)}, "dropUnsupportedAttributes": True},
        {"requestedAttributes": {"A" * 1_000_000: {}}},
        {"requestedAttributes": {"\ud800": {}}},
        {"requestedAttributes": {"TOXICITY": {"scoreType": "\udfff" * 1000}}},
        {"requestedAttributes": {"TOXICITY": {"scoreThreshold": float("nan")}}},
        {"requestedAttributes": {"TOXICITY": {"scoreThreshold": "0.5"}}},
        {"requestedAttributes": ["TOXICITY"]},
        {"context": {"entries": [{"text": "a" * 2**20}]}},
        {"context": {"articleAndParentComment": {"parentComment": {"text": "a" * 2**20}}}},
        {"context": {"entries": [{"text": "a" * 20_480}] * 52}},
        {"context": {"entries": [{}] * 1000}},
        {"languages": ["\ud800"]},
        {"languages": ["en"] * 1000},
    ],
)
def test_too_much_or_unusable_is_refused_and_little_of_it_comes_back(
    service: httpx.Client, fields: dict[str, Any]
) -> None:
    response = service.post(ANALYZE, content=json.dumps(_request(**fields)), headers=JSON)
    assert _google_error(response)["status"] == "INVALID_ARGUMENT"
    assert len(response.content) < 1000


def test_as_many_attributes_as_allowed_are_scored(service: httpx.Client) -> None:
    wanted = {f"TOXICITY@{number}": {} for number in range(MAX_ATTRIBUTES)}
    answer = service.post(ANALYZE, json=_request(requestedAttributes=wanted)).json()
    assert answer["attributeScores"].keys() == wanted.keys()


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ";", None])
def test_another_content_type_is_refused(service: httpx.Client, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    response = service.post(ANALYZE, content=json.dumps(_request()), headers=headers)
    assert _google_error(response)["status"] == "INVALID_ARGUMENT"


@pytest.mark.parametrize("declared", [5, 1000])
def test_a_false_content_length_harms_nobody(service: httpx.Client, declared: int) -> None:
    head = f"POST {ANALYZE} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {declared}\r\n\r\n"
    with socket.create_connection((service.base_url.host, service.base_url.port or 0)) as connection:
        connection.sendall(head.encode() + json.dumps(_request()).encode())
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()
    assert b" 200 " not in answer
    assert b" 500 " not in answer
    assert service.post(ANALYZE, json=_request()).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", ANALYZE, 405),
        ("PUT", SUGGEST, 405),
        ("GET", "/batch", 405),
        ("POST", "/v1alpha1/comments:delete", 404),
        ("GET", "/$discovery/rest?version=v2", 404),
    ],
)
def test_what_is_not_there_is_told_in_googles_shape(service: httpx.Client, method: str, path: str, status: int) -> None:
    assert _google_error(service.request(method, path))["code"] == status


def test_a_service_without_its_bundle_is_unavailable(start: Callable[..., httpx.Client], settings: Settings) -> None:
    unready = start(create_app(settings), lifespan="off")
    assert _google_error(unready.post(ANALYZE, json=_request()))["status"] == "UNAVAILABLE"


# --- whatever comes in

_ANY_TEXT = st.text(st.characters(codec=None), max_size=20)
_ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
_ENTRY = st.fixed_dictionaries({}, optional={"text": _ANY_TEXT | _ANY_JSON, "type": st.just("PLAIN_TEXT") | _ANY_JSON})
_SCORE = st.fixed_dictionaries({"value": st.floats(0, 1) | _ANY_JSON}, optional={"type": _ANY_TEXT})
_SPAN = st.fixed_dictionaries({"begin": st.integers(-1, 20), "end": st.integers(-1, 20), "score": _SCORE})
_NAMES = st.sampled_from(["TOXICITY", "OFF_TOPIC", "INSULT@2", "APPROVED"]) | _ANY_TEXT
_COMMON: dict[str, Any] = {
    "context": st.fixed_dictionaries(
        {}, optional={"entries": st.lists(_ENTRY, max_size=3), "articleAndParentComment": _ANY_JSON}
    ),
    "languages": st.lists(_ANY_TEXT, max_size=2) | _ANY_JSON,
    "clientToken": _ANY_TEXT,
    "communityId": _ANY_TEXT | _ANY_JSON,
}
_ANALYZE_REQUESTS = st.fixed_dictionaries(
    {"comment": _ENTRY, "requestedAttributes": st.dictionaries(_NAMES, st.just({}) | _ANY_JSON, max_size=3)},
    optional={**_COMMON, "spanAnnotations": st.booleans(), "dropUnsupportedAttributes": st.booleans()},
)
_SUGGEST_REQUESTS = st.fixed_dictionaries(
    {
        "comment": _ENTRY,
        "attributeScores": st.dictionaries(
            _NAMES,
            st.fixed_dictionaries({}, optional={"summaryScore": _SCORE, "spanScores": st.lists(_SPAN, max_size=2)}),
            max_size=3,
        ),
    },
    optional={**_COMMON, "doNotStore": st.booleans()},
)


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(call=st.tuples(st.just(ANALYZE), _ANALYZE_REQUESTS) | st.tuples(st.just(SUGGEST), _SUGGEST_REQUESTS))
def test_whatever_comes_in_gets_an_answer_or_a_refusal_in_googles_shape(
    service: httpx.Client, call: tuple[str, Any]
) -> None:
    path, request = call
    response = service.post(path, content=json.dumps(request), headers=JSON)
    if response.status_code != 200:
        assert _google_error(response)["code"] == 400
