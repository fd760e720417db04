"""Whatever comes in: a verdict, or a refusal in the one shape that says why and repeats nothing of what was sent."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from api.app import create_app
from api.errors import MAX_DETAILS, Code, Problem
from api.settings import Settings

JSON = {"Content-Type": "application/json"}
SECRET = "zebra-7f3a"


def _post(service: httpx.Client, body: bytes | str | Iterator[bytes], path: str = "/v1/score") -> httpx.Response:
    return service.post(path, content=body, headers=JSON)


def _code(response: httpx.Response) -> tuple[int, Code]:
    assert response.headers["content-type"] == "application/json"
    return response.status_code, Problem.model_validate_json(response.content).error.code


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"comment": {"text": "a"', id="cut off"),
        pytest.param(b"text=hello", id="a form"),
        pytest.param(b'{"comment": {"text": "\xff\xfe"}}', id="not UTF-8"),
        pytest.param(b'{"comment": {"text": "a\x00b"}}', id="bare NUL"),
        pytest.param(b"[" * 100_000, id="nested without end"),
        pytest.param(b'{"comment":' * 50_000 + b"1" + b"}" * 50_000, id="nested deeply"),
        pytest.param(b"1" * 5_000, id="a number of 5000 digits"),
        pytest.param(b" ", id="white space"),
    ],
)
def test_a_body_that_is_not_json_is_malformed(service: httpx.Client, body: bytes) -> None:
    assert _code(_post(service, body)) == (400, Code.MALFORMED_JSON)


def test_a_syntax_error_is_located(service: httpx.Client) -> None:
    error = _post(service, '{"comment": }').json()["error"]
    assert error["details"] == [{"field": "body", "reason": "Expecting value at character 12"}]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("", "body"),
        ("null", "body"),
        ("[]", "body"),
        ('"text"', "body"),
        ("[" * 500 + "]" * 500, "body"),
        ("NaN", "body"),
        ("{}", "comment"),
        ('{"comment": "text"}', "comment"),
        ('{"comment": {}}', "comment.text"),
        ('{"comment": {"text": null}}', "comment.text"),
        ('{"comment": {"text": 5}}', "comment.text"),
        ('{"comment": {"text": NaN}}', "comment.text"),
        ('{"comment": {"text": 1e999}}', "comment.text"),
        (f'{{"comment": {{"text": {"9" * 4000}}}}}', "comment.text"),
        ('{"comment": {"text": ["a"]}}', "comment.text"),
        ('{"comment": {"text": "a", "html": "b"}}', "comment"),
        ('{"comment": {"text": "a"}, "explain": 1}', "explain"),
        ('{"comment": {"text": "a"}, "explain": "yes"}', "explain"),
        ('{"comment": {"text": "a"}, "explain": null}', "explain"),
        ('{"comment": {"text": "a"}, "article": "b"}', "article"),
        ('{"comment": {"text": "a"}, "article": {"url": 1}}', "article.url"),
        ('{"comment": {"text": "a"}, "parent": {}}', "parent.text"),
        ('{"comment": {"text": "a"}, "community": 7}', "community"),
        ('{"comment": {"text": "a"}, "\\ud800": 7}', "body"),
    ],
)
def test_json_of_another_form_is_invalid_and_the_place_is_named(service: httpx.Client, body: str, field: str) -> None:
    response = _post(service, body)
    assert _code(response) == (422, Code.INVALID_REQUEST)
    assert [detail["field"] for detail in response.json()["error"]["details"]] == [field]


def test_a_wrong_entry_of_a_batch_is_named_by_its_number(service: httpx.Client) -> None:
    response = _post(service, '{"comments": [{"comment": {"text": "a"}}, {"comment": {"text": 1}}]}', "/v1/score/batch")
    assert _code(response) == (422, Code.INVALID_REQUEST)
    assert response.json()["error"]["details"][0]["field"] == "comments.1.comment.text"


def test_an_unknown_field_is_answered_with_the_known_ones(service: httpx.Client) -> None:
    response = service.post("/v1/score", json={"comment": {"text": "a"}, "txt": "b"})
    reason = response.json()["error"]["details"][0]["reason"]
    assert reason == "Fields other than comment, article, parent, community, explain are not accepted"


def test_details_are_few_however_much_is_wrong(service: httpx.Client) -> None:
    response = service.post("/v1/score/batch", json={"comments": [0] * 1000})
    assert len(response.json()["error"]["details"]) == MAX_DETAILS


@pytest.mark.parametrize(
    "request_",
    [
        {"comment": {"text": [SECRET]}},
        {"comment": {"text": "a", SECRET: 1}},
        {SECRET: SECRET},
        {"comment": {"text": "a"}, "explain": SECRET},
        {"comment": {"text": SECRET * 4000}},
        [SECRET],
        SECRET,
    ],
)
def test_nothing_that_was_sent_comes_back_in_a_refusal(service: httpx.Client, request_: Any) -> None:
    response = service.post("/v1/score", json=request_)
    assert 400 <= response.status_code < 500
    assert SECRET not in response.text


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ";", None])
def test_a_body_must_be_declared_as_json(service: httpx.Client, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    response = service.post("/v1/score", content=b'{"comment": {"text": "a"}}', headers=headers)
    assert _code(response) == (415, Code.UNSUPPORTED_MEDIA_TYPE)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.forum+json"])
def test_other_spellings_of_json_are_fine(service: httpx.Client, kind: str) -> None:
    response = service.post("/v1/score", content=b'{"comment": {"text": "a"}}', headers={"Content-Type": kind})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t ",
        "\x00",
        "a\x00b",
        "\N{GRINNING FACE}",
        "\N{RIGHT-TO-LEFT OVERRIDE}toidi\N{POP DIRECTIONAL FORMATTING}",
        "\ufeff\u200b\u200d",
        "e" + "\N{COMBINING ACUTE ACCENT}" * 2000,
        "\x1e",
        "9" * 20_000,
        "\U0010ffff",
        "\ud83d",
        "half an emoji \ud83d here",
        "\udc00\ud800",
    ],
)
def test_strange_text_gets_a_verdict(service: httpx.Client, text: str) -> None:
    request = {"comment": {"text": text}, "article": {"title": text, "text": text}, "parent": {"text": text}}
    for explain in (False, True):
        response = _post(service, json.dumps({**request, "explain": explain}))
        assert response.status_code == 200, response.text
        assert all(0 <= score <= 1 for score in response.json()["scores"].values())


def test_half_an_emoji_counts_as_one_character_that_cannot_be_shown(service: httpx.Client) -> None:
    bodies = [json.dumps({"comment": {"text": f"you stupid {mark} idiot"}, "explain": True}) for mark in "\ufffd\ud83d"]
    whole, broken = (_post(service, body).json() for body in bodies)
    assert broken == whole


@pytest.fixture(scope="module")
def small(start: Callable[..., httpx.Client], settings: Settings) -> httpx.Client:
    """A service with narrow limits."""
    limits = {
        "max_comment_bytes": 10,
        "max_article_bytes": 20,
        "max_parent_bytes": 10,
        "max_batch": 3,
        "max_explained": 1,
        "max_body_bytes": 1000,
    }
    return start(create_app(settings.model_copy(update=limits)))


def test_reasons_are_given_for_only_so_many_comments_of_a_batch(small: httpx.Client) -> None:
    entry = {"comment": {"text": "a"}, "explain": True}
    assert small.post("/v1/score/batch", json={"comments": [entry]}).status_code == 200
    assert _code(small.post("/v1/score/batch", json={"comments": [entry, entry]})) == (413, Code.TOO_MANY_COMMENTS)


@pytest.mark.parametrize(
    ("request_", "code", "field"),
    [
        ({"comment": {"text": "a" * 11}}, Code.COMMENT_TOO_LARGE, "comment.text"),
        ({"comment": {"text": "\N{GRINNING FACE}" * 3}}, Code.COMMENT_TOO_LARGE, "comment.text"),
        (
            {"comment": {"text": "a"}, "article": {"title": "b" * 11, "text": "c" * 10}},
            Code.ARTICLE_TOO_LARGE,
            "article",
        ),
        ({"comment": {"text": "a"}, "article": {"url": "b" * 21}}, Code.ARTICLE_TOO_LARGE, "article"),
        ({"comment": {"text": "a"}, "parent": {"text": "b" * 11}}, Code.PARENT_TOO_LARGE, "parent.text"),
    ],
)
def test_texts_past_their_limits_are_named(small: httpx.Client, request_: Any, code: Code, field: str) -> None:
    response = small.post("/v1/score", json=request_)
    assert _code(response) == (413, code)
    assert response.json()["error"]["details"][0]["field"] == field

    batch = small.post("/v1/score/batch", json={"comments": [{"comment": {"text": "a"}}, request_]})
    assert _code(batch) == (413, code)
    assert batch.json()["error"]["details"][0]["field"] == f"comments.1.{field}"


def test_texts_at_their_limits_are_judged(small: httpx.Client) -> None:
    place = {"article": {"title": "b" * 10, "text": "c" * 10}, "parent": {"text": "d" * 10}}
    assert small.post("/v1/score", json={"comment": {"text": "a" * 10}, **place}).status_code == 200


@pytest.mark.parametrize("entry", [{"comment": {"text": "a"}}, 0])
def test_a_batch_past_its_limit_is_refused_whatever_it_holds(small: httpx.Client, entry: Any) -> None:
    assert _code(small.post("/v1/score/batch", json={"comments": [entry] * 4})) == (413, Code.TOO_MANY_COMMENTS)


def test_a_batch_at_its_limit_is_judged(small: httpx.Client) -> None:
    assert small.post("/v1/score/batch", json={"comments": [{"comment": {"text": "a"}}] * 3}).status_code == 200


@pytest.mark.parametrize("size", [1001, 5_000_000])
@pytest.mark.parametrize("path", ["/v1/score", "/v1/score/batch", "/nowhere"])
def test_a_body_past_its_limit_is_refused(small: httpx.Client, size: int, path: str) -> None:
    assert _code(_post(small, b" " * size, path)) == (413, Code.BODY_TOO_LARGE)


def test_a_body_of_undeclared_length_is_counted_as_it_comes(small: httpx.Client) -> None:
    chunks = (b" " * 100 for _ in range(50_000))
    assert _code(_post(small, chunks)) == (413, Code.BODY_TOO_LARGE)


def test_a_body_at_its_limit_is_read(small: httpx.Client) -> None:
    body = b'{"comment": {"text": "a"}}'.ljust(1000)
    assert _post(small, body).status_code == 200
    assert _post(small, iter([body])).status_code == 200


@pytest.mark.parametrize("declared", [5, 1000])
def test_a_false_content_length_harms_nobody(service: httpx.Client, declared: int) -> None:
    head = f"POST /v1/score HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {declared}\r\n\r\n"
    with socket.create_connection((service.base_url.host, service.base_url.port or 0)) as connection:
        connection.sendall(head.encode() + b'{"comment": {"text": "a"}}')
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()
    assert b" 200 " not in answer
    assert b" 500 " not in answer
    assert service.get("/healthz").status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_is_not_allowed(service: httpx.Client, method: str) -> None:
    response = service.request(method, "/v1/score")
    assert _code(response) == (405, Code.METHOD_NOT_ALLOWED)
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/score/", "/v1/score/%00", "/v1/../etc/passwd", "/%ff"])
def test_an_unknown_path_is_not_found(service: httpx.Client, path: str) -> None:
    assert _code(service.post(path, json={"comment": {"text": "a"}})) == (404, Code.NOT_FOUND)


def test_a_failure_inside_tells_nothing_about_it(start: Callable[..., httpx.Client], settings: Settings) -> None:
    app = create_app(settings)

    @app.get("/fail")
    async def fail() -> None:
        raise RuntimeError(SECRET)

    response = start(app).get("/fail")
    assert _code(response) == (500, Code.INTERNAL_ERROR)
    assert SECRET not in response.text
    assert "Traceback" not in response.text


_ANY_TEXT = st.text(st.characters(codec=None), max_size=20)
_ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
_NEARLY_A_TEXT = st.fixed_dictionaries({}, optional={"text": _ANY_TEXT | _ANY_JSON})
_NEARLY_A_REQUEST = st.fixed_dictionaries(
    {"comment": _NEARLY_A_TEXT | _ANY_JSON},
    optional={
        "article": st.fixed_dictionaries(
            {}, optional={"title": _ANY_TEXT, "text": _ANY_TEXT, "url": _ANY_JSON, "id": _ANY_TEXT}
        ),
        "parent": _NEARLY_A_TEXT | st.none(),
        "community": _ANY_TEXT | _ANY_JSON,
        "explain": st.booleans() | _ANY_JSON,
    },
)
_BODIES = st.binary(max_size=50) | (
    _ANY_JSON | _NEARLY_A_REQUEST | st.fixed_dictionaries({"comments": st.lists(_NEARLY_A_REQUEST, max_size=3)})
).map(lambda body: json.dumps(body).encode())


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=_BODIES, path=st.sampled_from(["/v1/score", "/v1/score/batch"]))
def test_no_body_makes_the_service_fail(service: httpx.Client, body: bytes, path: str) -> None:
    response = _post(service, body, path)
    if response.status_code != 200:
        status, code = _code(response)
        assert (status, code) in {
            (400, Code.MALFORMED_JSON),
            (404, Code.UNKNOWN_ARTICLE),
            (422, Code.INVALID_REQUEST),
        }
