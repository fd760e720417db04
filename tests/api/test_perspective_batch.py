"""Many calls in one request, and the description from which Google's clients build themselves."""

from __future__ import annotations

import json
from email.message import Message
from email.parser import BytesParser
from typing import Any

import httpx
import pytest

from api.perspective.batch import MAX_CALLS
from api.perspective.errors import GoogleError

ANALYZE = "/v1alpha1/comments:analyze"
BOUNDARY = "===============7330845974216740156=="


def _body(text: str) -> str:
    return json.dumps({"comment": {"text": text}, "requestedAttributes": {"TOXICITY": {}}})


def _part(number: int, text: str, line: str = f"POST {ANALYZE}?alt=json HTTP/1.1", newline: str = "\n") -> str:
    """A part as google-api-python-client writes it."""
    return newline.join(
        [
            "Content-Type: application/http",
            "MIME-Version: 1.0",
            "Content-Transfer-Encoding: binary",
            f"Content-ID: <3fe3a5cc-1d2c-4b8e +{newline} {number}>",
            "",
            line,
            "Content-Type: application/json",
            "MIME-Version: 1.0",
            "content-length: 3",
            "Host: localhost",
            "",
            _body(text),
        ]
    )


def _send(service: httpx.Client, *parts: str, path: str = "/batch", **headers: str) -> httpx.Response:
    content = "".join(f"--{BOUNDARY}\n{part}\n" for part in parts) + f"--{BOUNDARY}--"
    kind = {"Content-Type": f'multipart/mixed; boundary="{BOUNDARY}"'}
    return service.post(path, content=content.encode(), headers=kind | headers)


def _answers(response: httpx.Response) -> list[tuple[str, int, dict[str, Any]]]:
    """Name, status and JSON of each part, read as multipart by Python's own parser."""
    assert response.status_code == 200, response.text
    whole = BytesParser().parsebytes(
        b"Content-Type: %s\r\n\r\n" % response.headers["content-type"].encode() + response.content
    )
    return [_answer(part) for part in whole.get_payload()]  # type: ignore[union-attr, arg-type]


def _answer(part: Message) -> tuple[str, int, dict[str, Any]]:
    head, body = part.get_payload(decode=True).split(b"\r\n\r\n", 1)  # type: ignore[union-attr, arg-type]
    protocol, status, *_ = head.split()
    assert (part.get_content_type(), protocol) == ("application/http", b"HTTP/1.1")
    return part["Content-ID"], int(status), json.loads(body)


@pytest.mark.parametrize("path", ["/batch", "/batch/commentanalyzer/v1alpha1"])
def test_each_call_is_answered_as_if_it_came_alone(service: httpx.Client, path: str) -> None:
    texts = ["You stupid idiot. \N{GRINNING FACE}", "", "Thanks, caf\N{LATIN SMALL LETTER E WITH ACUTE}."]
    answers = _answers(_send(service, *(_part(number, text) for number, text in enumerate(texts)), path=path))
    alone = [service.post(ANALYZE, content=_body(text), headers={"Content-Type": "application/json"}) for text in texts]
    assert [(status, body) for _, status, body in answers] == [(one.status_code, one.json()) for one in alone]
    assert [name for name, _, _ in answers] == [f"<response-3fe3a5cc-1d2c-4b8e + {number}>" for number in range(3)]


def test_lines_may_end_either_way(service: httpx.Client) -> None:
    [(_, status, _)] = _answers(_send(service, _part(1, "a", newline="\r\n")))
    assert status == 200


def test_a_batch_may_be_full_and_no_fuller(service: httpx.Client) -> None:
    assert len(_answers(_send(service, *[_part(1, "a")] * MAX_CALLS))) == MAX_CALLS
    error = _refused(_send(service, *[_part(1, "a")] * (MAX_CALLS + 1)))
    assert error == "The batch holds more than 100 calls."


@pytest.mark.parametrize("target", ["/batch", "/v1/score", "/healthz", "v1alpha1/comments:analyze", "/%62atch", "*"])
def test_only_perspectives_calls_may_be_in_a_batch(service: httpx.Client, target: str) -> None:
    [(_, status, body)] = _answers(_send(service, _part(1, "a", f"POST {target} HTTP/1.1")))
    assert (status, body["error"]["status"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("line", ["GET /v1alpha1/comments:analyze HTTP/1.1", "POST /v1alpha1/%ff%00 HTTP/1.1"])
def test_a_call_that_leads_nowhere_is_refused_alone(service: httpx.Client, line: str) -> None:
    [(_, wrong, _), (_, right, _)] = _answers(_send(service, _part(1, "a", line), _part(2, "a")))
    assert (wrong in (404, 405), right) == (True, 200)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (f'multipart/mixed; boundary="{BOUNDARY}"', b""),
        (f'multipart/mixed; boundary="{BOUNDARY}"', f"--{BOUNDARY}\n{_part(1, 'a')}\n".encode()),
        (f'multipart/mixed; boundary="{BOUNDARY}"', f"--{BOUNDARY}\n\nnot HTTP\n--{BOUNDARY}--".encode()),
        (f'multipart/mixed; boundary="{BOUNDARY}"', f"--{BOUNDARY}\n--{BOUNDARY}--".encode()),
        ("multipart/mixed", b"--a--"),
        ("multipart/mixed; boundary*=utf-8''%E2%82%AC", b"--a--"),
        ("multipart/mixed; boundary=\xe9", b"--\xe9--"),
        ("multipart/form-data; boundary=a", b"--a--"),
        ("application/json", b"{}"),
        ("", b""),
        ("multipart/mixed; boundary=a", b"--a\n\n\xff\xfe /\xff HTTP/1.1\n\n--a--"),
    ],
)
def test_what_is_no_batch_is_refused(service: httpx.Client, content_type: str, body: bytes) -> None:
    _refused(service.post("/batch", content=body, headers={"Content-Type": content_type.encode("latin-1")}))


def test_an_empty_batch_has_no_answers(service: httpx.Client) -> None:
    assert _send(service).status_code == 200


@pytest.mark.parametrize("body", [b"--a\n" * 4_000_000, b"--a\n" + b"b: c\n" * 3_000_000 + b"\nPOST / HTTP/1.1\n--a--"])
def test_a_large_body_that_is_no_batch_takes_no_time(service: httpx.Client, body: bytes) -> None:
    response = service.post("/batch", content=body, headers={"Content-Type": "multipart/mixed; boundary=a"})
    assert _refused(response)
    assert response.elapsed.total_seconds() < 10


def _refused(response: httpx.Response) -> str:
    assert response.status_code == 400
    message: str = GoogleError.model_validate_json(response.content).error.message
    return message


# --- discovery


@pytest.mark.parametrize("path", ["/$discovery/rest", "/%24discovery/rest", "/$discovery/rest?version=v1alpha1&key=a"])
def test_the_description_names_this_server_and_its_methods(service: httpx.Client, path: str) -> None:
    document = service.get(path).json()
    assert document["rootUrl"] == f"{service.base_url}/".replace("//", "/").replace(":/", "://")
    methods = document["resources"]["comments"]["methods"]
    for method in methods.values():
        assert service.post(f"/{method['path']}", json={}).status_code == 400
    assert set(methods) == {"analyze", "suggestscore"}
    assert service.post(f"/{document['batchPath']}").status_code == 400


def test_behind_a_proxy_the_description_names_the_address_outside(service: httpx.Client) -> None:
    headers = {"Host": "perspective.example.org", "X-Forwarded-Proto": "https"}
    document = service.get("/$discovery/rest", headers=headers).json()
    assert document["rootUrl"] == "https://perspective.example.org/"


def test_the_description_holds_every_schema_that_it_refers_to(service: httpx.Client) -> None:
    document = service.get("/$discovery/rest").json()
    schemas = document["schemas"]
    assert _references(document) <= schemas.keys()
    fields = schemas["AnalyzeCommentRequest"]["properties"]
    assert fields["languages"] == {
        "type": "array",
        "items": {"type": "string"},
        "description": fields["languages"]["description"],
    }
    assert fields["requestedAttributes"]["additionalProperties"] == {"$ref": "AttributeParameters"}


def _references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if "$ref" in value else set()
        return own.union(*map(_references, value.values()))
    return set()
